#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/score_tables.h"
#include "cli/serving.h"
#include "cli/validate_mlperf.h"
#include "cli/verbs.h"
#include "import/catalog/engines.h"
#include "import/requests/requests.h"
#include "import/serving/replays.h"
#include "import/serving/rows.h"
#include "ir/system.h"
#include "validate/serving.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 64u << 20;
constexpr std::array<std::string_view, 1> kServing{"serving.csv"};
constexpr std::array<std::string_view, 1> kInference{"inference.csv"};

struct ServingCases {
  std::vector<ServingCase> cases;
  std::vector<UnscoredRun> unscored;
};

/// Makes cases of runs; step tables are shared by equal models, systems and plans.
class CaseBuilder {
 public:
  CaseBuilder(const Sources& sources, const std::vector<EngineEntry>& engines)
      : sources_(sources), engines_(engines) {}

  void add(const ReplayRun& given, const RequestTrace& trace) {
    const std::size_t before = result.cases.size();
    ServingRun run = given.run;
    run.concurrency = given.max_sequences;
    add(std::move(run));
    if (result.cases.size() == before) return;
    ServingCase& one = result.cases.back();
    Engine& engine = one.deployment.serving.engine;
    engine.token_budget = given.token_budget;
    engine.max_sequences = given.max_sequences;
    Replay replay{trace.stream, {}};
    double ttft = 0;
    double tpot = 0;
    for (std::size_t i = 0; i < trace.measured.size(); ++i) {
      const Request& request = trace.stream.requests[i];
      RequestOutcome outcome;
      outcome.arrival = request.arrival;
      outcome.first_token = request.arrival + trace.measured[i].ttft;
      outcome.finish = request.arrival + trace.measured[i].latency;
      outcome.input = request.input;
      outcome.output = outcome.generated = request.output;
      outcome.replica = 0;
      ttft += outcome.ttft().base();
      tpot += outcome.tpot().base();
      replay.measured.push_back(outcome);
    }
    const auto count = static_cast<double>(replay.measured.size());
    one.run.ttft = Seconds{ttft / count};
    one.run.tpot = Seconds{tpot / count};
    one.replay = std::move(replay);
  }

  void add(ServingRun run) {
    keep_formats_of(run.model, run.plan);
    keep_formats_of(run.model, run.prefill_plan);
    Result<System> system = sources_.system(run.system);
    const auto engine = engine_for(engines_, run.engine, "");
    if (!system || !engine) {
      const Diagnostics& why = system ? engine.error() : system.error();
      result.unscored.push_back({run.id, why.front().what});
      return;
    }
    ServingCase one;
    one.family = system->device.family;
    one.deployment.routing = Routing::least_loaded;
    if (const auto why = set_group(run, *system, *engine, run.plan, one.deployment.serving)) {
      result.unscored.push_back({run.id, *why});
      return;
    }
    one.deployment.serving.count = run.workers;
    if (run.prefill_workers > 0) {
      if (const auto why =
              set_group(run, *system, *engine, run.prefill_plan, one.deployment.prefill)) {
        result.unscored.push_back({run.id, *why});
        return;
      }
      one.deployment.prefill.count = run.prefill_workers;
      set_transfer(*system, run, one.deployment);
    }
    one.run = std::move(run);
    result.cases.push_back(std::move(one));
  }

  ServingCases result;

 private:
  void keep_formats_of(const std::string& model, Plan& plan) {
    if (!plan.weight_format) return;
    auto found = narrowest_.find(model);
    if (found == narrowest_.end())
      found = narrowest_.emplace(model, narrowest_matrix(sources_, model)).first;
    keep_own_formats(found->second, plan);
  }

  static void set_transfer(const System& system, const ServingRun& run, Deployment& deployment) {
    if (system.levels.empty()) return;
    const Level& level = system.levels.front();
    deployment.transfer_bandwidth = static_cast<double>(run.prefill_plan.device_count()) *
                                    level.achieved.value * level.bandwidth.value;
    deployment.transfer_latency = level.latency.value;
  }

