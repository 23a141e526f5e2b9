#include "validate/catalog_entries.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "validate/cross_validate.h"
#include "validate/folds.h"
#include "validate/intervals.h"

namespace fastpath {
namespace {

constexpr std::uint32_t kShapeFolds = 5;

/// One set of parameters describes the row, and a device's own time is what was measured.
bool describes_one_class(const Measurement& m) {
  return !m.library.ends_with("-eager") && m.kind != "attention_mixed";
}

/// From the finest to the coarsest.
std::vector<std::string> regimes_of(const CalibrationRow& row) {
  const auto names = group_names(row, Libraries::together);
  return {names[1], names[0], "all"};
}

/// Residuals of what each refit had not seen.
ResidualIntervals residuals_of(std::span<const CalibrationRow> rows, Folding folding) {
  const std::vector<std::uint32_t> folds = folds_of_rows(rows, folding, kShapeFolds);
  std::vector<Residual> residuals;
  for (std::uint32_t fold = 0; fold < fold_count(folds); ++fold) {
    std::vector<CalibrationRow> training;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (folds[i] != fold) training.push_back(rows[i]);
    }
    const Calibration calibration(training, Libraries::together);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (folds[i] != fold) continue;
      const Seconds predicted = predicted_time(rows[i], calibration.parameters(rows[i]));
      residuals.push_back(
          {std::log(rows[i].measurement->time / predicted), regimes_of(rows[i]), fold});
    }
  }
  return ResidualIntervals(residuals);
}

/// Entries without parameters, by the name of their group and their scope.
using Scopes = std::map<std::pair<std::string, std::string>, KernelEntry>;

void add_row(Scopes& scopes, const std::string& name, const std::string& scope,
             const CalibrationRow& row) {
  const Measurement& m = *row.measurement;
  const KernelEntry first{m.kernel_class, m.format, {}, {}, 0, 0, 0, 0, m.time, m.time};
  KernelEntry& entry = scopes.try_emplace({name, scope}, first).first->second;
  entry.shortest = std::min(entry.shortest, m.time);
  entry.longest = std::max(entry.longest, m.time);
}

void set_interval(KernelEntry& entry, const ResidualIntervals& intervals) {
  const std::string name(name_of(entry.kernel_class));
  const std::vector<std::string> regimes = {name + '/' + entry.format, name, "all"};
  const Interval interval = intervals.interval(regimes);
  entry.low = interval.low;
  entry.high = interval.high;
}

}  // namespace

std::vector<ScopedEntry> catalog_entries(std::span<const CalibrationRow> rows) {
  std::vector<CalibrationRow> used;
  Scopes scopes;
  for (const CalibrationRow& row : rows) {
    if (!describes_one_class(*row.measurement)) continue;
    used.push_back(row);
    const auto names = group_names(row, Libraries::together);
    add_row(scopes, names[1], "kind:" + row.device->kind, row);
    add_row(scopes, names[3], "family:" + row.device->family, row);
    add_row(scopes, names[4], row.device->id, row);
  }
  const Calibration calibration(used, Libraries::together);
  const ResidualIntervals seen = residuals_of(used, Folding::shapes);
  const ResidualIntervals unseen = residuals_of(used, Folding::devices);
  std::vector<ScopedEntry> entries;
  for (auto& [key, entry] : scopes) {
    const auto& [name, scope] = key;
    const CalibrationNode& node = calibration.nodes().at(name);
    entry.parameters = node.parameters;
    entry.spread = node.spread;
    entry.rows = node.rows;
    const bool device = scope.find(':') == std::string::npos;
    set_interval(entry, device ? seen : unseen);
    entries.push_back({scope, std::move(entry)});
  }
  return entries;
}

}  // namespace fastpath
