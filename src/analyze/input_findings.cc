#include "analyze/input_findings.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "analyze/feed_findings.h"
#include "ir/input_names.h"

namespace fastpath {
namespace {

void add_epoch(Table& table, const std::string& name, const FedEpoch& epoch, const FedStep& step,
               const FedRun* run) {
  const Seconds time = run == nullptr ? epoch.step : run->step;
  const Seconds stall = run == nullptr ? epoch.stall : run->stall;
  std::vector<Cell> row{name,
                        time.base(),
                        stall.base(),
                        step.samples / time.base(),
                        step.compute / time,
                        std::string(name_of(epoch.feed.limit)),
                        epoch.feed.cache_hits};
  if (run != nullptr) row.emplace_back(epoch.step.base());
  row.emplace_back(step.pipeline.dataset.samples / step.samples * time.base());
  table.rows.push_back(std::move(row));
}

Table input_table(const FedStep& step, const std::optional<FedRuns>& runs) {
  Table table{"input",
              "Steps with their samples",
              {{"epoch"},
               {"step_time", Unit::seconds},
               {"stall", Unit::seconds},
               {"samples", Unit::per_second},
               {"utilisation", Unit::ratio},
               {"limit"},
               {"from_cache", Unit::ratio}},
              {}};
  if (runs) table.columns.push_back({"step_time_predicted", Unit::seconds});
  table.columns.push_back({"epoch_time", Unit::seconds});
  add_epoch(table, "first", step.first, step, runs ? &runs->first : nullptr);
  add_epoch(table, "later", step.later, step, runs ? &runs->later : nullptr);
  return table;
}

/// A row for the wait, and shares of the step that waits.
void add_bound(Table& table, const FedStep& step) {
  const double whole = step.first.step.base();
  for (std::vector<Cell>& row : table.rows) {
    const double* const time = std::get_if<double>(&row[2]);
    if (time != nullptr && whole > 0) row[3] = *time / whole;
  }
  const double stall = step.first.stall.base();
  table.rows.push_back({std::string("input"), std::string("waiting for samples, first epoch"),
                        stall, whole > 0 ? stall / whole : 0});
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
    return std::get<double>(a[2]) > std::get<double>(b[2]);
  });
}

std::string loaders_note(const FedStep& step) {
  const InputPipeline& pipeline = step.pipeline;
  return fmt::format(
      "Input: {:.0f} samples a step for {} data ranks, from {} loaders of {} workers; the "
      "summary's "
      "step has its samples at hand.",
      step.samples, pipeline.accelerators, pipeline.loaders, pipeline.workers);
}

}  // namespace

void add_input(Findings& findings, const FedStep& step, const std::optional<FedRuns>& runs) {
  for (Table& table : findings.tables) {
    if (table.name == "time_by_bound") add_bound(table, step);
  }
  const auto behind = findings.tables.begin() + (findings.tables.empty() ? 0 : 1);
  const auto input = findings.tables.insert(behind, input_table(step, runs));
  findings.tables.insert(input + 1, input_stage_table(step.feed));
  findings.notes.push_back(loaders_note(step));
  if (runs && step.pipeline.variation > 0) {
    findings.notes.push_back(fmt::format(
        "Input: {} steps simulated; a step waits for the slowest of its data ranks' batches.",
        runs->first.steps));
  }
}

}  // namespace fastpath
