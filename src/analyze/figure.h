/// What stands behind one printed figure: its formula, the inputs and where they are from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/result.h"

#include "analyze/prediction_findings.h"

namespace fastpath {

/// One term: a figure of the formula above it, with its own formula or its source.
struct ExplainedTerm {
  std::string name;
  double value = 0;
  Unit unit = Unit::none;
  std::string formula;  ///< of this term; empty for an input
  std::string from;     ///< of an input that has no source: "plan"
  Source source;        ///< of an input
  int depth = 0;        ///< 0 = the figure itself; its inputs have 1, theirs 2
};

/// Names of all figures that `explain_figure` knows for this prediction: "step", "mfu", "energy",
/// "cost", "bound.NAME", "memory.CLASS", "operator:BLOCK/OP".
std::vector<std::string> figure_names(const Prediction& prediction);

/// The terms behind `figure`, the figure first. The prediction must hold operators for
/// "operator:". Fails for an unknown name with the nearest, and for a figure that this prediction
/// does not have.
Result<std::vector<ExplainedTerm>> explain_figure(const PredictedCase& predicted,
                                                  std::string_view figure);

/// Tables `terms` (a row per term, indented by depth, each value in its own unit and as text),
/// `values` (the same, exact) and `sources`, to which both refer.
Findings findings_of(std::string_view figure, const std::vector<ExplainedTerm>& terms);

}  // namespace fastpath
