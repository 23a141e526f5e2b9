/// ONNX files as workloads.
#pragma once

#include <string_view>

#include "fastpath/result.h"
#include "fastpath/workload.h"

#include "import/onnx/options.h"

namespace fastpath {

/// Reads the bytes of an ONNX model; `file` names it in messages. Weights are not needed: a missing
/// external data file is fine. Errors: not a model, damaged, a dynamic dimension without a size, an
/// operator without known shape, a cycle, more than the limits of import/onnx/limits.h.
/// Warnings tell every assumption (branch taken, trip count, upper bounds, opaque operators).
Result<Imported<Workload>> read_onnx(std::string_view bytes, std::string_view file,
                                     const OnnxOptions& options = {});

}  // namespace fastpath
