/// Lowers one block for one rank: forward, the backward derived from it, and memory.
#pragma once

#include <vector>

#include "lower/context.h"

namespace fastpath {

BlockProgram lower_block(const LoweringContext& context, std::uint32_t block_index,
                         const std::vector<OpDims>& op_dims);

}  // namespace fastpath
