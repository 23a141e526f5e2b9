/// Layer norms that a graph spells out in parts.
#pragma once

#include <cstddef>

#include "fastpath/workload.h"

namespace fastpath {

struct LayerNorms {
  Block block;
  std::size_t fused = 0;  ///< operators that became part of another
};

/// mean, subtraction, square, mean, sum with epsilon, root, quotient, scale and bias become one
/// layer norm, where nothing else reads what is between (ONNX Runtime: LayerNormFusion).
LayerNorms with_layer_norms(const Block& block);

}  // namespace fastpath
