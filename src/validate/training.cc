#include "validate/training.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "fastpath/fastpath.h"

#include "ir/plan_text.h"
#include "validate/folds.h"
#include "validate/intervals.h"
#include "validate/robust_fit.h"

namespace fastpath {
namespace {

/// Spread of log residuals inside a well-fitted group: repeats of one configuration differ by 3 %.
constexpr double kNoise = 0.05;
/// Share of a parameter's prior spread that remains from one level to the next.
constexpr std::array<double, 3> kLevelSpread = {1, 0.7, 0.5};
/// Rows of one configuration family beyond these say nothing new; groups weigh more alike.
constexpr std::size_t kMostRows = 120;

std::array<std::string, 3> group_names(const TrainingCase& one) {
  return {"", one.run.stack, one.run.stack + '/' + one.system.device.family};
}

using Cases = std::vector<const TrainingCase*>;

Cases sample(const Cases& all) {
  if (all.size() <= kMostRows) return all;
  Cases some;
  for (std::size_t i = 0; i < kMostRows; ++i)
    some.push_back(all[i * all.size() / kMostRows]);
  return some;
}

std::vector<FitParameter> parameters_around(const FrameworkValues& prior, double spread) {
  std::vector<FitParameter> parameters;
  for (std::size_t i = 0; i < kFrameworkParameters; ++i) {
    const FrameworkParameterInfo& one = info(static_cast<FrameworkParameter>(i));
    parameters.push_back({one.low, one.high, prior[i], one.spread * spread});
  }
  return parameters;
}

FrameworkValues values_of(std::span<const double> logs) {
  FrameworkValues values{};
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::exp(logs[i]);
  return values;
}

FrameworkNode fit_node(const Cases& all, const FrameworkValues& prior, double spread) {
  const Cases cases = sample(all);
  const FitResult fit =
      robust_fit(parameters_around(prior, spread), kNoise, [&](std::span<const double> logs) {
        const FrameworkValues values = values_of(logs);
        std::vector<double> residuals;
        for (const TrainingCase* one : cases) {
          const auto step = predicted_step(*one, values);
          residuals.push_back(step ? std::log(*step / one->run.step) : 0);
        }
        return residuals;
      });
  FrameworkNode node;
  std::copy(fit.values.begin(), fit.values.end(), node.values.begin());
  node.rows = all.size();
  node.spread = median_size(fit.residuals);
  return node;
}

FrameworkValues default_values() {
  FrameworkValues values{};
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = info(static_cast<FrameworkParameter>(i)).value;
  return values;
}

/// An even part of each framework's cases, so that none outweighs the others.
Cases balanced(const Cases& all) {
  std::map<std::string, Cases> groups;
  for (const TrainingCase* one : all)
    groups[group_names(*one)[2]].push_back(one);
  constexpr std::size_t kEach = 25;
  Cases some;
  for (const auto& [name, members] : groups) {
    const std::size_t count = std::min(kEach, members.size());
    for (std::size_t i = 0; i < count; ++i)
      some.push_back(members[i * members.size() / count]);
  }
  return some;
}

std::string work_of(const TrainingCase& one) {
  std::string sizes;
  for (const Dim& dim : one.run.workload->dims)
    sizes += fmt::format(" {}={}", dim.name, dim.size);
  for (const Segment& segment : one.run.workload->segments)
    sizes += fmt::format(" {}", segment.repeat);
  return fmt::format("{} {} {} {}{}", one.run.framework, one.run.model, one.run.system,
                     one.run.devices, sizes);
}

std::string configuration(const TrainingCase& one) {
  return work_of(one) + fmt::format(" {} {} {} {} {}", one.run.plan.tensor_parallel,
                                    one.run.plan.pipeline_parallel, one.run.plan.context_parallel,
                                    one.run.plan.expert_parallel, one.run.plan.micro_batch);
}

std::vector<std::uint32_t> folds_of(std::span<const TrainingCase> cases, TrainingFolding folding) {
  std::vector<std::vector<std::string>> ties;
  for (const TrainingCase& one : cases) {
    ties.push_back({folding == TrainingFolding::sources ? one.run.source : configuration(one)});
  }
  return fold_of_rows(ties, folding == TrainingFolding::sources ? 0 : 10);
}

ScoredRow scored(const TrainingCase& one, Seconds predicted, Seconds naive) {
  ScoredRow row;
  row.id = one.run.id;
  row.kind = one.run.framework;
  row.device = one.system.device.id;
  row.source = one.run.source;
  row.format = one.run.model;
  row.measured = one.run.step;
  row.predicted = predicted;
  row.naive = naive;
  return row;
}

/// Finest first.
std::vector<std::string> regimes_of(const std::array<std::string, 3>& names,
                                    std::string_view seen) {
  return {fmt::format("{}, {}", names[2], seen), fmt::format("{}, {}", names[1], seen),
          std::string(seen)};
}

void set_intervals(TrainingValidation& result, std::span<const TrainingCase> cases,
                   std::span<const std::uint32_t> folds, TrainingFolding folding) {
  const std::string_view seen =
      folding == TrainingFolding::sources ? "source not seen" : "source seen";
  std::vector<Residual> residuals;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const ScoredRow& row = result.rows[i];
    residuals.push_back({std::log(row.measured / row.predicted),
                         regimes_of(group_names(cases[result.cases[i]]), seen),
                         folds[result.cases[i]]});
  }
  const ResidualIntervals intervals(residuals);
  for (const TrainingCase& one : cases) {
    const auto names = group_names(one);
    const auto regimes = regimes_of(names, seen);
    for (std::size_t level = 0; level < names.size(); ++level) {
      result.intervals[names[level]] =
          intervals.interval(std::span(regimes).subspan(names.size() - 1 - level));
    }
  }
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    ScoredRow& row = result.rows[i];
    const Interval interval = intervals.interval(residuals[i].regimes, folds[result.cases[i]]);
    row.low = interval.low * row.predicted;
    row.high = interval.high * row.predicted;
    row.regime = interval.regime;
  }
}

}  // namespace

