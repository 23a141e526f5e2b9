/// Calibrating a measured runtime on models that it runs.
#pragma once

#include <span>

#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/verb.h"

namespace fastpath::cli {

/// --on, --apart-from, --dim, --input, --seed, --runtime.
std::span<const Flag> runtime_calibration_flags();

/// Runs the operands (ONNX models), adds their operators to the points of the runtime of --on, and
/// writes that system to --output.
int run_runtime_calibration(Session& session, const Arguments& arguments);

}  // namespace fastpath::cli
