#include "model/network_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fastpath/collective.h"

#include "model/collective_forms.h"

namespace fastpath {
namespace {

/// Members of the group in one unit of `devices` devices: the first stands at its start.
double members(const Group& group, double devices) {
  const double inside = std::floor((devices - 1) / static_cast<double>(group.stride)) + 1;
  return std::clamp(inside, 1.0, static_cast<double>(group.size));
}

const CollectiveTuning* tuning_of(const Level& level, std::string_view library) {
  if (!level.tunings || level.tunings->empty()) return nullptr;
  for (const CollectiveTuning& tuning : *level.tunings) {
    if (tuning.library == library) return &tuning;
  }
  return &level.tunings->front();
}

/// Extents of a torus that a group runs along: inner extents that its stride passes over are not.
struct Extents {
  double used = 0;   ///< how many
  double steps = 0;  ///< sum of extent - 1
  double longest = 1;
};

Extents extents_used(const std::vector<double>& torus, double ranks, double stride) {
  Extents extents;
  double below = 1;
  double covered = 1;
  for (const double extent : torus) {
    below *= extent;
    if (below <= stride || covered >= ranks || extent <= 1) continue;
    const double along = std::min(extent, std::ceil(ranks / covered));
    covered *= along;
    extents.used += 1;
    extents.steps += along - 1;
    extents.longest = std::max(extents.longest, along);
  }
  return extents;
}

/// Bytes through a rank's port into a level, over the payload: `below` members of the group share
/// the way into it, `within` are inside.
double port_volume(Collective collective, double ranks, double below, double within) {
  if (collective == Collective::all_to_all) return (within - below) / ranks;
  return least_volume(collective, ranks) / below;
}

}  // namespace

double sent_per_payload(Collective collective, double ranks) {
  return least_volume(collective, ranks);
}

NetworkModel::NetworkModel(const System& system, std::string_view library) {
  double devices = 1;
  for (const Level& level : system.levels) {
    Tier tier;
    tier.topology = level.topology;
    tier.count = static_cast<double>(level.count);
    tier.bandwidth = level.bandwidth.value;
    tier.achieved = level.achieved.value;
    tier.oversubscription = std::max(1.0, level.oversubscription);
    tier.latency = level.latency.value;
    tier.setup = level.setup.value;
    tier.units = devices;
    devices *= tier.count;
    tier.reach = devices;
    for (const std::int64_t extent : level.torus)
      tier.torus.push_back(static_cast<double>(extent));
    tier.tuning = tuning_of(level, library);
    if (level.tunings) kept_.push_back(level.tunings);
    tiers_.push_back(std::move(tier));
  }
}

/// Full mesh: links to absent members idle. Torus: links along other extents idle. A port of a ring
/// carries p/8 of an all-to-all's payload; of a torus, what its longest extent does.
void NetworkModel::enter_domain(const Tier& tier, double members_inside, double stride,
                                GroupPlace& place) const {
  place.inside = members_inside;
  place.topology = tier.topology;
  place.bandwidth = tier.bandwidth;
  place.achieved = tier.achieved / tier.oversubscription;
  place.latency = tier.latency;
  place.setup = tier.setup;
  place.tuning = tier.tuning;
  place.steps = members_inside - 1;
  if (tier.topology == Topology::mesh && tier.count > 1) {
    place.bandwidth = std::min(1.0, (members_inside - 1) / (tier.count - 1)) * tier.bandwidth;
  } else if (tier.topology == Topology::torus && !tier.torus.empty()) {
    const Extents extents = extents_used(tier.torus, members_inside, stride);
    const double all = static_cast<double>(
        std::count_if(tier.torus.begin(), tier.torus.end(), [](double e) { return e > 1; }));
    place.bandwidth = std::max(1.0, extents.used) / std::max(1.0, all) * tier.bandwidth;
    place.steps = std::max(1.0, extents.steps);
    // One port is 1 / (2 x extents used) of the bandwidth.
    place.congestion = extents.longest / 8 * 2 * std::max(1.0, extents.used);
  } else if (tier.topology == Topology::ring) {
    place.congestion = members_inside / 8 * 2;
  }
  if (place.congestion > 0) {
    place.congestion = std::max(place.congestion, (place.inside - 1) / place.inside);
  }
}

/// `below` members of a unit share their links into this level. Rings cross it over all of those
/// links; in an all-to-all, all but below / ranks of each payload do.
void NetworkModel::cross(const Tier& tier, double below, GroupPlace& place) {
  const double share = tier.achieved / tier.oversubscription;
  const double far = 1 - below / place.ranks;
  place.out = std::min(place.out, below * share * tier.bandwidth);
  place.out_sheet = std::min(place.out_sheet, below * tier.bandwidth);
  place.spread = std::min(place.spread, share / far * tier.bandwidth);
  place.spread_sheet = std::min(place.spread_sheet, 1 / far * tier.bandwidth);
  place.port = std::min(place.port, share * tier.bandwidth);
  place.port_sheet = std::min(place.port_sheet, tier.bandwidth);
  place.out_latency = std::max(place.out_latency, tier.latency);
  place.out_setup = std::max(place.out_setup, tier.setup);
  place.units = place.ranks / place.inside;
}

GroupPlace NetworkModel::place(Group group) const {
  GroupPlace place;
  place.ranks = static_cast<double>(group.size);
  place.out = BytesPerSecond{std::numeric_limits<double>::infinity()};
  place.out_sheet = place.spread = place.spread_sheet = place.port = place.port_sheet = place.out;
  bool first = true;
  for (const Tier& tier : tiers_) {
    const double below = members(group, tier.units);
    const double within = members(group, tier.reach);
    if (within <= below) continue;
    const bool innermost = tier.units <= 1 || (first && within >= place.ranks);
    if (innermost) {
      enter_domain(tier, within, static_cast<double>(group.stride), place);
    } else {
      cross(tier, below, place);
    }
    first = false;
  }
  return place;
}

GroupPlace NetworkModel::place(std::span<const double> ranks_by_unit) const {
  double ranks = 0;
  double fewest = std::numeric_limits<double>::infinity();
  double most = 0;
  double units = 0;
  for (const double count : ranks_by_unit) {
    if (count < 1) continue;
    ranks += count;
    units += 1;
    fewest = std::min(fewest, count);
    most = std::max(most, count);
  }
  if (units < 1) return {};
  GroupPlace place =
      this->place(Group{.size = static_cast<std::int64_t>(most * units), .stride = 1});
  if (units < 2 || tiers_.size() < 2) return place;
  const double narrower = fewest / std::max(1.0, place.inside);
  place.out *= narrower;
  place.out_sheet *= narrower;
  place.ranks = ranks;
  place.units = units;
  return place;
}

std::vector<double> NetworkModel::port_use(Collective collective, Group group,
                                           Bytes payload) const {
  constexpr Bytes kLarge{0x1p36};
  std::vector<double> use(tiers_.size(), 0.0);
  if (collective == Collective::none || group.size <= 1 || payload <= Bytes{}) return use;
  const auto ranks = static_cast<double>(group.size);
  double most = 0;
  for (std::size_t i = 0; i < tiers_.size(); ++i) {
    const Tier& tier = tiers_[i];
    const double below = members(group, tier.units);
    const double within = members(group, tier.reach);
    if (within <= below) continue;
    use[i] = port_volume(collective, ranks, below, within) / tier.bandwidth.base();
    most = std::max(most, use[i]);
  }
  if (most <= 0) return use;
  const double busy = payload / kLarge * choose(collective, group, kLarge).time.base();
  const double share = std::min(1.0, busy / choose(collective, group, payload).time.base());
  for (double& one : use)
    one *= share / most;
  return use;
}

namespace {

/// Between clusters of one kind a factor of 2.5 is normal (validation: systems never seen, across).
constexpr RelativeInterval kAcross{0.5, 2.5, 0, true};
/// Closed forms without any measurement of the link.
constexpr RelativeInterval kUnmeasured{0.5, 2.5, 0, true};

}  // namespace

RelativeInterval relative_interval(const GroupPlace& place, std::string_view device,
                                   Bytes payload) {
  if (place.units > 1) return kAcross;
  if (place.tuning == nullptr) return kUnmeasured;
  const std::vector<std::string>& systems = place.tuning->systems;
  const bool seen = std::find(systems.begin(), systems.end(), device) != systems.end();
  const std::size_t large = payload >= Bytes{0x1p20} ? 1 : 0;
  const CollectiveBand& band = seen ? place.tuning->seen[large] : place.tuning->unseen[large];
  return {band.low, band.high, static_cast<std::uint32_t>(place.tuning->rows), !seen};
}

TaskCost NetworkModel::cost(Collective collective, Group group, Bytes payload) const {
  TaskCost cost;
  cost.bound = Bound::network;
  if (collective == Collective::none || group.size <= 1) return cost;
  cost.traffic = sent_per_payload(collective, static_cast<double>(group.size)) * payload;
  cost.network = choose(collective, group, payload).time;
  cost.time = cost.network;
  return cost;
}

}  // namespace fastpath