const FrameworkParameterInfo& info(FrameworkParameter parameter) {
  // Kernels in a training step run on warm, power-limited devices, between other kernels.
  static constexpr std::array<FrameworkParameterInfo, kFrameworkParameters> kInfo = {{
      {"contraction", "", 0.8, 2.5, 1.1, 0.15},
      {"memory", "", 0.5, 4, 1.2, 0.3},
      {"network", "", 0.5, 5, 1.2, 0.4},
      {"experts", "", 0.5, 6, 1.5, 0.4},
      {"quantise", "", 0.1, 6, 1, 0.5},
      {"launch", "s", 1e-6, 300e-6, 12e-6, 0.7},
      {"step", "s", 1e-3, 1, 20e-3, 1},
  }};
  return kInfo[static_cast<std::size_t>(parameter)];
}

Framework framework_of(std::string id, const FrameworkNode& node) {
  Framework framework;
  framework.id = std::move(id);
  const auto value = [&](FrameworkParameter parameter) {
    return node.values[static_cast<std::size_t>(parameter)];
  };
  framework.contraction.value = value(FrameworkParameter::contraction);
  framework.memory.value = value(FrameworkParameter::memory);
  framework.network.value = value(FrameworkParameter::network);
  framework.experts.value = value(FrameworkParameter::experts);
  framework.quantise.value = value(FrameworkParameter::quantise);
  framework.launch.value = Seconds{value(FrameworkParameter::launch)};
  framework.step.value = Seconds{value(FrameworkParameter::step)};
  framework.rows = node.rows;
  return framework;
}

Result<Seconds> predicted_step(const TrainingCase& one, const FrameworkValues& values) {
  System system = one.system;
  system.framework = std::make_shared<const Framework>(framework_of(one.run.stack, {values, 0, 0}));
  const auto prediction = predict(*one.run.workload, system, one.run.plan);
  if (!prediction) return failure(prediction.error());
  return prediction->step.value;
}

FrameworkCalibration::FrameworkCalibration(std::span<const TrainingCase* const> cases) {
  std::array<std::map<std::string, Cases>, 3> levels;
  std::map<std::string, std::string> parents;
  for (const TrainingCase* one : cases) {
    const auto names = group_names(*one);
    for (std::size_t level = 0; level < names.size(); ++level) {
      levels[level][names[level]].push_back(one);
      if (level > 0) parents[names[level]] = names[level - 1];
    }
  }
  for (std::size_t level = 0; level < levels.size(); ++level) {
    for (const auto& [name, members] : levels[level]) {
      const FrameworkValues prior =
          level == 0 ? default_values() : nodes_.at(parents.at(name)).values;
      const std::size_t rows = members.size();
      nodes_[name] = fit_node(level == 0 ? balanced(members) : members, prior, kLevelSpread[level]);
      nodes_[name].rows = rows;
    }
  }
}

const FrameworkNode& FrameworkCalibration::node(const TrainingCase& one) const {
  const auto names = group_names(one);
  for (std::size_t level = names.size(); level-- > 0;) {
    const auto found = nodes_.find(names[level]);
    if (found != nodes_.end()) return found->second;
  }
  static const FrameworkNode standard{default_values(), 0, 0};
  return standard;
}

std::string_view name_of(TrainingFolding folding) {
  return folding == TrainingFolding::sources ? "sources" : "configurations";
}

std::vector<MeasuredPlan> measured_plans(const TrainingValidation& validation,
                                         std::span<const TrainingCase> cases) {
  std::vector<MeasuredPlan> plans;
  plans.reserve(validation.rows.size());
  for (std::size_t i = 0; i < validation.rows.size(); ++i) {
    const TrainingCase& one = cases[validation.cases[i]];
    const auto format = one.run.plan.compute_format;
    plans.push_back({fmt::format("{} {}", work_of(one), format ? name_of(*format) : "own"),
                     write_plan(one.run.plan), validation.rows[i].predicted,
                     validation.rows[i].measured});
  }
  return plans;
}

TrainingValidation validate_training(
    std::span<const TrainingCase> cases, TrainingFolding folding,
    const std::function<void(std::size_t, std::size_t)>& progress) {
  const std::vector<std::uint32_t> folds = folds_of(cases, folding);
  const std::uint32_t count = fold_count(folds);
  TrainingValidation result;
  for (std::uint32_t fold = 0; fold < count; ++fold) {
    Cases seen;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (folds[i] != fold) seen.push_back(&cases[i]);
    }
    const FrameworkCalibration calibration(seen);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (folds[i] != fold) continue;
      const auto step = predicted_step(cases[i], calibration.node(cases[i]).values);
      const auto naive = predict(*cases[i].run.workload, cases[i].system, cases[i].run.plan);
      if (!step || !naive) continue;
      result.rows.push_back(scored(cases[i], *step, naive->step.value));
      result.cases.push_back(i);
    }
    if (progress) progress(fold + 1, count);
  }
  set_intervals(result, cases, folds, folding);
  return result;
}

}  // namespace fastpath
