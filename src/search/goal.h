/// What a search looks for: the figure to minimise, and what a plan may not exceed.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "fastpath/plan.h"
#include "fastpath/quantity.h"

#include "engine/plan_evaluator.h"

namespace fastpath {

/// Figures of one step by which plans are ranked or traded off; the smaller the better.
enum class Objective : std::uint8_t { time, cost, energy, memory, devices };

std::string_view name_of(Objective objective);
std::optional<Objective> objective_of(std::string_view name);

/// In base units; infinity where the figure is not known.
double value_of(const PlanFigures& figures, Objective objective);

/// What one step of a plan may take at most.
struct SearchLimits {
  std::optional<Seconds> time;
  std::optional<Bytes> memory;  ///< of the fullest rank
  std::optional<Joules> energy;
  std::optional<Dollars> cost;
  std::optional<std::int64_t> devices;

  /// Whether some figure is above its limit, or limited and not known.
  bool exceeded_by(const PlanFigures& figures) const;
};

struct SearchGoal {
  Objective objective = Objective::time;
  SearchLimits limits;
  std::size_t top = 10;               ///< plans that are kept, at least 1
  std::optional<Objective> tradeoff;  ///< also the Pareto front of the objective and this
};

/// An engine as search knows it: functions. `evaluate` and `bound` are asked of legal plans only;
/// every figure of `bound` is at or below that of `evaluate`, memory and fit are equal.
struct SearchEngine {
  std::function<bool(const Plan&)> legal;
  std::function<PlanFigures(const Plan&)> bound;
  std::function<PlanFigures(const Plan&)> evaluate;
};

/// Makes an engine for the thread that calls it.
using EngineMaker = std::function<SearchEngine()>;

}  // namespace fastpath
