/// Models on a system whose runtime was measured.
#pragma once

#include <string_view>

#include "fastpath/result.h"
#include "fastpath/workload.h"

#include "analyze/runtime_difference.h"
#include "cli/scenario.h"

namespace fastpath::cli {

/// The scenario of the system that --`flag` names. Errors: those of scenario_from; a system without
/// a runtime.
Result<Scenario> runtime_scenario(const Sources& sources, const Question& question,
                                  const Arguments& arguments, std::string_view flag);

/// An operator with the tensor that it writes, its time left open.
PredictedOperator predicted_operator(const Block& block, const Op& op);

}  // namespace fastpath::cli
