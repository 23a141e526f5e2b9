/// Lowers one block for one rank: forward, the backward derived from it, and memory.
#pragma once

#include <vector>

#include "lower/splitting.h"
#include "lower/task_list.h"

namespace fastpath {

/// What lowering a block depends on, besides the block.
struct LoweringContext {
  const Splitting& splitting;
  bool training = false;
  bool first_block = false;  ///< its inputs need no gradient
};

BlockProgram lower_block(const LoweringContext& context, std::uint32_t block_index,
                         const std::vector<OpDims>& op_dims);

/// Format in which an operator's engine computes: the plan's, else what its operands imply.
/// Weight-only formats (int4, mxfp4) compute in the activation's format.
NumberFormat compute_format_of(const Plan& plan, const Block& block, const Op& op);

}  // namespace fastpath