  /// Why it cannot be served, if so.
  std::optional<std::string> set_group(const ServingRun& run, const System& system,
                                       const Engine& engine, const Plan& plan,
                                       ReplicaGroup& group) {
    const std::string key = run.model + '@' + run.system + '@' + describe_plan(plan);
    auto& table = tables_[key];
    if (!table) table = step_table(sources_, run.model, system, plan);
    group.table = table;
    group.engine = on_ranks(engine, plan.data_parallel);
    constexpr std::int64_t kChunk = 512;
    const Capacity capacity = capacity_of(*table, group.engine, plan.device_count(), kChunk);
    if (!table->mistakes().empty()) return table->mistakes().front().what;
    group.pool = capacity.pool;
    const std::int64_t tokens = run.input + run.output;
    if (capacity.tokens < tokens) return "a sequence does not fit beside the weights";
    return std::nullopt;
  }

  const Sources& sources_;
  const std::vector<EngineEntry>& engines_;
  std::map<std::string, std::shared_ptr<StepTable>> tables_;
  std::map<std::string, Bytes> narrowest_;  ///< bytes an element, by model
};

void add_run(Findings& findings, const ServingValidation& run, std::span<const ServingCase> cases,
             ServingFolding folding) {
  const std::string name(name_of(folding));
  const auto add = [&](std::string_view by, const RowKey& key) {
    findings.tables.push_back(score_table(fmt::format("by_{}_{}", by, name),
                                          fmt::format("Folds: {} left out, by {}", name, by),
                                          run.rows, key));
  };
  std::map<std::string, const ServingRun*> runs;
  for (const ServingCase& one : cases)
    runs[one.run.id] = &one.run;
  add("metric", [](const ScoredRow& row) { return row.kind; });
  add("mode", [&](const ScoredRow& row) {
    const bool apart = runs.at(row.id)->prefill_workers > 0;
    return row.kind + (apart ? " disaggregated" : " aggregated");
  });
  add("engine", [&](const ScoredRow& row) { return row.kind + ' ' + runs.at(row.id)->engine; });
  add("device", [](const ScoredRow& row) { return row.kind + ' ' + row.device; });
  add("model", [](const ScoredRow& row) { return row.kind + ' ' + row.format; });
}

Table row_table(const ServingValidation& run, std::span<const ServingCase> cases,
                ServingFolding folding) {
  Table table{"rows_" + std::string(name_of(folding)),
              "Every row",
              {{"id", Unit::none},
               {"metric", Unit::none},
               {"engine", Unit::none},
               {"model", Unit::none},
               {"system", Unit::none},
               {"plan", Unit::none},
               {"input", Unit::count},
               {"output", Unit::count},
               {"concurrency", Unit::count},
               {"assumed", Unit::none},
               {"predicted", Unit::seconds},
               {"low", Unit::seconds},
               {"high", Unit::seconds},
               {"unfitted", Unit::seconds},
               {"measured", Unit::seconds}},
              {}};
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const ScoredRow& row = run.rows[i];
    const ServingRun& one = cases[run.cases[i]].run;
    table.rows.push_back({row.id, row.kind, one.engine, one.model, one.system,
                          describe_plan(one.plan), static_cast<double>(one.input),
                          static_cast<double>(one.output), static_cast<double>(one.concurrency),
                          fmt::format("{}", fmt::join(one.assumed, "; ")), row.predicted.base(),
                          row.low.base(), row.high.base(), row.naive.base(), row.measured.base()});
  }
  return table;
}

Table noise_table(std::span<const ServingCase> cases) {
  Table table{"repeats",
              "How far repeats of one configuration lie apart",
              {{"metric", Unit::none},
               {"pairs", Unit::count},
               {"median", Unit::ratio},
               {"p90", Unit::ratio}},
              {}};
  for (const bool ttft : {false, true}) {
    const RepeatNoise noise = repeat_noise(cases, ttft);
    table.rows.push_back({std::string(ttft ? "ttft" : "tpot"), static_cast<double>(noise.pairs),
                          noise.median, noise.p90});
  }
  return table;
}

