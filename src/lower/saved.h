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

/// Whether `recompute=operators` keeps what an operator writes: attention, and of the products the
/// first, third, ... (torchtitan, torchtitan/distributed/activation_checkpoint.py, read
/// 2026-11-25).
std::vector<bool> kept_operators(const Block& block);

/// Those of `saved_tensors` that stay in memory from forward to backward. A compiler runs maps and
/// norms again in the backward rather than keep what they write, as long as their own inputs are
/// kept (PyTorch's min-cut partitioner, arXiv 2207.11848 describes the idea).
std::vector<bool> kept_tensors(const Plan& plan, const Block& block);

/// What an operator keeps besides its inputs and output. Attention: a log-sum-exp per row where it
/// is fused, else the probabilities, and with dropout their mask and the dropped ones besides.
/// Dropout: a mask of one byte per element (arXiv 2205.05198, section 4.1).
Bytes saved_besides(const Plan& plan, const Block& block, const Op& op, const OpShape& shape);

}  // namespace fastpath
