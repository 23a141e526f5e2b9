/// Whether predictions choose well among measured plans of the same work.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// A plan that was measured: the work it did, its own words, both times of a step.
struct MeasuredPlan {
  std::string work;  ///< rows with the same are alternatives
  std::string plan;
  Seconds predicted;
  Seconds measured;
};

/// Regret: how much longer a chosen plan takes, as measured, than the best measured one; 0.1 = 10
/// %.
struct PlanChoice {
  std::size_t works = 0;  ///< with at least `least` different plans
  std::size_t plans = 0;  ///< of these
  double median_correlation = 0;
  double mean_regret = 0;    ///< of the plan that is predicted best
  double regret_of_90 = 0;   ///< which 90 % of the works stay below
  double random_regret = 0;  ///< mean, of a plan drawn at random
};

/// Repeats of a plan count once, by their median. Works with fewer than `least` plans are left out.
PlanChoice plan_choice(std::span<const MeasuredPlan> plans, std::size_t least = 4);

/// Spearman's rank correlation; equal values share their mean rank. 0 where one side is constant.
/// `a` and `b` are parallel.
double rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace fastpath
