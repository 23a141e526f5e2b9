/// The backward of a block, derived from its forward by the same rule of layouts.
#pragma once

#include <vector>

#include "lower/forward.h"

namespace fastpath {

/// Appends the backward tasks to a list. Gradients of the block's outputs arrive, and those of its
/// inputs leave, in the layouts in which the activations crossed.
void lower_backward(const LoweringContext& context, const Block& block,
                    const std::vector<OpDims>& op_dims, const ForwardState& forward,
                    TaskList& list);

/// Activations that the backward reads, by tensor.
std::vector<bool> saved_tensors(const Block& block);

/// What attention keeps besides its inputs and output: a log-sum-exp per row where it is fused, the
/// probabilities where it is not.
Bytes saved_by_attention(const Plan& plan, const Op& op, const OpShape& shape);

}  // namespace fastpath
