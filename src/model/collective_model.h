/// Time of a collective as a library would run it on a group: every algorithm and protocol that the
/// library has, and the fastest of them.
#pragma once

#include <cstdint>

#include "fastpath/collective.h"
#include "fastpath/quantity.h"
#include "fastpath/system.h"

namespace fastpath {

/// Where the ranks of a group sit: `inside` of them in each of `units` domains (NVLink domain,
/// mesh, torus slice, PCIe host), the domains joined by a fabric. A group within one domain has one
/// unit; one with a single rank in each has inside == 1.
struct GroupPlace {
  double ranks = 1;
  double inside = 1;
  double units = 1;
  Topology topology = Topology::switched;  ///< inside
  BytesPerSecond bandwidth;  ///< inside, data sheet, per rank, over the links the group can use
  double achieved = 0.8;     ///< of `bandwidth`, where no library was measured
  Seconds latency;           ///< inside, of one message
  Seconds setup;             ///< inside, of one collective
  double steps = 0;       ///< a ring's messages one way: inside - 1, a torus: sum of (extent - 1)
  double congestion = 0;  ///< all-to-all on a ring or torus: bytes of one port over the payload
  BytesPerSecond out;     ///< across, achieved, of all the links of a unit's members together
  BytesPerSecond out_sheet;  ///< the same, data sheet
  BytesPerSecond spread;     ///< across, achieved: payload of a rank over its time in an all-to-all
  BytesPerSecond spread_sheet;               ///< the same, data sheet
  BytesPerSecond port;                       ///< across, achieved: one rank's own link
  BytesPerSecond port_sheet;                 ///< the same, data sheet
  Seconds out_latency;                       ///< across, of one message
  Seconds out_setup;                         ///< across, of one collective
  const CollectiveTuning* tuning = nullptr;  ///< null: closed forms with the figures above
};

/// What a library may use; tests of mis-settings switch parts off.
struct CollectiveOptions {
  bool nvls = true;  ///< reduction in the switch; a library does not use it for integers
  bool tree = true;
  bool bulk = true;         ///< Simple and LL128, not only LL
  bool low_latency = true;  ///< LL and LL128, not only Simple
  bool collnet = false;     ///< the fabric's switches reduce (SHARP)
  bool corrected = true;    ///< local corrections learnt from measurements
};

struct CollectiveCost {
  Seconds time;
  Seconds bound;  ///< nothing is faster: bytes that must be injected, at data-sheet rates
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::none;
  CollectiveProtocol protocol = CollectiveProtocol::simple;
};

/// Algorithms and constants as NCCL's tuning model has them (NVIDIA/nccl@5067397c
/// src/graph/tuning.cc), each time = latency + bytes / rate, with what `place.tuning` reaches in
/// place of NCCL's own constants; never below the bound. `payload` as Task::payload says. A group
/// of one is free. Valid for ranks that start together on an otherwise idle network.
CollectiveCost collective_cost(const GroupPlace& place, Collective collective, Bytes payload,
                               const CollectiveOptions& options = {});

/// Bytes that must leave a rank, and a unit, at data-sheet rates. In-switch reduction halves it
/// inside a domain.
Seconds injection_bound(const GroupPlace& place, Collective collective, Bytes payload,
                        const CollectiveOptions& options = {});

}  // namespace fastpath
