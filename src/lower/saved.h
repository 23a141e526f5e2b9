/// What a block keeps from its forward for its backward.
#pragma once

#include <vector>

#include "fastpath/plan.h"
#include "fastpath/program.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Whether the backward of an operator reads the gradient only, not the forward's operands.
bool forgets_inputs(const Op& op);

/// Activations that the backward reads, by tensor.
std::vector<bool> saved_tensors(const Block& block);

/// What an operator keeps besides its inputs and output. Attention: a log-sum-exp per row where it
/// is fused, else the probabilities, and with dropout their mask and the dropped ones besides.
/// Dropout: a mask of one byte per element (arXiv 2205.05198, section 4.1).
Bytes saved_besides(const Plan& plan, const Block& block, const Op& op, const OpShape& shape);

}  // namespace fastpath
