/// The forward tasks of a block, and the state that its backward starts from.
#pragma once

#include <vector>

#include "lower/context.h"
#include "lower/task_list.h"

namespace fastpath {

struct ForwardState {
  explicit ForwardState(const Splitting& splitting) : list(splitting, Pass::forward) {}

  TaskList list;
  std::vector<Layout> op_split;  ///< by op
  std::vector<Copies> copies;    ///< by tensor
  std::vector<Layout> home;      ///< by tensor: where it is kept after the block
  std::vector<OpShape> shapes;   ///< by op, forward
  std::vector<bool> consumed;    ///< by tensor: read by an operator of the block
  std::vector<bool> produced;    ///< by tensor: written by an operator of the block
};

ForwardState lower_forward(const LoweringContext& context, const Block& block,
                           const std::vector<OpDims>& op_dims);

}  // namespace fastpath