Table parameter_table(const EngineCalibration& calibration) {
  Table table{"constants",
              "Engines' constants, fitted on all rows",
              {{"of", Unit::none}, {"rows", Unit::count}, {"spread", Unit::ratio}},
              {}};
  for (std::size_t i = 0; i < kEngineValues; ++i) {
    table.columns.push_back(
        {std::string(engine_value_info(i).name), i < kEngineParts ? Unit::none : Unit::seconds});
  }
  for (const auto& [name, node] : calibration.nodes()) {
    table.rows.push_back(
        {name.empty() ? "all" : name, static_cast<double>(node.rows), node.spread});
    for (const double value : node.values)
      table.rows.back().emplace_back(value);
  }
  return table;
}

std::string constants_of(const EngineCalibration& calibration,
                         const std::vector<EngineEntry>& engines) {
  std::vector<EngineEntry> entries;
  for (const auto& [name, node] : calibration.nodes()) {
    if (name.empty()) continue;
    const std::size_t slash = name.find('/');
    const auto engine = engine_for(engines, name.substr(0, slash), "");
    if (!engine) continue;
    EngineEntry entry{with_values(*engine, node.values),
                      slash == name.npos ? "" : name.substr(slash + 1)};
    entry.engine.rows = node.rows;
    for (Fitted& factor : entry.engine.factors)
      factor.relative_spread = node.spread;
    entry.engine.step.source = {"fastpath validate --of serving",
                                "catalog/measurements/serving.csv", "2026-11-25", "fitted"};
    entries.push_back(std::move(entry));
  }
  return constants_csv(entries);
}

Result<ServingRows> read_rows(const Session& session, const Arguments& arguments) {
  std::vector<std::string> files = arguments.operands();
  if (files.empty()) {
    const bool offline = arguments.text_or("of", "") == "inference";
    auto found = published_files(session, offline ? kInference : kServing);
    if (!found) return failure(found.error());
    files = std::move(*found);
  }
  ServingRows rows;
  for (const std::string& file : files) {
    const Result<std::string> text = read_file(file, kMostBytes);
    if (!text) return failure(text.error());
    auto read = read_serving_rows(*text, file);
    if (!read) return failure(read.error());
    rows.runs.insert(rows.runs.end(), read->runs.begin(), read->runs.end());
    rows.unscored.insert(rows.unscored.end(), read->unscored.begin(), read->unscored.end());
  }
  return rows;
}

/// The published replays; files of the user's own are tables of runs only.
Result<std::vector<std::pair<ReplayRun, RequestTrace>>> read_replay_files(
    const Session& session, const Arguments& arguments) {
  constexpr std::array<std::string_view, 1> kReplays{"replays.csv"};
  std::vector<std::pair<ReplayRun, RequestTrace>> replays;
  if (!arguments.operands().empty() || arguments.text_or("of", "") == "inference") return replays;
  const auto found = published_files(session, kReplays);
  if (!found) return replays;
  const Result<std::string> text = read_file(found->front(), kMostBytes);
  if (!text) return failure(text.error());
  const auto runs = read_replays(*text, found->front());
  if (!runs) return failure(runs.error());
  const auto folder = std::filesystem::path(found->front()).parent_path();
  for (const ReplayRun& run : *runs) {
    const std::string path = (folder / run.requests).string();
    const Result<std::string> requests = read_file(path, kMostBytes);
    if (!requests) return failure(requests.error());
    auto trace = read_requests(*requests, path);
    if (!trace) return failure(trace.error());
    replays.emplace_back(run, std::move(*trace));
  }
  return replays;
}

Table replay_table(const ServingCases& read) {
  Table table{"replays",
              "Runs replayed request by request, with constants that have not seen them",
              {{"run", Unit::none},
               {"figure", Unit::none},
               {"predicted", Unit::seconds},
               {"measured", Unit::seconds},
               {"error", Unit::ratio},
               {"median_request_error", Unit::ratio}},
              {}};
  for (const ServingCase& one : read.cases) {
    if (!one.replay) continue;
    std::vector<const ServingCase*> others;
    for (const ServingCase& other : read.cases) {
      if (&other != &one) others.push_back(&other);
    }
    const EngineCalibration calibration(others);
    for (const ReplayFigure& figure : replay_figures(one, calibration.node(one).values)) {
      table.rows.push_back(
          {one.run.id, std::string(figure.name), figure.predicted.base(), figure.measured.base(),
           figure.predicted / figure.measured - 1,
           figure.median_request_error > 0 ? Cell{figure.median_request_error} : Cell{}});
    }
  }
  return table;
}

