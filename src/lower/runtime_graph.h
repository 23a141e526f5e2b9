/// The graph that an inference runtime executes, from the one that the model states.
#pragma once

#include <cstddef>
#include <string_view>

#include "fastpath/workload.h"

namespace fastpath {

/// OpAttributes::function of convolutions that copy their windows to a matrix.
inline constexpr std::string_view kIm2col = "im2col";

struct RuntimeGraph {
  Workload workload;
  std::size_t fused = 0;     ///< operators that run inside a convolution or matmul
  std::size_t reorders = 0;  ///< changes of layout that the runtime inserts
};

/// What ONNX Runtime makes of an inference workload on a CPU (docs/performance/model-optimizations
/// and core/optimizer/nchwc_transformer.cc there), block by block:
///
/// - A batch norm, and a product or sum with one constant a channel, behind a convolution are
/// folded
///   into its weights; a sum with a constant behind a matmul of two axes becomes its bias.
/// - A layer norm that is spelt out in parts becomes one operator, as does x times sigmoid(x).
/// - An activation behind a convolution, and a sum with an equally large tensor, run inside it.
/// - Convolutions run in a layout of blocks of 16 channels where their channels allow it. Pools,
///   sums and products of equally large tensors, activations and concatenations of whole blocks
///   keep that layout; a batch norm, or a product with one constant a channel, becomes a
///   convolution of each channel by itself there. Other convolutions (along one axis, of channels
///   that fill no blocks) copy their windows to a matrix (kIm2col).
/// - A tensor that leaves or enters that layout is reordered, once each way.
///
/// Forward and prefill only: other phases come back as they are.
RuntimeGraph as_runtime_executes(const Workload& workload);

}  // namespace fastpath
