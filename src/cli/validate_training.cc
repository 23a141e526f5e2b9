#include <array>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "fastpath/fastpath.h"

#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/score_tables.h"
#include "cli/sources.h"
#include "cli/training_cases.h"
#include "cli/verbs.h"
#include "import/measurements/peers.h"
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

/// Other tools' predictions beside ours, on the rows that they have.
Table peer_table(std::span<const PeerStep> steps, const TrainingValidation& run) {
  std::map<std::string_view, const ScoredRow*> ours;
  for (const ScoredRow& row : run.rows)
    ours[row.id] = &row;
  struct Both {
    std::vector<ScoredRow> peer;
    std::vector<ScoredRow> own;
  };
  std::map<std::pair<std::string, std::string>, Both> groups;
  for (const PeerStep& step : steps) {
    const auto found = ours.find(step.id);
    if (found == ours.end()) continue;
    Both& both = groups[{step.tool, step.setup}];
    both.own.push_back(*found->second);
    both.peer.push_back(*found->second);
    both.peer.back().predicted = step.predicted;
  }
  Table table{"peers",
              "Other tools on the same rows; ours with configurations left out",
              {{"tool", Unit::none},
               {"setup", Unit::none},
               {"rows", Unit::count},
               {"their_median", Unit::ratio},
               {"their_mean", Unit::ratio},
               {"unfitted_median", Unit::ratio},
               {"unfitted_mean", Unit::ratio},
               {"our_median", Unit::ratio},
               {"our_mean", Unit::ratio}},
              {}};
  for (const auto& [name, both] : groups) {
    const Score peer = score(both.peer);
    const Score own = score(both.own);
    table.rows.push_back({name.first, name.second, static_cast<double>(own.rows), peer.median,
                          peer.mean, own.naive_median, own.naive_mean, own.median, own.mean});
  }
  return table;
}

/// Empty where the catalog's measurements are not installed.
Result<std::vector<PeerStep>> peer_steps(const Session& session) {
  constexpr std::array<std::string_view, 1> kFile{"peer_steps.csv"};
  constexpr std::uintmax_t kMostPeerBytes = 4u << 20;
  const auto files = published_files(session, kFile);
  if (!files) return std::vector<PeerStep>{};
  const Result<std::string> text = read_file(files->front(), kMostPeerBytes);
  if (!text) return failure(text.error());
  return read_peer_steps(*text, files->front());
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
  if (first) {
    const auto peers = peer_steps(session);
    if (!peers) return session.fail(peers.error());
    Table table = peer_table(*peers, *first);
    if (!table.rows.empty()) findings.tables.push_back(std::move(table));
    findings.tables.push_back(parameter_table(read->cases, *first));
  }
  findings.tables.push_back(unscored_table(read->unscored));
  findings.notes.emplace_back(
      "errors are |predicted / measured - 1| of a step's time; `unfitted` is without a framework's "
      "factors; a row is predicted from factors that have not seen its fold");
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
