#include "engine/simulate/fabric.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace fastpath {
namespace {

constexpr double kPicosecondsPerSecond = 1e12;

std::vector<std::int64_t> extents_of(const Level& level) {
  if (level.topology == Topology::torus && !level.torus.empty()) return level.torus;
  return {level.count};
}

}  // namespace

Fabric::Fabric(const System& system, TaskGraph& graph) {
  const std::int64_t devices = system.device_count();
  std::int64_t below = 1;
  for (const Level& level : system.levels) {
    Tier tier;
    tier.topology = level.topology;
    tier.count = level.count;
    tier.below = below;
    tier.latency = std::llround(level.latency.value.base() * kPicosecondsPerSecond);
    below *= level.count;
    if (level.count > 1) add_ports(level, devices, graph, tier);
    tiers_.push_back(std::move(tier));
  }
}

void Fabric::add_ports(const Level& level, std::int64_t devices, TaskGraph& graph, Tier& tier) {
  const double rate = level.bandwidth.value.base() * level.achieved.value;
  const auto add = [&](std::int64_t links, double capacity) {
    std::uint32_t first = 0;
    for (std::int64_t i = 0; i < links; ++i) {
      const std::uint32_t link = graph.add_link(capacity);
      if (i == 0) first = link;
    }
    return first;
  };
  const std::int64_t units = devices / tier.below;
  switch (level.topology) {
    case Topology::switched:
      tier.per_device = 2;
      tier.ports = add(2 * devices, rate);
      tier.uplinks = level.oversubscription > 1;
      if (tier.uplinks) {
        tier.trunks =
            add(2 * units, rate * static_cast<double>(tier.below) / level.oversubscription);
      }
      break;
    case Topology::mesh:
      tier.per_device = static_cast<std::uint32_t>(level.count);
      tier.ports = add(devices * level.count, rate / static_cast<double>(level.count - 1));
      break;
    case Topology::ring:
    case Topology::torus: {
      tier.extents = extents_of(level);
      const auto used = std::count_if(tier.extents.begin(), tier.extents.end(),
                                      [](std::int64_t extent) { return extent > 1; });
      tier.per_device = static_cast<std::uint32_t>(2 * tier.extents.size());
      tier.ports = add(devices * tier.per_device,
                       rate / static_cast<double>(2 * std::max<std::ptrdiff_t>(1, used)));
      break;
    }
    case Topology::bus: tier.trunks = add(units / tier.count, rate); break;
  }
}

const Fabric::Tier& Fabric::tier_between(std::int64_t from, std::int64_t to) const {
  for (const Tier& tier : tiers_) {
    const std::int64_t reach = tier.below * tier.count;
    if (from / reach == to / reach) return tier;
  }
  FP_CHECK(!tiers_.empty());
  return tiers_.back();
}

Picoseconds Fabric::latency(std::int64_t from, std::int64_t to) const {
  return from == to ? 0 : tier_between(from, to).latency;
}

/// Along each extent from one place to the other, over the ports of the devices on the way.
void Fabric::walk(const Tier& tier, std::int64_t from, std::int64_t to,
                  std::vector<LinkUse>& links) {
  const std::int64_t unit = from / tier.below / tier.count * tier.count;
  std::int64_t at = from / tier.below % tier.count;
  const std::int64_t goal = to / tier.below % tier.count;
  std::int64_t stride = 1;
  for (std::size_t axis = 0; axis < tier.extents.size(); ++axis) {
    const std::int64_t extent = tier.extents[axis];
    const std::int64_t ahead = ((goal / stride) - (at / stride) % extent + extent) % extent;
    const bool forward = 2 * ahead <= extent;
    for (std::int64_t hops = forward ? ahead : extent - ahead; hops > 0; --hops) {
      const std::int64_t device = (unit + at) * tier.below + from % tier.below;
      links.push_back({tier.ports + static_cast<std::uint32_t>(device) * tier.per_device +
                           static_cast<std::uint32_t>(2 * axis) + (forward ? 0U : 1U),
                       1});
      const std::int64_t place = at / stride % extent;
      const std::int64_t next = (place + (forward ? 1 : extent - 1)) % extent;
      at += (next - place) * stride;
    }
    stride *= extent;
  }
}

std::vector<LinkUse> Fabric::way(std::int64_t from, std::int64_t to) const {
  std::vector<LinkUse> links;
  if (from == to) return links;
  const Tier& tier = tier_between(from, to);
  const auto port = [&](std::int64_t device, std::int64_t index) {
    return tier.ports + static_cast<std::uint32_t>(device * tier.per_device + index);
  };
  switch (tier.topology) {
    case Topology::switched:
      links.push_back({port(from, 0), 1});
      if (tier.uplinks) {
        links.push_back({tier.trunks + static_cast<std::uint32_t>(2 * (from / tier.below)), 1});
        links.push_back({tier.trunks + static_cast<std::uint32_t>(2 * (to / tier.below)) + 1, 1});
      }
      links.push_back({port(to, 1), 1});
      break;
    case Topology::mesh: links.push_back({port(from, to / tier.below % tier.count), 1}); break;
    case Topology::ring:
    case Topology::torus: walk(tier, from, to, links); break;
    case Topology::bus:
      links.push_back(
          {tier.trunks + static_cast<std::uint32_t>(from / tier.below / tier.count), 1});
      break;
  }
  return links;
}

}  // namespace fastpath
