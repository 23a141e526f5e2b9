#include "model/network_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastpath {

double sent_per_payload(Collective collective, double ranks) {
  const double share = (ranks - 1) / ranks;
  switch (collective) {
    case Collective::none: return 0;
    case Collective::all_reduce: return 2 * share;
    case Collective::all_gather:
    case Collective::reduce_scatter:
    case Collective::all_to_all: return share;
    case Collective::send_recv: return 1;
  }
  return 0;
}

NetworkModel::NetworkModel(const System& system) {
  double devices = 1;
  for (const Level& level : system.levels) {
    Tier tier;
    tier.data_sheet = level.bandwidth.value;
    tier.bandwidth = system.device.achieved.link.value / std::max(1.0, level.oversubscription) *
                     level.bandwidth.value;
    tier.latency = level.latency.value;
    tier.units = devices;
    devices *= static_cast<double>(level.count);
    tier.reach = devices;
    tiers_.push_back(tier);
  }
}

double NetworkModel::members(const Group& group, double devices) {
  const double inside = std::floor(devices / static_cast<double>(group.stride));
  return std::clamp(inside, 1.0, static_cast<double>(group.size));
}

BytesPerSecond NetworkModel::ring_rate(const Group& group, bool data_sheet) const {
  BytesPerSecond rate{std::numeric_limits<double>::infinity()};
  for (const Tier& tier : tiers_) {
    const double below = members(group, tier.units);
    if (members(group, tier.reach) <= below) continue;
    rate = std::min(rate, below * (data_sheet ? tier.data_sheet : tier.bandwidth));
  }
  return rate;
}

Seconds NetworkModel::latency(const Group& group, double rounds) const {
  Seconds slowest;
  Seconds tree;
  for (const Tier& tier : tiers_) {
    const double fan = members(group, tier.reach) / members(group, tier.units);
    if (fan <= 1) continue;
    slowest = std::max(slowest, tier.latency);
    tree += std::ceil(std::log2(fan)) * tier.latency;
  }
  const Seconds ring = (static_cast<double>(group.size) - 1) * slowest;
  return rounds * std::min(ring, tree);
}

/// What leaves a unit shares its members' links into that level; the slowest level decides.
Seconds NetworkModel::all_to_all(const Group& group, Bytes payload, bool data_sheet) const {
  Seconds time;
  Seconds latency;
  const auto size = static_cast<double>(group.size);
  for (const Tier& tier : tiers_) {
    const double below = members(group, tier.units);
    if (members(group, tier.reach) <= below) continue;
    const double leaves = 1 - below / size;
    time = std::max(time, leaves * payload / (data_sheet ? tier.data_sheet : tier.bandwidth));
    latency = std::max(latency, tier.latency);
  }
  return data_sheet ? time : time + latency;
}

/// To the next rank of the group: the pair that is farthest apart sets the pace.
Seconds NetworkModel::send(const Group& group, Bytes payload, bool data_sheet) const {
  Seconds time;
  for (const Tier& tier : tiers_) {
    const bool crosses = members(group, tier.reach) > members(group, tier.units);
    if (!crosses) continue;
    const BytesPerSecond rate = data_sheet ? tier.data_sheet : tier.bandwidth;
    time = std::max(time, payload / rate + (data_sheet ? Seconds{} : tier.latency));
  }
  return time;
}

TaskCost NetworkModel::cost(Collective collective, Group group, Bytes payload) const {
  TaskCost cost;
  cost.bound = Bound::network;
  if (collective == Collective::none || group.size <= 1) return cost;
  const double sent = sent_per_payload(collective, static_cast<double>(group.size));
  cost.traffic = sent * payload;
  switch (collective) {
    case Collective::none: break;
    case Collective::all_reduce:
      cost.network = latency(group, 2) + cost.traffic / ring_rate(group, false);
      break;
    case Collective::all_gather:
    case Collective::reduce_scatter:
      cost.network = latency(group, 1) + cost.traffic / ring_rate(group, false);
      break;
    case Collective::all_to_all: cost.network = all_to_all(group, payload, false); break;
    case Collective::send_recv: cost.network = send(group, payload, false); break;
  }
  cost.time = cost.network;
  return cost;
}

Seconds NetworkModel::injection_bound(Collective collective, Group group, Bytes payload) const {
  if (collective == Collective::none || group.size <= 1) return Seconds{};
  if (collective == Collective::all_to_all) return all_to_all(group, payload, true);
  if (collective == Collective::send_recv) return send(group, payload, true);
  const double sent = sent_per_payload(collective, static_cast<double>(group.size));
  return sent * payload / ring_rate(group, true);
}

}  // namespace fastpath
