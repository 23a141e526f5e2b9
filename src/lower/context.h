/// What lowering a block depends on, besides the block.
#pragma once

#include "lower/splitting.h"

namespace fastpath {

struct LoweringContext {
  const Splitting& splitting;
  bool training = false;
  bool first_block = false;  ///< its inputs need no gradient
};

/// Format in which an operator's engine computes: the plan's, else what its operands imply.
/// Weight-only formats (int4, mxfp4) compute in the activation's format.
NumberFormat compute_format_of(const Plan& plan, const Block& block, const Op& op);

/// Whether an operator multiplies in its input's format weights that are stored in a narrower one.
bool widens_weights(const Plan& plan, const Block& block, const Op& op);

/// The task that writes the weights of `product` in the format of its input; `product` then reads
/// these.
Task widening(const Splitting& splitting, const Block& block, const Op& op, Task& product);

}  // namespace fastpath
