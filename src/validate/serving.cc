#include "validate/serving.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "ir/plan_text.h"
#include "serve/load.h"
#include "serve/metrics.h"
#include "validate/folds.h"
#include "validate/intervals.h"
#include "validate/robust_fit.h"

namespace fastpath {
namespace {

/// Spread of log residuals in a well-fitted group: repeats differ by up to 9 % (TPOT).
constexpr double kNoise = 0.06;
/// Repeats differ more in TTFT than in TPOT.
constexpr double kFirstTokenWeight = 0.8;
/// Share of a constant's prior spread that remains from one level to the next.
constexpr std::array<double, 3> kLevelSpread = {1, 0.8, 0.6};
constexpr std::size_t kLeastRows = 80;  ///< of a group, where it has them
constexpr int kFits = 3;
constexpr std::size_t kRequest = kEngineParts + static_cast<std::size_t>(EngineTime::request);
constexpr std::size_t kClient = kEngineParts + static_cast<std::size_t>(EngineTime::client);
constexpr std::uint32_t kFolds = 5;

using Cases = std::vector<const ServingCase*>;

std::array<std::string, 3> group_names(const ServingCase& one) {
  return {"", one.run.engine, one.run.engine + '/' + one.family};
}

/// An even part of each engine and generation, so that none outweighs the others.
Cases balanced(const Cases& all) {
  std::map<std::string, Cases> groups;
  for (const ServingCase* one : all)
    groups[group_names(*one)[2]].push_back(one);
  std::size_t each = kLeastRows;
  for (const auto& [name, members] : groups)
    each = std::min(each, std::max(kLeastRows / 2, members.size()));
  Cases some;
  for (const auto& [name, members] : groups) {
    const std::size_t count = std::min(each, members.size());
    for (std::size_t i = 0; i < count; ++i)
      some.push_back(members[i * members.size() / count]);
  }
  return some;
}

/// A run's figures as linear functions of the constants, exact at those they were made at.
struct LinearFigures {
  EngineValues tpot{};
  EngineValues ttft{};
};

double at(const EngineValues& linear, const EngineValues& values) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    sum += linear[i] * values[i];
  return sum;
}

std::optional<LinearFigures> linear_figures(const ServingCase& one, const EngineValues& values) {
  WaitProfile profile;
  const auto figures = predicted_figures(one, values, &profile);
  if (!figures) return std::nullopt;
  LinearFigures linear;
  for (std::size_t i = 0; i < WaitProfile::kValues; ++i) {
    linear.tpot[i] = one.run.offline ? profile.busy[i] : profile.tokens[i];
    linear.ttft[i] = profile.firsts[i];
  }
  const double others = profile.others / static_cast<double>(std::max<std::size_t>(
                                             1, stream_of_run(one).requests.size()));
  const double once = values[kRequest] + others * values[kClient];
  const double first = std::max(1e-9, figures->ttft.base() - once);
  const double tpot = figures->tpot.base() / at(linear.tpot, values);
  const double ttft = first / std::max(1e-30, at(linear.ttft, values));
  for (std::size_t i = 0; i < kEngineValues; ++i) {
    linear.tpot[i] *= tpot;
    linear.ttft[i] *= ttft;
  }
  linear.ttft[kRequest] = 1;
  linear.ttft[kClient] = others;
  return linear;
}

EngineValues values_of(std::span<const double> logs) {
  EngineValues values{};
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::exp(logs[i]);
  return values;
}

/// Simulates, fits the constants with the order of events held, and again.
EngineNode fit_node(const Cases& cases, const EngineValues& prior, double spread) {
  std::vector<FitParameter> parameters;
  for (std::size_t i = 0; i < kEngineValues; ++i) {
    const EngineValueInfo& info = engine_value_info(i);
    parameters.push_back({info.low, info.high, prior[i], info.spread * spread});
  }
  EngineNode node;
  node.values = prior;
  node.rows = cases.size();
  for (int round = 0; round < kFits; ++round) {
    std::vector<std::pair<const ServingRun*, LinearFigures>> rows;
    for (const ServingCase* one : cases) {
      if (const auto linear = linear_figures(*one, node.values)) {
        rows.emplace_back(&one->run, *linear);
      }
    }
    const FitResult fit = robust_fit(parameters, kNoise, [&](std::span<const double> logs) {
      const EngineValues values = values_of(logs);
      std::vector<double> residuals;
      for (const auto& [run, linear] : rows) {
        residuals.push_back(std::log(at(linear.tpot, values) / run->tpot.base()));
        if (run->offline) continue;
        residuals.push_back(kFirstTokenWeight *
                            std::log(at(linear.ttft, values) / run->ttft.base()));
      }
      return residuals;
    });
    std::copy(fit.values.begin(), fit.values.end(), node.values.begin());
    node.spread = median_size(fit.residuals);
  }
  return node;
}

EngineValues default_values() {
  EngineValues values{};
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = engine_value_info(i).value;
  return values;
}

std::vector<std::uint32_t> folds_of(std::span<const ServingCase> cases, ServingFolding folding) {
  std::vector<std::vector<std::string>> ties;
  for (const ServingCase& one : cases) {
    switch (folding) {
      case ServingFolding::models: ties.push_back({one.run.model}); break;
      case ServingFolding::devices: ties.push_back({one.run.device}); break;
      case ServingFolding::configurations: ties.push_back({configuration_of(one.run)}); break;
    }
  }
  return fold_of_rows(ties, folding == ServingFolding::configurations ? kFolds : 0);
}

ScoredRow scored(const ServingCase& one, const char* kind, Seconds measured, Seconds predicted,
                 Seconds naive) {
  ScoredRow row;
  row.id = one.run.id;
  row.kind = kind;
  row.device = one.run.device;
  row.source = one.run.collection;
  row.format = one.run.model;
  row.measured = measured;
  row.predicted = predicted;
  row.naive = naive;
  return row;
}

void set_intervals(ServingValidation& result, std::span<const ServingCase> cases,
                   std::span<const std::uint32_t> folds) {
  std::vector<Residual> residuals;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const ScoredRow& row = result.rows[i];
    const ServingRun& run = cases[result.cases[i]].run;
    residuals.push_back({std::log(row.measured / row.predicted),
                         {fmt::format("{}, {}, {}", row.kind, run.engine, row.device),
                          fmt::format("{}, {}", row.kind, run.engine), row.kind},
                         folds[result.cases[i]]});
  }
  const ResidualIntervals intervals(residuals);
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    ScoredRow& row = result.rows[i];
    const Interval interval = intervals.interval(residuals[i].regimes, folds[result.cases[i]]);
    row.low = interval.low * row.predicted;
    row.high = interval.high * row.predicted;
    row.regime = interval.regime;
  }
}

}  // namespace

