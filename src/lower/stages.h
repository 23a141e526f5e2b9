/// Which blocks each pipeline stage runs.
#pragma once

#include <vector>

#include "fastpath/program.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Contiguous runs of blocks, one list a stage; StageBlock::program is the block's index.
///
/// Layers (blocks that repeat) are shared out evenly, earlier stages taking the remainder; edges
/// such as the embedding and the head go with their neighbour. Without layers the blocks are cut
/// where the largest stage's work is least. Idle and draft weights lie where they stand in order.
/// Valid for 1 <= stages <= layers (or blocks).
std::vector<std::vector<StageBlock>> share_out(const Workload& workload, std::int64_t stages);

}  // namespace fastpath
