/// The kernels of ONNX Runtime on this machine.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "fastpath/findings.h"
#include "fastpath/framework.h"

#include "measure/onnx_runtime.h"

namespace fastpath::cli {

/// Called by a measurement.
struct MeasuringSteps {
  std::function<void(std::string_view)> tell;  ///< what is measured next
  std::function<void()> pause;                 ///< some six times, while nothing runs
};

/// Runs single operators of sizes on a grid, under the runtime's profiler. Errors: the runtime's
/// own words.
Result<Runtime> measure_runtime(const OnnxRuntime& library, int threads, bool quick,
                                const MeasuringSteps& steps);

/// Kernels with the rates that they reach, best and median.
Table runtime_table(const Runtime& runtime);

}  // namespace fastpath::cli
