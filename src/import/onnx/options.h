/// What a user chooses about an ONNX model.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fastpath/workload.h"

namespace fastpath {

struct OnnxOptions {
  /// Sizes of dynamic dimensions by name (`--dim name=value`). An input's axis that the file leaves
  /// unnamed is called `<input>.<axis>`, for example "images.0".
  std::vector<std::pair<std::string, std::int64_t>> dims;
  Phase phase = Phase::forward;  ///< forward or training
  /// As a runtime on the host executes it: all operators in one block, none folded into repeats,
  /// with views, arithmetic on shapes, branches and the call (OpKind::host, branch, call).
  bool as_executed = false;
};

}  // namespace fastpath
