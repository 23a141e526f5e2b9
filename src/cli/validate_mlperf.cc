#include "cli/validate_mlperf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "cli/measured.h"
#include "cli/serving.h"
#include "import/serving/mlperf.h"
#include "ir/system.h"
#include "validate/mlperf_inference.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 16u << 20;
constexpr std::int64_t kChunk = 512;

/// The best tensor parallelism, as a submitter would find it.
struct Predicted {
  int tensor_parallel = 0;  ///< 0: no replica fits
  double per_device = 0;    ///< output tokens a second
};

class MlperfPredictor {
 public:
  MlperfPredictor(const Sources& sources, const std::vector<EngineEntry>& engines)
      : sources_(sources), engines_(engines) {}

  /// Equal configurations are predicted once.
  const Predicted& of(const MlperfRun& run) {
    const std::string key = fmt::format("{} {} {} {} {} {} {} {} {} {}", run.system, run.engine,
                                        run.model, describe_plan(run.plan), largest_replica(run),
                                        run.input, run.output, static_cast<int>(run.kind),
                                        run.limits.first_token.base(), run.limits.per_token.base());
    const auto [found, added] = known_.try_emplace(key);
    if (added) found->second = best(run);
    return found->second;
  }

 private:
  /// Replicas are of a node's devices, and use all of the submission's.
  static std::int64_t largest_replica(const MlperfRun& run) {
    std::int64_t ranks = 1;
    while (ranks < 8 && run.devices % (2 * ranks) == 0)
      ranks *= 2;
    return ranks;
  }

  Predicted best(const MlperfRun& run) const {
    Predicted result;
    const Result<System> system = sources_.system(run.system);
    if (!system) return result;
    const Result<Engine> engine = engine_for(engines_, run.engine, system->device.family);
    if (!engine) return result;
    Plan plan = run.plan;
    keep_own_formats(narrowest_matrix(sources_, run.model), plan);
    const std::int64_t most = std::min(largest_replica(run), system->device_count());
    for (int ranks = 1; ranks <= most; ranks *= 2) {
      plan.tensor_parallel = ranks;
      const auto replica = replica_of(run, *system, *engine, plan);
      if (!replica) continue;
      const double rate = run.kind == MlperfScenario::offline
                              ? offline_rate(*replica, run.input, run.output)
                              : server_rate(*replica, run.input, run.output, run.limits);
      if (rate / ranks <= result.per_device) continue;
      result = {ranks, rate / ranks};
    }
    return result;
  }

  std::optional<ReplicaGroup> replica_of(const MlperfRun& run, const System& system,
                                         const Engine& engine, const Plan& plan) const {
    ReplicaGroup group;
    group.engine = engine;
    group.table = step_table(sources_, run.model, system, plan);
    const Capacity capacity = capacity_of(*group.table, group.engine, plan.device_count(), kChunk);
    if (!group.table->mistakes().empty() || capacity.tokens < run.input + run.output) {
      return std::nullopt;
    }
    group.pool = capacity.pool;
    return group;
  }

  const Sources& sources_;
  const std::vector<EngineEntry>& engines_;
  std::map<std::string, Predicted> known_;
};

struct Scored {
  const MlperfRun* run = nullptr;
  Predicted predicted;

  double tokens_per_second() const {
    return predicted.per_device * static_cast<double>(run->devices);
  }
  double error() const { return tokens_per_second() / run->tokens_per_second - 1; }
};

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Errors by what `name_of` says of a run.
template <class Name>
void add_groups(const std::vector<Scored>& all, Name name_of, Table& table) {
  std::map<std::string, std::vector<double>> groups;
  for (const Scored& one : all)
    groups[name_of(*one.run)].push_back(one.error());
  for (const auto& [name, errors] : groups) {
    std::vector<double> sizes;
    double sum = 0;
    for (const double error : errors) {
      sizes.push_back(std::abs(error));
      sum += std::abs(error);
    }
    const auto count = static_cast<double>(errors.size());
    table.rows.push_back({name, count, middle(sizes), sum / count, middle(errors)});
  }
}

Table group_table(const std::vector<Scored>& all) {
  Table table{"mlperf",
              "MLPerf Inference: output tokens a second, by constants fitted to other runs",
              {{"rows_of", Unit::none},
               {"rows", Unit::count},
               {"median", Unit::ratio},
               {"mean", Unit::ratio},
               {"median_signed", Unit::ratio}},
              {}};
  add_groups(
      all, [](const MlperfRun& run) { return run.scenario; }, table);
  add_groups(
      all, [](const MlperfRun& run) { return run.task + ' ' + run.scenario; }, table);
  add_groups(
      all, [](const MlperfRun& run) { return run.engine + ' ' + run.device; }, table);
  return table;
}

Table row_table(const std::vector<Scored>& all) {
  Table table{"mlperf_rows",
              "Every row of MLPerf",
              {{"id", Unit::none},
               {"task", Unit::none},
               {"scenario", Unit::none},
               {"engine", Unit::none},
               {"system", Unit::none},
               {"devices", Unit::count},
               {"tp", Unit::count},
               {"assumed", Unit::none},
               {"predicted", Unit::per_second},
               {"measured", Unit::per_second},
               {"error", Unit::ratio}},
              {}};
  for (const Scored& one : all) {
    const MlperfRun& run = *one.run;
    table.rows.push_back({run.id, run.task, run.scenario, run.engine, run.system,
                          static_cast<double>(run.devices),
                          static_cast<double>(one.predicted.tensor_parallel),
                          fmt::format("{}; best of tp=1,2,4,8", fmt::join(run.assumed, "; ")),
                          one.tokens_per_second(), run.tokens_per_second, one.error()});
  }
  return table;
}

std::optional<std::string> published(const Session& session, std::string_view name) {
  const std::array<std::string_view, 1> names{name};
  const auto found = published_files(session, names);
  return found ? std::optional(found->front()) : std::nullopt;
}

}  // namespace

Result<MlperfFindings> report_mlperf(Session& session, const Sources& sources,
                                     const std::vector<EngineEntry>& engines, bool rows) {
  MlperfFindings findings;
  const auto row_file = published(session, "mlperf_inference.csv");
  const auto task_file = published(session, "mlperf_tasks.csv");
  if (!row_file || !task_file) return findings;
  const Result<std::string> row_text = read_file(*row_file, kMostBytes);
  const Result<std::string> task_text = read_file(*task_file, kMostBytes);
  if (!row_text) return failure(row_text.error());
  if (!task_text) return failure(task_text.error());
  const auto read = read_mlperf(*row_text, *row_file, *task_text, *task_file);
  if (!read) return failure(read.error());
  findings.unscored = read->unscored;
  MlperfPredictor predictor(sources, engines);
  std::vector<Scored> scored;
  for (std::size_t i = 0; i < read->runs.size(); ++i) {
    const MlperfRun& run = read->runs[i];
    if (i % 50 == 0) session.say(fmt::format("MLPerf: {} of {} rows", i, read->runs.size()));
    const Predicted& predicted = predictor.of(run);
    if (predicted.tensor_parallel == 0) {
      findings.unscored.push_back({run.id, "MLPerf: no replica keeps the limits, or none fits"});
    } else {
      scored.push_back({&run, predicted});
    }
  }
  if (scored.empty()) return findings;
  findings.tables.push_back(group_table(scored));
  if (rows) findings.tables.push_back(row_table(scored));
  return findings;
}

}  // namespace fastpath::cli
