/// Types and shapes of a node's outputs: by the library's rule for the operator, or by ours where
/// the library is older than the operator or does not know its domain.
#pragma once

#include <vector>

#include "import/onnx/inference.h"

namespace fastpath::onnx_import {

/// Sizes that data decides, at most (NonZero, NonMaxSuppression, Unique, Compress, TopK): fills
/// unknown sizes of `outputs`. False where the operator has no bound.
bool apply_upper_bound(const ShapeCall& call, std::vector<TypeAndShape>& outputs);

}  // namespace fastpath::onnx_import
