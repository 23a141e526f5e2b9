/// What a search asks of an engine, many times: is a plan legal, how good can it be at best, how
/// good is it. The figures are those of `predict`, by the same code, without its breakdown.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "fastpath/fastpath.h"

namespace fastpath {

/// The figures by which plans are ranked.
struct PlanFigures {
  Seconds step;
  Bytes memory;                  ///< of the fullest rank
  std::optional<Joules> energy;  ///< of one step; none without power
  std::optional<Dollars> cost;   ///< of one step; none without a price
  std::int64_t devices = 1;
  bool fits = true;

  friend bool operator==(const PlanFigures&, const PlanFigures&) = default;
};

/// Evaluates many plans of one workload on one system. Not thread-safe: one a thread.
class PlanEvaluator {
 public:
  PlanEvaluator(Workload workload, System system);
  ~PlanEvaluator();
  PlanEvaluator(PlanEvaluator&&) noexcept;
  PlanEvaluator& operator=(PlanEvaluator&&) noexcept;

  /// Empty if the plan can be predicted; else what `predict` would say.
  Diagnostics mistakes(const Plan& plan) const;

  /// Of a legal plan: step, energy and cost at or below what `evaluate` gives; memory, devices and
  /// `fits` equal to it. A plan that does not fit has no bounds of time: its step is 0.
  ///
  /// The step is at least, for every pipeline rank, the forwards that fill the pipeline before it,
  /// all of its passes, its exposed reduction and its update; and for the first rank also the
  /// passes of any later one between the filling before it and the backwards that drain it.
  PlanFigures bound(const Plan& plan);

  /// Of a legal plan: equal to the figures of `predict`.
  PlanFigures evaluate(const Plan& plan);

 private:
  PlanFigures memory_figures(const Plan& plan);
  void set_step(Seconds step, PlanFigures& figures) const;
  void forget_what_is_old();

  std::unique_ptr<Predictor::State> state_;
};

}  // namespace fastpath
