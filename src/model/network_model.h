/// Time of a collective on a system's levels: alpha-beta, the best of a few algorithms, and never
/// below what the ranks must inject.
#pragma once

#include <vector>

#include "fastpath/system.h"

#include "model/device_model.h"

namespace fastpath {

/// Links of a system, looked up once.
class NetworkModel {
 public:
  explicit NetworkModel(const System& system);

  /// `payload` as Task::payload says. A group of one is free. Ranks of the group are placed in
  /// order, `stride` apart, on the innermost level first.
  ///
  /// Bandwidth: a ring's rate is that of its slowest level, where each unit injects over the links
  /// of all its members. Latency: the smaller of a ring (p - 1 steps) and of a tree or recursive
  /// doubling (log2 p steps a level). Source: Thakur, Rabenseifner, Gropp, "Optimization of
  /// collective communication operations in MPICH", IJHPCA 19(1), 2005.
  TaskCost cost(Collective collective, Group group, Bytes payload) const;

  /// Bytes a rank must send over the links it has, at their data-sheet rate.
  Seconds injection_bound(Collective collective, Group group, Bytes payload) const;

 private:
  struct Tier {
    BytesPerSecond bandwidth;  ///< achieved, per device and direction, over oversubscription
    BytesPerSecond data_sheet;
    Seconds latency;
    double units = 1;  ///< devices in one unit below this level
    double reach = 1;  ///< devices in one unit of this level
  };

  /// Members of the group in one unit of `devices` devices.
  static double members(const Group& group, double devices);
  Seconds all_to_all(const Group& group, Bytes payload, bool data_sheet) const;
  Seconds send(const Group& group, Bytes payload, bool data_sheet) const;
  BytesPerSecond ring_rate(const Group& group, bool data_sheet) const;
  Seconds latency(const Group& group, double rounds) const;

  std::vector<Tier> tiers_;
};

/// Bytes that each rank sends, over the payload as Task::payload defines it.
double sent_per_payload(Collective collective, double ranks);

}  // namespace fastpath
