/// Time of a collective on a system's levels: the fastest of what the library has, and never below
/// what the ranks must inject.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "fastpath/system.h"

#include "model/collective_model.h"
#include "model/device_model.h"

namespace fastpath {

/// Links of a system, looked up once.
class NetworkModel {
 public:
  /// `library`: the tuning to use where a link has it ("nccl", "vllm graph"); empty: each link's
  /// first.
  explicit NetworkModel(const System& system, std::string_view library = {});

  /// `payload` as Task::payload says. A group of one is free. Ranks of the group are placed in
  /// order, `stride` apart, on the innermost level first.
  TaskCost cost(Collective collective, Group group, Bytes payload) const;

  /// The same, with the algorithm and the protocol.
  CollectiveCost choose(Collective collective, Group group, Bytes payload,
                        const CollectiveOptions& options = {}) const {
    return collective_cost(place(group), collective, payload, options);
  }

  /// Bytes a rank must send over the links it has, at their data-sheet rate.
  Seconds injection_bound(Collective collective, Group group, Bytes payload) const {
    return fastpath::injection_bound(place(group), collective, payload);
  }

  /// Share of a collective's time in which it keeps one rank's port into each level busy, by level;
  /// within [0, 1]. The port at the bottleneck is as busy as its time at the rate that the library
  /// reaches for large messages says; the others as their bytes over theirs.
  std::vector<double> port_use(Collective collective, Group group, Bytes payload) const;

  /// The group's place. Its innermost level with two members or more is the domain if it is the
  /// system's first level or no other; all levels above it are the fabric, as slow as the slowest.
  GroupPlace place(Group group) const;

  /// The same for unequal numbers of ranks in each unit of the first level, for example {8, 8, 4}:
  /// rings pass through the smallest unit, which has the fewest links into the fabric. Counts of 0
  /// are left out.
  GroupPlace place(std::span<const double> ranks_by_unit) const;

 private:
  struct Tier {
    Topology topology = Topology::switched;
    double count = 1;
    BytesPerSecond bandwidth;  ///< data sheet, per device and direction
    double achieved = 0.8;     ///< of `bandwidth`, without oversubscription
    double oversubscription = 1;
    Seconds latency;
    Seconds setup;
    double units = 1;  ///< devices in one unit below this level
    double reach = 1;  ///< devices in one unit of this level
    std::vector<double> torus;
    const CollectiveTuning* tuning = nullptr;
  };

  void enter_domain(const Tier& tier, double members, double stride, GroupPlace& place) const;
  static void cross(const Tier& tier, double below, GroupPlace& place);

  std::vector<Tier> tiers_;
  std::vector<std::shared_ptr<const std::vector<CollectiveTuning>>> kept_;  ///< own the tunings
};

/// 90 % interval of a collective's time at `place`, of `payload`: that of the link's tuning, of
/// systems it was fitted on or of others. Across nodes, and without a tuning, extrapolating.
RelativeInterval relative_interval(const GroupPlace& place, std::string_view device, Bytes payload);

/// Bytes that each rank sends, over the payload as Task::payload defines it.
double sent_per_payload(Collective collective, double ranks);

}  // namespace fastpath
