/// A run beside what a measured system says of it.
#pragma once

#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/result.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "ir/runtime_profile.h"
#include "measure/model_run.h"

namespace fastpath::cli {

struct MeasuredRun {
  ModelRun run;
  int threads = 1;
  std::vector<RuntimeOperator> operators;
};

/// Adds predicted against measured, as a whole and by operator, to `findings`. `dims`: sizes of
/// dynamic dimensions. Errors: those of the model and the system; a system without a runtime.
Result<void> add_prediction(const Session& session, const Arguments& arguments,
                            const std::vector<std::pair<std::string, std::int64_t>>& dims,
                            const MeasuredRun& measured, Findings& findings);

}  // namespace fastpath::cli
