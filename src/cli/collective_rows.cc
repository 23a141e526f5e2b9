#include "cli/collective_rows.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace fastpath::cli {
namespace {

/// Links without measurements, by the measured link of their class. Shares and messages carry over;
/// the bandwidth is the link's own.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kStandIns{
    {{"nvlink3", "nvlink1"},
     {"nvlink3", "nvlink2"},
     {"nvlink5", "nvlink6"},
     {"pcie5-x16", "pcie3-x16"},
     {"pcie5-x16", "pcie4-x16"},
     {"pcie5-x16", "pcie6-x16"}}};

/// The default first, then what engines bring along.
int order_of(const CollectiveTuning& tuning) {
  constexpr std::array<std::string_view, 4> kFirst{"nccl", "rccl", "oneccl", "nccl graph"};
  const auto found = std::find(kFirst.begin(), kFirst.end(), tuning.library);
  return static_cast<int>(found - kFirst.begin());
}

}  // namespace

Result<std::vector<LinkFigures>> link_figures(const Catalog& catalog) {
  std::vector<LinkFigures> figures;
  for (const std::string& id : catalog.ids(EntryKind::link)) {
    const Result<Link> link = catalog.link(id);
    if (!link) return failure(link.error());
    figures.push_back({link->id, link->bandwidth.value, link->latency.value, link->setup.value,
                       link->achieved.value});
  }
  return figures;
}

std::vector<TuningRow> catalog_rows(std::vector<CollectiveTuning> tunings) {
  std::stable_sort(tunings.begin(), tunings.end(),
                   [](const auto& a, const auto& b) { return order_of(a) < order_of(b); });
  std::vector<TuningRow> rows;
  for (CollectiveTuning& tuning : tunings) {
    TuningRow row{std::move(tuning), {}};
    row.links.push_back(row.tuning.link);
    for (const auto& [measured, other] : kStandIns) {
      if (measured == row.tuning.link) row.links.emplace_back(other);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace fastpath::cli
