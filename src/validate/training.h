/// Predicted training steps beside published ones, and the frameworks' factors fitted on them.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fastpath/framework.h"

#include "ir/training_run.h"
#include "validate/intervals.h"
#include "validate/plan_choice.h"
#include "validate/score.h"

namespace fastpath {

/// A run on its system at its size. The system has no framework: it is what is fitted.
struct TrainingCase {
  TrainingRun run;
  System system;
};

/// Factors of Framework that are fitted, on a logarithmic scale.
enum class FrameworkParameter : std::uint8_t {
  contraction,
  memory,
  network,
  experts,
  quantise,
  launch,
  step,
};
inline constexpr std::size_t kFrameworkParameters = 7;
using FrameworkValues = std::array<double, kFrameworkParameters>;

/// Range and prior of a parameter.
struct FrameworkParameterInfo {
  std::string_view name;
  std::string_view unit;  ///< "s" or "" (a pure number)
  double low = 0;
  double high = 0;
  double value = 0;   ///< where nothing is known
  double spread = 0;  ///< of the logarithm, before any measurement
};
const FrameworkParameterInfo& info(FrameworkParameter parameter);

/// A group of runs and what was fitted to them.
struct FrameworkNode {
  FrameworkValues values{};
  double spread = 0;  ///< median |log(measured / predicted)|
  std::size_t rows = 0;
};

/// Parameters by software stack and generation of devices, in that order; each level is fitted with
/// the one before as its prior, the first with FrameworkParameterInfo.
///
/// Fit: minimum of sum of sqrt(1 + (r / noise)^2) over residuals r = log(predicted / measured),
/// plus squared distances of the parameters' logarithms from the prior over its spread, by
/// Levenberg-Marquardt with derivatives from predictions.
class FrameworkCalibration {
 public:
  explicit FrameworkCalibration(std::span<const TrainingCase* const> cases);

  /// Of the most specific fitted group that the case belongs to.
  const FrameworkNode& node(const TrainingCase& one) const;
  /// Named "", "stack", "stack/generation".
  const std::map<std::string, FrameworkNode, std::less<>>& nodes() const { return nodes_; }

 private:
  std::map<std::string, FrameworkNode, std::less<>> nodes_;
};

Framework framework_of(std::string id, const FrameworkNode& node);

/// The step under a framework's parameters; nothing if the plan is not legal on the system.
Result<Seconds> predicted_step(const TrainingCase& one, const FrameworkValues& values);

/// What a prediction has not seen.
enum class TrainingFolding : std::uint8_t {
  configurations,  ///< ten folds; equal configurations and repeats stay together
  sources,         ///< all rows of a publisher
};
std::string_view name_of(TrainingFolding folding);

struct TrainingValidation {
  std::vector<ScoredRow> rows;
  std::vector<std::size_t> cases;  ///< by row: index in the input
  /// Of rows that a fit had not seen, by the name of a FrameworkNode.
  std::map<std::string, Interval, std::less<>> intervals;
};

/// The rows as alternatives for the same work: one model, size of step, number of devices of a
/// system, software and number format.
std::vector<MeasuredPlan> measured_plans(const TrainingValidation& validation,
                                         std::span<const TrainingCase> cases);

TrainingValidation validate_training(std::span<const TrainingCase> cases, TrainingFolding folding,
                                     const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace fastpath
