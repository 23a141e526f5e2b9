/// Operators that a graph spells out in parts.
#pragma once

#include <cstddef>

#include "fastpath/workload.h"

namespace fastpath {

struct SpelledOut {
  Block block;
  std::size_t fused = 0;  ///< operators that became part of another
};

/// mean, subtraction, square, mean, sum with epsilon, root, quotient, scale and bias become one
/// layer norm, named by the scale; x times sigmoid(x) becomes one map, named by the product. Where
/// nothing else reads what is between (ONNX Runtime: LayerNormFusion, QuickGeluFusion).
SpelledOut with_spelled_out(const Block& block);

}  // namespace fastpath
