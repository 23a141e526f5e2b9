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

}  // namespace fastpath