const EngineValueInfo& engine_value_info(std::size_t index) {
  // Engines fuse many of a model's operators into others, overlap launches, and use kernels of
  // their own for decode attention and small all-reduces. Nothing beats data-sheet rates.
  static constexpr std::array<EngineValueInfo, kEngineValues> kInfo = {{
      {"light", 1, 1.6, 1.1, 0.1},
      {"matmul_bytes", 0.05, 5, 0.8, 0.5},
      {"matmul_work", 0.05, 5, 0.8, 0.5},
      {"prefill_attention", 0.02, 8, 0.8, 0.6},
      {"decode_attention", 0.01, 5, 0.3, 0.8},
      {"latent_attention", 0.002, 3, 0.1, 1},
      {"maps", 0.05, 5, 0.7, 0.6},
      {"expert_bytes", 0.05, 5, 0.8, 0.6},
      {"expert_work", 0.02, 5, 0.5, 0.8},
      {"launch", 0.02, 2, 0.3, 0.6},
      {"network", 0.1, 4, 0.8, 0.5},
      {"step", 50e-6, 50e-3, 1.5e-3, 0.7},
      {"sequence", 0.2e-6, 1e-3, 15e-6, 0.8},
      {"request", 0.5e-3, 2, 20e-3, 0.8},
      {"client", 1e-6, 50e-3, 0.5e-3, 1},
  }};
  return kInfo[index];
}

Engine with_values(Engine engine, const EngineValues& values) {
  for (std::size_t i = 0; i < kEngineParts; ++i)
    engine.factors[i].value = values[i];
  engine.step.value = Seconds{values[kEngineParts]};
  engine.sequence.value = Seconds{values[kEngineParts + 1]};
  engine.request.value = Seconds{values[kRequest]};
  engine.client.value = Seconds{values[kClient]};
  return engine;
}

