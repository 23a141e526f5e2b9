#include "model/collective_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "model/collective_forms.h"

namespace fastpath {
namespace {

using Algorithm = CollectiveAlgorithm;
using Protocol = CollectiveProtocol;

constexpr std::array<Protocol, 3> kProtocols{Protocol::simple, Protocol::ll128, Protocol::ll};

/// Constants of NVIDIA/nccl@5067397c src/graph/tuning.cc, by protocol.
constexpr std::array<double, 3> kPublishedBase{8.4e-6, 14.0e-6, 6.6e-6};
/// What one message across the fabric takes more than with LL: NET ring 14.0, 4.0, 2.7 us.
constexpr std::array<double, 3> kNetworkExtra{11.3e-6, 1.3e-6, 0};
/// Share of the fabric's rate: LL sends 4 B of flags with 4 B of data, LL128 8 B with 120 B.
constexpr std::array<double, 3> kNetworkShare{1, 0.92, 0.5};
constexpr double kTreeShare = 0.92;
constexpr double kPatShare = 0.75;
constexpr Seconds kPatBase{8.0e-6};
constexpr Seconds kPatRank{2.8e-6};
constexpr double kPatNetwork = 3.5;

constexpr std::size_t index(Protocol protocol) { return static_cast<std::size_t>(protocol); }

double rounds(double ranks) { return ranks > 1 ? std::ceil(std::log2(ranks)) : 0; }

/// A collective being costed: keeps the fastest way so far.
class Race {
 public:
  Race(const GroupPlace& place, Collective collective, Bytes payload,
       const CollectiveOptions& options)
      : place_(place), collective_(collective), payload_(payload), options_(options) {
    best_.time = Seconds{std::numeric_limits<double>::infinity()};
  }

  CollectiveCost run();

 private:
  void offer(Seconds latency, Seconds transfer, Algorithm algorithm, Protocol protocol);
  bool allowed(Protocol protocol) const;
  CollectiveLine ring_line(Protocol protocol) const;
  CollectiveLine pairwise_line(Protocol protocol) const;
  BytesPerSecond out_rate(Protocol protocol) const;
  Seconds out_hop(Protocol protocol) const;
  BytesPerSecond ring_rate(const CollectiveLine& line, Protocol protocol) const;

  void rings();
  void trees();
  void in_switch();
  void aggregated_trees();
  void fabric_reduction();
  void pairs();
  Seconds near_transfer(const CollectiveLine& line, bool all) const;
  void direct_kernels();
  void closed_forms();
  void host_and_copy();
  void correct();

  bool reduces_all() const { return collective_ == Collective::all_reduce; }
  bool tuned() const { return place_.tuning != nullptr; }

