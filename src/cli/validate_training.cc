#include <array>
#include <map>

#include <fmt/format.h>

#include "fastpath/fastpath.h"

#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "import/training/rows.h"
#include "ir/system.h"
#include "report/scatter_plot.h"
#include "validate/training.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 64u << 20;
constexpr std::array<std::string_view, 1> kPublished{"training.csv"};

struct Cases {
  std::vector<TrainingCase> cases;
  std::vector<UnscoredRun> unscored;
};

/// Puts each run on its system; runs whose plan is not legal there are not scored.
Result<Cases> cases_from(const Sources& sources, TrainingRows rows) {
  Cases result;
  result.unscored = std::move(rows.unscored);
  Diagnostics mistakes;
  std::map<std::pair<std::string, std::int64_t>, System> systems;
  for (TrainingRun& run : rows.runs) {
    const std::pair key{run.system, run.devices};
    auto found = systems.find(key);
    if (found == systems.end()) {
      Result<System> system = sources.system(run.system);
      if (system) system = with_device_count(std::move(*system), run.devices);
      if (!system) {
        mistakes.insert(mistakes.end(), system.error().begin(), system.error().end());
        continue;
      }
      found = systems.emplace(key, std::move(*system)).first;
    }
    const auto step = predict(*run.workload, found->second, run.plan);
    if (!step) {
      result.unscored.push_back({run.id, step.error().front().what});
      continue;
    }
    result.cases.push_back({std::move(run), found->second});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return result;
}

Result<Cases> read_cases(const Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return failure(sources.error());
  std::vector<std::string> files = arguments.operands();
  if (files.empty()) {
    auto found = published_files(session, kPublished);
    if (!found) return failure(found.error());
    files = std::move(*found);
  }
  TrainingRows rows;
  for (const std::string& file : files) {
    const Result<std::string> text = read_file(file, kMostBytes);
    if (!text) return failure(text.error());
    auto read = sources->training_rows(*text, file);
    if (!read) return failure(read.error());
    rows.runs.insert(rows.runs.end(), read->runs.begin(), read->runs.end());
    rows.unscored.insert(rows.unscored.end(), read->unscored.begin(), read->unscored.end());
  }
  return cases_from(*sources, std::move(rows));
}

using Key = std::function<std::string(const ScoredRow&)>;

Table score_table(std::string name, std::string title, std::span<const ScoredRow> rows,
                  const Key& key) {
  Table table{std::move(name),
              std::move(title),
              {{"of", Unit::none},
               {"rows", Unit::count},
               {"median_error", Unit::ratio},
               {"mean_error", Unit::ratio},
               {"bias", Unit::ratio},
               {"unfitted_median", Unit::ratio},
               {"unfitted_mean", Unit::ratio},
               {"coverage", Unit::ratio},
               {"coverage_from", Unit::ratio},
               {"coverage_to", Unit::ratio},
               {"width", Unit::ratio},
               {"worst", Unit::none}},
              {}};
  for (const auto& [group, score] : score_by(rows, key, 2)) {
    std::string worst;
    for (const std::size_t i : score.worst)
      worst += (worst.empty() ? "" : " ") + rows[i].id;
    table.rows.push_back({group, static_cast<double>(score.rows), score.median, score.mean,
                          score.bias, score.naive_median, score.naive_mean, score.coverage,
                          score.coverage_low, score.coverage_high, score.median_width, worst});
  }
  return table;
}

void add_run(Findings& findings, const TrainingValidation& run, TrainingFolding folding) {
  const std::string name(name_of(folding));
  const auto add = [&](std::string_view by, const Key& key) {
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

Table parameter_table(std::span<const TrainingCase> cases) {
  std::vector<const TrainingCase*> all;
  for (const TrainingCase& one : cases)
    all.push_back(&one);
  const FrameworkCalibration calibration(all);
  Table table{"parameters",
              "Frameworks' factors, fitted on all rows",
              {{"of", Unit::none}, {"rows", Unit::count}, {"spread", Unit::ratio}},
              {}};
  for (std::size_t i = 0; i < kFrameworkParameters; ++i) {
    const FrameworkParameterInfo& one = info(static_cast<FrameworkParameter>(i));
    table.columns.push_back({std::string(one.name), one.unit == "s" ? Unit::seconds : Unit::none});
  }
  for (const auto& [name, node] : calibration.nodes()) {
    table.rows.push_back(
        {name.empty() ? "all" : name, static_cast<double>(node.rows), node.spread});
    for (const double value : node.values)
      table.rows.back().emplace_back(value);
  }
  return table;
}

Table unscored_table(const std::vector<UnscoredRun>& unscored) {
  std::map<std::string, std::vector<std::string>> rules;
  for (const UnscoredRun& run : unscored)
    rules[run.rule].push_back(run.id);
  Table table{"unscored",
              "Rows that are listed, not scored",
              {{"rule", Unit::none}, {"rows", Unit::count}, {"first", Unit::none}},
              {}};
  for (const auto& [rule, ids] : rules)
    table.rows.push_back({rule, static_cast<double>(ids.size()), ids.front()});
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
  const Result<Cases> read = read_cases(session, arguments);
  if (!read) return session.fail(read.error());
  Findings findings;
  findings.title = "Predicted against measured training steps";
  for (const TrainingFolding folding : foldings_of(arguments.text_or("folds", "all"))) {
    const TrainingValidation run =
        validate_training(read->cases, folding, [&](std::size_t done, std::size_t all) {
          session.say(fmt::format("folds of {}: {} of {}", name_of(folding), done, all));
        });
    add_run(findings, run, folding);
    findings.tables.push_back(choice_table(run, read->cases, folding));
    if (arguments.has("rows") || arguments.has("json")) {
      findings.tables.push_back(row_table(run, read->cases, folding));
    }
  }
  findings.tables.push_back(parameter_table(read->cases));
  findings.tables.push_back(unscored_table(read->unscored));
  findings.notes.emplace_back(
      "errors are |predicted / measured - 1| of a step's time; `unfitted` is without a framework's "
      "factors; a row is predicted from factors that have not seen its fold");
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
