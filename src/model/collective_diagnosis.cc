#include "model/collective_diagnosis.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace fastpath {
namespace {

/// What a run under the hypothesis looks like to the model.
struct Hypothesis {
  std::string name;
  std::string check;
  std::function<bool(const GroupPlace&)> possible;
  std::function<void(GroupPlace&, CollectiveOptions&)> apply;
  double bytes = 1;  ///< real over printed size
};

bool always(const GroupPlace&) { return true; }
bool has_domain(const GroupPlace& place) { return place.inside > 1; }
bool crosses(const GroupPlace& place) { return place.units > 1; }

/// PCIe between devices: catalog/links pcie5-x16, measured share, message and set-up time.
constexpr double kPcieShare = 0.384;
constexpr BytesPerSecond kPcie{63e9};
constexpr Seconds kPcieLatency{1.49e-6};
constexpr Seconds kPcieSetup{4.41e-6};
/// Bytes staged in host memory pass PCIe and host memory twice: taken as a third of the rate.
constexpr double kStagedShare = 1.0 / 3;
constexpr Seconds kStagedLatency{20e-6};
/// Sockets over the management network: catalog/links ethernet-25g.
constexpr BytesPerSecond kSocket{2.5e9};
constexpr Seconds kSocketLatency{25e-6};

void slow_down(GroupPlace& place, double share) {
  place.out *= share;
  place.spread *= share;
  place.port *= share;
}

void use_pcie(GroupPlace& place, CollectiveOptions&) {
  place.tuning = nullptr;
  place.topology = Topology::bus;
  place.bandwidth = std::min(place.bandwidth, kPcie);
  place.achieved = kPcieShare;
  place.latency = kPcieLatency;
  place.setup = kPcieSetup;
}

std::vector<Hypothesis> inside_hypotheses() {
  return {
      {"NVLS not used", "NCCL_NVLS_ENABLE, fabric manager, IMEX; integers never use it", has_domain,
       [](GroupPlace&, CollectiveOptions& o) { o.nvls = false; }},
      {"only the LL protocol", "NCCL_PROTO", always,
       [](GroupPlace&, CollectiveOptions& o) {
         o.bulk = false;
         o.corrected = false;
       }},
      {"no LL and LL128 protocols", "NCCL_PROTO", always,
       [](GroupPlace&, CollectiveOptions& o) {
         o.low_latency = false;
         o.corrected = false;
       }},
      {"PCIe instead of the scale-up link", "NCCL_P2P_LEVEL, NCCL_P2P_DISABLE, nvidia-smi topo -m",
       has_domain, use_pcie},
      {"half of the scale-up links", "nvidia-smi nvlink -s, xgmi status: links that are down",
       has_domain, [](GroupPlace& p, CollectiveOptions&) { p.bandwidth *= 0.5; }},
  };
}

std::vector<Hypothesis> outside_hypotheses() {
  return {
      {"tree algorithm off", "NCCL_ALGO", crosses,
       [](GroupPlace&, CollectiveOptions& o) { o.tree = false; }},
      {"one network port a node instead of all", "NCCL_IB_HCA, NCCL_CROSS_NIC, ports that are down",
       [](const GroupPlace& p) { return p.units > 1 && p.inside > 1; },
       [](GroupPlace& p, CollectiveOptions&) { slow_down(p, 1 / p.inside); }},
      {"half of the network ports", "NCCL_IB_HCA, ports that are down", crosses,
       [](GroupPlace& p, CollectiveOptions&) { slow_down(p, 0.5); }},
      {"no GPUDirect RDMA", "NCCL_NET_GDR_LEVEL, nvidia-peermem or dma-buf, PCIe ACS and IOMMU",
       crosses,
       [](GroupPlace& p, CollectiveOptions&) {
         slow_down(p, kStagedShare);
         p.out_latency += kStagedLatency;
       }},
      {"TCP sockets instead of RDMA", "NCCL_IB_DISABLE, NCCL_NET, the network plugin", crosses,
       [](GroupPlace& p, CollectiveOptions&) {
         slow_down(p, std::min(1.0, kSocket / p.out));
         p.out_latency += kSocketLatency;
       }},
  };
}

std::vector<Hypothesis> size_hypotheses(double ranks) {
  const auto nothing = [](GroupPlace&, CollectiveOptions&) {};
  return {
      {"sizes are elements of 2 B, not bytes", "the size column", always, nothing, 2},
      {"sizes are elements of 4 B, not bytes", "the size column", always, nothing, 4},
      {"sizes are of one rank, not of all", "the size column: gathers count the total", always,
       nothing, ranks},
  };
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::vector<CollectiveExplanation> explain_collectives(const NetworkModel& network,
                                                       Collective collective, Group group,
                                                       std::span<const MeasuredCollective> measured,
                                                       const CollectiveOptions& options) {
  const GroupPlace place = network.place(group);
  std::vector<Hypothesis> all{{"as expected", "", always, [](GroupPlace&, CollectiveOptions&) {}}};
  for (auto& list : {inside_hypotheses(), outside_hypotheses(),
                     size_hypotheses(static_cast<double>(group.size))})
    all.insert(all.end(), list.begin(), list.end());
  std::vector<CollectiveExplanation> explanations;
  for (const Hypothesis& hypothesis : all) {
    if (!hypothesis.possible(place)) continue;
    GroupPlace moved = place;
    CollectiveOptions changed = options;
    hypothesis.apply(moved, changed);
    std::vector<double> misfits;
    std::vector<double> ratios;
    for (const auto& [bytes, time] : measured) {
      const Seconds expected =
          collective_cost(moved, collective, hypothesis.bytes * bytes, changed).time;
      ratios.push_back(time / expected);
      misfits.push_back(std::abs(std::log(time / expected)));
    }
    explanations.push_back({hypothesis.name, hypothesis.check, median(misfits), median(ratios)});
  }
  constexpr double kModelError = 0.15;
  const double expected = explanations.front().misfit;
  const auto better = [](const CollectiveExplanation& a, const CollectiveExplanation& b) {
    return a.misfit < b.misfit;
  };
  std::stable_sort(explanations.begin() + 1, explanations.end(), better);
  const bool another =
      explanations.size() > 1 && expected > kModelError && explanations[1].misfit < expected / 2;
  if (another) std::stable_sort(explanations.begin(), explanations.end(), better);
  return explanations;
}

}  // namespace fastpath
