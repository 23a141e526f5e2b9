/// A prediction as tables: how long, why, and what would help.
#pragma once

#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/plan.h"
#include "fastpath/prediction.h"
#include "fastpath/system.h"
#include "fastpath/workload.h"

namespace fastpath {

/// A prediction with what it is about. Holds references: for a call only.
struct PredictedCase {
  const Prediction& prediction;
  const Workload& workload;
  const System& system;
  const Plan& plan;
  std::string plan_text;  ///< in the field's words
};

struct ExplainOptions {
  std::size_t top = 10;  ///< rows of the longest operators, and of collectives
};

/// Tables `summary`, `memory_shortage` (only if it does not fit), `time_by_bound`, `operators`,
/// `collectives`, `memory`, `elasticities` (the last but memory where the prediction has them);
/// assumptions as notes.
Findings explain_prediction(const PredictedCase& predicted, const ExplainOptions& options = {});

/// Table `summary` of several predictions, a row each under its label, with ratios to the first.
Table summary_of(const std::vector<PredictedCase>& cases, const std::vector<std::string>& labels);

/// Tables `summary` and `difference` (where the time of the second and further cases went, by
/// bound: the differences add up to that of the step).
Findings compare_predictions(const std::vector<PredictedCase>& cases,
                             const std::vector<std::string>& labels);

/// What the user can change so that a plan which does not fit does, the largest class first.
std::vector<std::string> ways_to_save_memory(const MemoryByClass& memory, const Plan& plan,
                                             Phase phase);

/// "a training step", "one decode step", ...
std::string_view words_for(Phase phase);

}  // namespace fastpath