EngineValues bare_values() {
  EngineValues values{};
  std::fill_n(values.begin(), kEngineParts, 1.0);
  return values;
}

namespace {

/// Three times what runs at one time, all at the start.
RequestStream offline_stream(const ServingCase& one) {
  constexpr std::int64_t kRounds = 3;
  constexpr std::int64_t kMostRequests = 3000;
  const ReplicaGroup& group = one.deployment.serving;
  const std::int64_t tokens = group.pool.blocks * group.engine.block_tokens;
  const std::int64_t fit = std::max<std::int64_t>(1, tokens / (one.run.input + one.run.output));
  const std::int64_t running = std::min(fit, group.engine.max_sequences);
  Load load;
  load.count =
      one.run.concurrency > 0 ? one.run.concurrency : std::min(kRounds * running, kMostRequests);
  load.concurrency = load.count;
  load.input = {one.run.input, one.run.input};
  load.output = {one.run.output, one.run.output};
  return stream_of(load);
}

}  // namespace

RequestStream stream_of_run(const ServingCase& one) {
  if (one.replay) return one.replay->stream;
  constexpr std::int64_t kRounds = 10;
  constexpr std::int64_t kMostRequests = 640;
  const ServingRun& run = one.run;
  if (run.offline) return offline_stream(one);
  Load load;
  load.concurrency = run.concurrency;
  load.count = std::max(2 * run.concurrency, std::min(kRounds * run.concurrency, kMostRequests));
  const auto shortest = [&](std::int64_t length) {
    const double least = std::round(run.shortest * static_cast<double>(length));
    return Lengths{std::max<std::int64_t>(1, static_cast<std::int64_t>(least)), length};
  };
  load.input = shortest(run.input);
  load.output = shortest(run.output);
  RequestStream stream = stream_of(load);
  if (!run.drifts) return stream;
  // Clients start together and fall out of step: the first answers end spread over the time of one.
  constexpr double kGolden = 0.6180339887498949;
  const std::size_t first =
      std::min(static_cast<std::size_t>(run.concurrency), stream.requests.size());
  for (std::size_t i = 0; i < first; ++i) {
    const double share = std::fmod(kGolden * static_cast<double>(i + 1), 1.0);
    const auto output = static_cast<double>(stream.requests[i].output);
    stream.requests[i].output = std::max<std::int64_t>(1, std::llround(share * output));
  }
  return stream;
}

std::optional<ServingFigures> predicted_figures(const ServingCase& one, const EngineValues& values,
                                                WaitProfile* profile) {
  Deployment deployment = one.deployment;
  deployment.serving.engine = with_values(deployment.serving.engine, values);
  deployment.prefill.engine = with_values(deployment.prefill.engine, values);
  const auto result = serve(stream_of_run(one), deployment, profile);
  if (!result || result->rejected > 0) return std::nullopt;
  const ServeMetrics metrics = metrics_of(*result, {});
  if (one.run.offline) {
    return ServingFigures{metrics.ttft.mean, result->duration / metrics.output_tokens};
  }
  if (!(metrics.tpot.mean > Seconds{}) || !(metrics.ttft.mean > Seconds{})) return std::nullopt;
  return ServingFigures{metrics.ttft.mean, metrics.tpot.mean};
}

std::vector<ReplayFigure> replay_figures(const ServingCase& one, const EngineValues& values) {
  if (!one.replay) return {};
  Deployment deployment = one.deployment;
  deployment.serving.engine = with_values(deployment.serving.engine, values);
  const auto served = serve(one.replay->stream, deployment);
  if (!served || served->rejected > 0) return {};
  ServeResult measured;
  measured.requests = one.replay->measured;
  const ServeMetrics ours = metrics_of(*served, {});
  const ServeMetrics theirs = metrics_of(measured, {});
  const auto typical = [&](auto of) {
    std::vector<double> errors;
    for (std::size_t i = 0; i < measured.requests.size(); ++i) {
      const Seconds real = of(measured.requests[i]);
      if (real > Seconds{}) errors.push_back(std::abs(of(served->requests[i]) / real - 1));
    }
    return quantile(errors, 0.5);
  };
  return {{"latency mean", ours.latency.mean, theirs.latency.mean,
           typical([](const RequestOutcome& r) { return r.latency(); })},
          {"ttft mean", ours.ttft.mean, theirs.ttft.mean,
           typical([](const RequestOutcome& r) { return r.ttft(); })},
          {"ttft p90", ours.ttft.p90, theirs.ttft.p90, 0},
          {"tpot mean", ours.tpot.mean, theirs.tpot.mean,
           typical([](const RequestOutcome& r) { return r.tpot(); })}};
}