  const GroupPlace& place_;
  Collective collective_;
  Bytes payload_;
  const CollectiveOptions& options_;
  CollectiveCost best_;
};

void Race::offer(Seconds latency, Seconds transfer, Algorithm algorithm, Protocol protocol) {
  const Seconds time = latency + transfer;
  if (time >= best_.time) return;
  best_.time = time;
  best_.algorithm = algorithm;
  best_.protocol = protocol;
}

bool Race::allowed(Protocol protocol) const {
  if (protocol == Protocol::ll) return options_.low_latency || !options_.bulk;
  if (protocol == Protocol::ll128) return options_.bulk && options_.low_latency;
  return options_.bulk;
}

/// The closed form's constants where no library was measured; across the fabric alone, NCCL's.
CollectiveLine Race::ring_line(Protocol protocol) const {
  if (tuned() && place_.inside > 1) return place_.tuning->ring[index(protocol)];
  if (protocol != Protocol::simple && place_.inside > 1) return {};
  if (place_.inside > 1) return {place_.setup, place_.latency, place_.achieved};
  return {Seconds{kPublishedBase[index(protocol)]}, Seconds{}, 1};
}

CollectiveLine Race::pairwise_line(Protocol protocol) const {
  if (tuned() && place_.inside > 1 && place_.tuning->pairwise[index(protocol)].share > 0) {
    return place_.tuning->pairwise[index(protocol)];
  }
  return ring_line(protocol);
}

BytesPerSecond Race::out_rate(Protocol protocol) const {
  return kNetworkShare[index(protocol)] * place_.out;
}

Seconds Race::out_hop(Protocol protocol) const {
  return place_.out_latency + Seconds{kNetworkExtra[index(protocol)]};
}

/// Rate of a ring: that of its slowest link. All members' links into the fabric carry rings.
BytesPerSecond Race::ring_rate(const CollectiveLine& line, Protocol protocol) const {
  BytesPerSecond rate{std::numeric_limits<double>::infinity()};
  if (place_.inside > 1) {
    const double few = tuned() ? place_.tuning->few_ranks : 0;
    rate = line.share / (1 + few / (place_.inside * place_.inside)) * place_.bandwidth;
  }
  if (place_.units > 1) rate = std::min(rate, out_rate(protocol));
  return rate;
}

void Race::rings() {
  const auto form = collective_form(Algorithm::ring, collective_, place_.ranks);
  if (!form) return;
  const double ways = reduces_all() ? 2 : 1;
  const double across = ways * (place_.units - 1);
  // A torus pipelines along its extents; elsewhere a ring passes every rank.
  const double inside = place_.topology == Topology::torus && place_.units <= 1
                            ? ways * place_.steps
                            : form->messages - across;
  for (const Protocol protocol : kProtocols) {
    const CollectiveLine line = ring_line(protocol);
    if (line.share <= 0 || !allowed(protocol)) continue;
    Seconds latency = line.base + inside * line.hop;
    if (place_.units > 1) latency += across * out_hop(protocol);
    offer(latency, form->volume * payload_ / ring_rate(line, protocol), Algorithm::ring, protocol);
  }
}

/// Chains inside, a double binary tree across.
void Race::trees() {
  if (!options_.tree || !reduces_all() || place_.units <= 1) return;
  for (const Protocol protocol : kProtocols) {
    const CollectiveLine line = ring_line(protocol);
    if (line.share <= 0 || !allowed(protocol)) continue;
    const Seconds latency =
        line.base + 2 * ((place_.inside - 1) * line.hop + rounds(place_.units) * out_hop(protocol));
    offer(latency, 2 * payload_ / (kTreeShare * ring_rate(line, protocol)), Algorithm::tree,
          protocol);
  }
}

/// Two units exchange halves both ways at once; more need up and down through each link.
void Race::in_switch() {
  if (!options_.nvls || !options_.bulk || !reduces_all() || !tuned()) return;
  const CollectiveTuning& tuning = *place_.tuning;
  const bool enough =
      tuning.nvls_ranks > 0 && place_.inside >= static_cast<double>(tuning.nvls_ranks);
  if (!enough || tuning.nvls.share <= 0) return;
  const Seconds inside = payload_ / (tuning.nvls.share * place_.bandwidth);
  if (place_.units <= 1) {
    offer(tuning.nvls.base, inside, Algorithm::nvls, Protocol::simple);
    return;
  }
  const double across = place_.units > 2 ? 2 : 1;
  offer(tuning.nvls.base + 2 * rounds(place_.units) * out_hop(Protocol::simple),
        std::max(inside, across * payload_ / place_.out), Algorithm::nvls_tree, Protocol::simple);
}

/// One rank a unit: NCCL's PAT.
void Race::aggregated_trees() {
  const bool fits =
      collective_ == Collective::all_gather || collective_ == Collective::reduce_scatter;
  if (!fits || !options_.bulk || place_.inside > 1 || place_.units <= 1) return;
  const Seconds latency = kPatBase + place_.ranks * kPatRank +
                          rounds(place_.units) / kPatNetwork * out_hop(Protocol::simple);
  const double volume = least_volume(collective_, place_.ranks);
  offer(latency, volume * payload_ / (kPatShare * place_.out), Algorithm::pat, Protocol::simple);
}

void Race::fabric_reduction() {
  if (!options_.collnet || !reduces_all() || place_.units <= 1) return;
  const CollectiveLine line = ring_line(Protocol::simple);
  const Seconds latency =
      line.base + 2 * (place_.inside - 1) * line.hop + out_hop(Protocol::simple);
  Seconds transfer = payload_ / place_.out;
  if (place_.inside > 1) {
    const double volume = least_volume(collective_, place_.inside);
    transfer = std::max(transfer, volume * payload_ / (line.share * place_.bandwidth));
  }
  offer(latency, transfer, Algorithm::collnet, Protocol::simple);
}

/// All-to-all and one message: what leaves a unit shares its members' links into the fabric.
void Race::pairs() {
  const bool all = collective_ == Collective::all_to_all;
  if (!all && collective_ != Collective::send_recv) return;
  const bool crosses = place_.units > 1;
  for (const Protocol protocol : kProtocols) {
    const CollectiveLine line = pairwise_line(protocol);
    if (line.share <= 0 || !allowed(protocol)) continue;
    Seconds latency = line.base + (all ? place_.inside - 1 : 1) * line.hop;
    Seconds transfer;
    if (place_.inside > 1 && (all || !crosses)) transfer = near_transfer(line, all);
    if (crosses) {
      latency += out_hop(protocol);
      const double share = kNetworkShare[index(protocol)];
      transfer = std::max(transfer, payload_ / (share * (all ? place_.spread : place_.port)));
    }
    offer(latency, transfer, Algorithm::pairwise, protocol);
  }
}

/// What an all-to-all (`all`) or a message moves over the links inside a unit.
Seconds Race::near_transfer(const CollectiveLine& line, bool all) const {
  const double near = all ? (place_.inside - 1) / place_.ranks : 1;
  const double volume = all && place_.congestion > 0 ? place_.congestion : near;
  return volume * payload_ / (line.share * place_.bandwidth);
}

/// All-reduce kernels of serving engines: below the hand-over, instead of the library's own.
void Race::direct_kernels() {
  if (!tuned() || !reduces_all() || place_.units > 1) return;
  const CollectiveTuning& tuning = *place_.tuning;
  if (tuning.one_shot.share <= 0 && tuning.two_shot.share <= 0) return;
  if (tuning.handover > Bytes{}) {
    if (payload_ >= tuning.handover) return;
    best_.time = Seconds{std::numeric_limits<double>::infinity()};
  }
  const double p = place_.inside;
  for (const auto& [line, algorithm] : {std::pair(tuning.one_shot, Algorithm::one_shot),
                                        std::pair(tuning.two_shot, Algorithm::two_shot)}) {
    if (line.share <= 0) continue;
    const auto form = collective_form(algorithm, collective_, p);
    offer(line.base + (p - 1) * line.hop, form->volume * payload_ / (line.share * place_.bandwidth),
          algorithm, Protocol::simple);
  }
}

/// Where no library was measured: the textbook's algorithms for the topology.
void Race::closed_forms() {
  if (tuned() || place_.units > 1) return;
  const bool mesh = place_.topology == Topology::mesh;
  if (!mesh && place_.topology != Topology::switched) return;
  for (const Algorithm algorithm :
       {Algorithm::doubling, Algorithm::halving, Algorithm::one_shot, Algorithm::two_shot}) {
    const bool direct = algorithm == Algorithm::one_shot || algorithm == Algorithm::two_shot;
    if (direct != mesh) continue;
    const auto form = collective_form(algorithm, collective_, place_.inside);
    if (!form) continue;
    offer(place_.setup + form->messages * place_.latency,
          form->volume * payload_ / (place_.achieved * place_.bandwidth), algorithm,
          Protocol::simple);
  }
}

void Race::host_and_copy() {
  if (!tuned()) return;
  const CollectiveTuning& tuning = *place_.tuning;
  if (tuning.copy > 0) best_.time += payload_ / (tuning.copy * place_.bandwidth);
  best_.time = std::max(best_.time, tuning.host);
}

/// Linear between the octaves of the table, constant beyond them.
double correction_at(const CollectiveCorrection& correction, Bytes payload) {
  if (correction.log_ratio.empty() || payload.base() <= 0) return 0;
  const double last = static_cast<double>(correction.log_ratio.size()) - 1;
  const double at = std::clamp(std::log2(payload.base()) - correction.first_octave, 0.0, last);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, correction.log_ratio.size() - 1);
  const double part = at - std::floor(at);
  return (1 - part) * static_cast<double>(correction.log_ratio[below]) +
         part * static_cast<double>(correction.log_ratio[above]);
}

void Race::correct() {
  if (!tuned() || !options_.corrected || place_.units > 1) return;
  const auto ranks = static_cast<std::int64_t>(place_.ranks);
  for (const CollectiveCorrection& correction : place_.tuning->corrections) {
    if (correction.collective != collective_ || correction.ranks != ranks) continue;
    best_.time *= std::exp(correction_at(correction, payload_));
    return;
  }
}

CollectiveCost Race::run() {
  rings();
  trees();
  in_switch();
  aggregated_trees();
  fabric_reduction();
  pairs();
  direct_kernels();
  closed_forms();
  host_and_copy();
  correct();
  best_.bound = injection_bound(place_, collective_, payload_, options_);
  best_.time = std::max(best_.time, best_.bound);
  return best_;
}

bool reduces_in_switch(const GroupPlace& place, Collective collective,
                       const CollectiveOptions& options) {
  return collective == Collective::all_reduce && place.topology == Topology::switched &&
         (options.collnet ||
          (options.nvls && place.tuning != nullptr && place.tuning->nvls_ranks > 0 &&
           place.inside >= static_cast<double>(place.tuning->nvls_ranks)));
}

}  // namespace

CollectiveCost collective_cost(const GroupPlace& place, Collective collective, Bytes payload,
                               const CollectiveOptions& options) {
  if (collective == Collective::none || place.ranks <= 1) return {};
  return Race(place, collective, payload, options).run();
}

Seconds injection_bound(const GroupPlace& place, Collective collective, Bytes payload,
                        const CollectiveOptions& options) {
  if (collective == Collective::none || place.ranks <= 1) return Seconds{};
  Seconds bound;
  const bool crosses = place.units > 1;
  if (crosses && collective == Collective::send_recv) {
    return payload / place.port_sheet;
  }
  if (crosses && collective == Collective::all_to_all) {
    bound = payload / place.spread_sheet;
  } else if (crosses) {
    const double volume = options.collnet && collective == Collective::all_reduce
                              ? 1
                              : least_volume(collective, place.units);
    bound = volume * payload / place.out_sheet;
  }
  if (place.inside <= 1) return bound;
  BytesPerSecond rate = place.bandwidth;
  if (crosses) rate += place.port_sheet;
  const double volume = reduces_in_switch(place, collective, options)
                            ? 1
                            : least_volume(collective, crosses ? place.ranks : place.inside);
  return std::max(bound, volume * payload / rate);
}

}  // namespace fastpath
