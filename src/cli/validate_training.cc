#include <array>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "fastpath/fastpath.h"

#include "cli/emit.h"
#include "cli/score_tables.h"
#include "cli/sources.h"
#include "cli/training_cases.h"
#include "cli/verbs.h"
#include "report/scatter_plot.h"
#include "validate/training.h"

namespace fastpath::cli {
namespace {

void add_run(Findings& findings, const TrainingValidation& run, TrainingFolding folding) {
  const std::string name(name_of(folding));
  const auto add = [&](std::string_view by, const RowKey& key) {
    findings.tables.push_back(score_table(fmt::format("by_{}_{}", by, name),
                                          fmt::format("Folds: {} left out, by {}", name, by),
                                          run.rows, key));
  };
  add("all", [](const ScoredRow&) { return std::string("all"); });
  add("source", [](const ScoredRow& row) { return row.source; });
  add("framework", [](const ScoredRow& row) { return row.kind; });
  add("device", [](const ScoredRow& row) { return row.device; });
  add("model", [](const ScoredRow& row) { return row.format; });
}

Table choice_table(const TrainingValidation& run, std::span<const TrainingCase> cases,
                   TrainingFolding folding) {
  const PlanChoice choice = plan_choice(measured_plans(run, cases));
  return {
      "plan_choice_" + std::string(name_of(folding)),
      "Choosing among four and more measured plans of the same work",
      {{"works", Unit::count},
       {"plans", Unit::count},
       {"median_rank_correlation", Unit::none},
       {"mean_regret", Unit::ratio},
       {"regret_of_90_percent", Unit::ratio},
       {"random_regret", Unit::ratio}},
      {{static_cast<double>(choice.works), static_cast<double>(choice.plans),
        choice.median_correlation, choice.mean_regret, choice.regret_of_90, choice.random_regret}}};
}

Table row_table(const TrainingValidation& run, std::span<const TrainingCase> cases,
                TrainingFolding folding) {
  Table table{"rows_" + std::string(name_of(folding)),
              "Every row",
              {{"id", Unit::none},
               {"framework", Unit::none},
               {"model", Unit::none},
               {"system", Unit::none},
               {"plan", Unit::none},
               {"assumed", Unit::none},
               {"predicted", Unit::seconds},
               {"low", Unit::seconds},
               {"high", Unit::seconds},
               {"unfitted", Unit::seconds},
               {"measured", Unit::seconds},
               {"regime", Unit::none}},
              {}};
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const ScoredRow& row = run.rows[i];
    const TrainingCase& one = cases[run.cases[i]];
    table.rows.push_back(
        {row.id, row.kind, row.format, fmt::format("{} x {}", one.run.devices, one.run.system),
         describe_plan(one.run.plan), fmt::format("{}", fmt::join(one.run.assumed, " ")),
         row.predicted.base(), row.low.base(), row.high.base(), row.naive.base(),
         row.measured.base(), row.regime});
  }
  return table;
}

Table parameter_table(std::span<const TrainingCase> cases, const TrainingValidation& run) {
  std::vector<const TrainingCase*> all;
  for (const TrainingCase& one : cases)
    all.push_back(&one);
  const FrameworkCalibration calibration(all);
  Table table{"parameters",
              "Frameworks' factors, fitted on all rows",
              {{"of", Unit::none},
               {"rows", Unit::count},
               {"spread", Unit::ratio},
               {"low", Unit::ratio},
               {"high", Unit::ratio}},
              {}};
  for (std::size_t i = 0; i < kFrameworkParameters; ++i) {
    const FrameworkParameterInfo& one = info(static_cast<FrameworkParameter>(i));
    table.columns.push_back({std::string(one.name), one.unit == "s" ? Unit::seconds : Unit::none});
  }
  for (const auto& [name, node] : calibration.nodes()) {
    const auto interval = run.intervals.find(name);
    const Interval known = interval == run.intervals.end() ? Interval{} : interval->second;
    table.rows.push_back({name.empty() ? "all" : name, static_cast<double>(node.rows), node.spread,
                          known.low, known.high});
    for (const double value : node.values)
      table.rows.back().emplace_back(value);
  }
  return table;
}

std::vector<TrainingFolding> foldings_of(const std::string& name) {
  std::vector<TrainingFolding> all;
  for (const auto folding : {TrainingFolding::configurations, TrainingFolding::sources}) {
    if (name == "all" || name == name_of(folding)) all.push_back(folding);
  }
  return all;
}

}  // namespace

int run_validate_training(Session& session, const Arguments& arguments) {
  const Result<TrainingCases> read = read_training(session, arguments, "training.csv");
  if (!read) return session.fail(read.error());
  Findings findings;
  findings.title = "Predicted against measured training steps";
  std::optional<TrainingValidation> first;
  for (const TrainingFolding folding : foldings_of(arguments.text_or("folds", "all"))) {
    TrainingValidation run =
        validate_training(read->cases, folding, [&](std::size_t done, std::size_t all) {
          session.say(fmt::format("folds of {}: {} of {}", name_of(folding), done, all));
        });
    add_run(findings, run, folding);
    findings.tables.push_back(choice_table(run, read->cases, folding));
    if (arguments.has("rows") || arguments.has("json")) {
      findings.tables.push_back(row_table(run, read->cases, folding));
    }
    if (!first) first = std::move(run);
  }
  if (first) findings.tables.push_back(parameter_table(read->cases, *first));
  findings.tables.push_back(unscored_table(read->unscored));
  findings.notes.emplace_back(
      "errors are |predicted / measured - 1| of a step's time; `unfitted` is without a framework's "
      "factors; a row is predicted from factors that have not seen its fold");
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
