/// ONNX files as workloads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/workload.h"

namespace fastpath {

struct OnnxOptions {
  /// Sizes of dynamic dimensions by name (`--dim name=value`). An input's axis that the file leaves
  /// unnamed is called `<input>.<axis>`, for example "images.0".
  std::vector<std::pair<std::string, std::int64_t>> dims;
  Phase phase = Phase::forward;  ///< forward or training
};

/// Reads the bytes of an ONNX model; `file` names it in messages. Weights are not needed: a missing
/// external data file is fine. Errors: not a model, damaged, a dynamic dimension without a size, an
/// operator without known shape, a cycle, more than the limits of import/onnx/limits.h.
/// Warnings tell every assumption (branch taken, trip count, upper bounds, opaque operators).
Result<Imported<Workload>> read_onnx(std::string_view bytes, std::string_view file,
                                     const OnnxOptions& options = {});

}  // namespace fastpath
