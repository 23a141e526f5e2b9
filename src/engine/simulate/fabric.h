/// The links of a system one by one, and the way of a message over them.
#pragma once

#include <cstdint>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/system.h"

#include "engine/simulate/fair_share.h"
#include "engine/simulate/task_graph.h"

namespace fastpath {

/// Every level of a system has ports of its own. Two devices talk over the innermost level of which
/// both are in one unit:
/// - switched: each device has a port in and one out, and the switch does not block. With an
///   oversubscription above 1, each unit below shares one link into it each way.
/// - mesh: a link each way between any two units below; a device has all of its unit's.
/// - ring, torus: links to the neighbours along each extent, the bandwidth of a device shared
///   equally among its ports; messages go extent by extent, the shorter way round.
/// - bus: all units of a level share one link.
/// Rates are what Level::achieved leaves of the data sheet.
class Fabric {
 public:
  /// Adds the links to `graph`.
  Fabric(const System& system, TaskGraph& graph);

  /// Links from one device to another, in the order of the way; empty for itself.
  std::vector<LinkUse> way(std::int64_t from, std::int64_t to) const;
  Picoseconds latency(std::int64_t from, std::int64_t to) const;

 private:
  struct Tier {
    Topology topology = Topology::switched;
    std::int64_t count = 1;  ///< units below, in a unit
    std::int64_t below = 1;  ///< devices in one unit below
    std::vector<std::int64_t> extents;
    Picoseconds latency = 0;
    bool uplinks = false;
    std::uint32_t ports = 0;   ///< first link of the devices'
    std::uint32_t trunks = 0;  ///< first link of the units'
    std::uint32_t per_device = 0;
  };

  const Tier& tier_between(std::int64_t from, std::int64_t to) const;
  static void add_ports(const Level& level, std::int64_t devices, TaskGraph& graph, Tier& tier);
  static void walk(const Tier& tier, std::int64_t from, std::int64_t to,
                   std::vector<LinkUse>& links);

  std::vector<Tier> tiers_;
};

}  // namespace fastpath
