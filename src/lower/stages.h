/// Which blocks each pipeline stage runs, and which pipeline rank holds it.
#pragma once

#include <compare>
#include <vector>

#include "fastpath/program.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Stages that a pipeline rank holds.
std::int64_t chunks_of(const Plan& plan);

/// Stages that a micro-batch passes on its way through the model. A plan has pp x chunks stages:
/// one such chain, but for DualPipe, where stages p .. 2p-1 are the copy that micro-batches from
/// the other end pass.
std::int64_t chain_of(const Plan& plan);

/// The pipeline rank that holds `stage`, 0-based, below pp x chunks.
std::int64_t rank_of_stage(const Plan& plan, std::int64_t stage);

/// The stage that `rank` holds as its chunk `chunk`, 0-based.
std::int64_t stage_of(const Plan& plan, std::int64_t rank, std::int64_t chunk);

/// What the share of each stage depends on.
struct StageKey {
  std::int64_t chain = 1;
  std::int64_t stages = 1;
  int first_layers = 0;
  int last_layers = 0;
  bool ends_are_layers = false;

  friend auto operator<=>(const StageKey&, const StageKey&) = default;
};

StageKey stage_key(const Plan& plan);

/// Contiguous runs of blocks, one list a stage; StageBlock::program is the block's index.
///
/// Layers (blocks that repeat) are shared out evenly, earlier stages taking the remainder; edges
/// such as the embedding and the head go with their neighbour. Without layers the blocks are cut
/// where the largest stage's work is least. Idle and draft weights lie where they stand in order.
/// Valid for a legal plan.
std::vector<std::vector<StageBlock>> share_out(const Workload& workload, const Plan& plan);

}  // namespace fastpath