std::vector<ServingFolding> foldings_of(const std::string& name) {
  std::vector<ServingFolding> all;
  for (const auto folding :
       {ServingFolding::configurations, ServingFolding::models, ServingFolding::devices}) {
    if (name == "all" || name == name_of(folding)) all.push_back(folding);
  }
  return all;
}

/// The runs that can be scored, replayed ones among them.
Result<ServingCases> read_cases(const Session& session, const Sources& sources,
                                const std::vector<EngineEntry>& engines,
                                const Arguments& arguments) {
  Result<ServingRows> rows = read_rows(session, arguments);
  if (!rows) return failure(rows.error());
  CaseBuilder builder(sources, engines);
  builder.result.unscored = std::move(rows->unscored);
  for (ServingRun& run : rows->runs)
    builder.add(std::move(run));
  const auto replays = read_replay_files(session, arguments);
  if (!replays) return failure(replays.error());
  for (const auto& [run, trace] : *replays)
    builder.add(run, trace);
  if (builder.result.cases.empty()) return failure(command_line(), "no rows can be scored");
  return std::move(builder.result);
}

void add_foldings(Session& session, const Arguments& arguments, const ServingCases& read,
                  Findings& findings) {
  for (const ServingFolding folding : foldings_of(arguments.text_or("folds", "all"))) {
    const ServingValidation run =
        validate_serving(read.cases, folding, [&](std::size_t done, std::size_t all) {
          session.say(fmt::format("folds of {}: {} of {}", name_of(folding), done, all));
        });
    add_run(findings, run, read.cases, folding);
    if (arguments.has("rows") || arguments.has("json")) {
      findings.tables.push_back(row_table(run, read.cases, folding));
    }
  }
}

void add_peers(const Session& session, Findings& findings) {
  constexpr std::array<std::string_view, 1> kPeers{"peers.csv"};
  const auto peers = published_files(session, kPeers);
  if (!peers) return;
  const auto folder = std::filesystem::path(peers->front()).parent_path();
  if (auto table = stated_by_peers(folder.string(), true))
    findings.tables.push_back(std::move(*table));
}

}  // namespace

int run_validate_serving(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const auto engines = embedded_engines();
  if (!engines) return session.fail(engines.error());
  const Result<ServingCases> read = read_cases(session, *sources, *engines, arguments);
  if (!read) return session.fail(read.error());
  Findings findings;
  findings.title = "Predicted against measured serving";
  add_foldings(session, arguments, *read, findings);
  findings.tables.push_back(noise_table(read->cases));
  const bool replayed = std::any_of(read->cases.begin(), read->cases.end(),
                                    [](const ServingCase& one) { return one.replay.has_value(); });
  if (replayed) findings.tables.push_back(replay_table(*read));
  std::vector<const ServingCase*> all;
  for (const ServingCase& one : read->cases)
    all.push_back(&one);
  const EngineCalibration calibration(all);
  findings.tables.push_back(parameter_table(calibration));
  std::vector<UnscoredRun> unscored = read->unscored;
  if (arguments.operands().empty() && arguments.text_or("of", "") == "inference") {
    auto mlperf =
        report_mlperf(session, *sources, *engines, arguments.has("rows") || arguments.has("json"));
    if (!mlperf) return session.fail(mlperf.error());
    std::move(mlperf->tables.begin(), mlperf->tables.end(), std::back_inserter(findings.tables));
    unscored.insert(unscored.end(), mlperf->unscored.begin(), mlperf->unscored.end());
  }
  findings.tables.push_back(unscored_table(unscored));
  if (replayed) add_peers(session, findings);
  findings.notes.emplace_back(
      "errors are |predicted / measured - 1| of a run's mean; `unfitted` is an engine that adds "
      "nothing to predict; a row is predicted from constants that have not seen its fold");
  if (const auto file = arguments.text("constants")) {
    if (const auto wrong = write_file(*file, constants_of(calibration, *engines))) {
      return session.fail({*wrong});
    }
  }
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