EngineCalibration::EngineCalibration(std::span<const ServingCase* const> cases) {
  std::array<std::map<std::string, Cases>, 3> levels;
  std::map<std::string, std::string> parents;
  for (const ServingCase* one : cases) {
    const auto names = group_names(*one);
    for (std::size_t level = 0; level < names.size(); ++level) {
      levels[level][names[level]].push_back(one);
      if (level > 0) parents[names[level]] = names[level - 1];
    }
  }
  for (std::size_t level = 0; level < levels.size(); ++level) {
    for (const auto& [name, members] : levels[level]) {
      const EngineValues prior = level == 0 ? default_values() : nodes_.at(parents.at(name)).values;
      EngineNode& node = nodes_[name];
      node = fit_node(level < 2 ? balanced(members) : members, prior, kLevelSpread[level]);
      node.rows = members.size();
    }
  }
}

const EngineNode& EngineCalibration::node(const ServingCase& one) const {
  const auto names = group_names(one);
  for (std::size_t level = names.size(); level-- > 0;) {
    const auto found = nodes_.find(names[level]);
    if (found != nodes_.end()) return found->second;
  }
  static const EngineNode standard{default_values(), 0, 0};
  return standard;
}

std::string_view name_of(ServingFolding folding) {
  switch (folding) {
    case ServingFolding::models: return "models";
    case ServingFolding::devices: return "devices";
    default: return "configurations";
  }
}

std::string configuration_of(const ServingRun& run) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", run.engine, run.model, run.precision,
                     run.system, write_plan(run.plan), write_plan(run.prefill_plan), run.workers,
                     run.prefill_workers, run.input, run.output, run.concurrency, run.version);
}

namespace {

/// Predicts a case by constants that have not seen it.
void score(const ServingCase& one, std::size_t index, const EngineCalibration& calibration,
           ServingValidation& result) {
  const auto figures = predicted_figures(one, calibration.node(one).values);
  const auto naive = predicted_figures(one, bare_values());
  if (!figures || !naive) return;
  const char* kind = one.run.offline ? "throughput" : "tpot";
  result.rows.push_back(scored(one, kind, one.run.tpot, figures->tpot, naive->tpot));
  result.cases.push_back(index);
  if (one.run.offline) return;
  result.rows.push_back(scored(one, "ttft", one.run.ttft, figures->ttft, naive->ttft));
  result.cases.push_back(index);
}

}  // namespace

ServingValidation validate_serving(std::span<const ServingCase> cases, ServingFolding folding,
                                   const std::function<void(std::size_t, std::size_t)>& progress) {
  const std::vector<std::uint32_t> folds = folds_of(cases, folding);
  const std::uint32_t count = fold_count(folds);
  ServingValidation result;
  for (std::uint32_t fold = 0; fold < count; ++fold) {
    Cases seen;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (folds[i] != fold) seen.push_back(&cases[i]);
    }
    const EngineCalibration calibration(seen);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (folds[i] == fold) score(cases[i], i, calibration, result);
    }
    if (progress) progress(fold + 1, count);
  }
  set_intervals(result, cases, folds);
  return result;
}

RepeatNoise repeat_noise(std::span<const ServingCase> cases, bool ttft) {
  std::map<std::string, std::set<double>> groups;
  for (const ServingCase& one : cases) {
    // Some collections print another's figures again, with fewer digits.
    const double value = (ttft ? one.run.ttft : one.run.tpot).base();
    groups[configuration_of(one.run)].insert(std::round(value * 1e5) / 1e5);
  }
  std::vector<double> apart;
  for (const auto& [name, values] : groups) {
    for (auto a = values.begin(); a != values.end(); ++a) {
      for (auto b = std::next(a); b != values.end(); ++b)
        apart.push_back(std::abs(*b / *a - 1));
    }
  }
  return {apart.size(), quantile(apart, 0.5), quantile(apart, 0.9)};
}

}  // namespace fastpath
