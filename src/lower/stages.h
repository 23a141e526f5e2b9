/// Which blocks each pipeline stage runs.
#pragma once

#include <compare>
#include <vector>

#include "fastpath/program.h"
#include "fastpath/workload.h"

#include "lower/legality.h"
#include "lower/pipeline.h"

namespace fastpath {

/// What the share of each stage depends on.
struct StageKey {
  std::int64_t chain = 1;
  std::int64_t stages = 1;
  int first_layers = 0;
  int last_layers = 0;
  bool ends_are_layers = false;
  int recompute_layers = 0;

  friend auto operator<=>(const StageKey&, const StageKey&) = default;
};

StageKey stage_key(const Plan& plan);

/// Contiguous runs of blocks, one list a stage. StageBlock::program is the block's index; where
/// only the first layers of a stage are recomputed, that plus the number of blocks for the others.
///
/// Layers (blocks that repeat) are shared out evenly, earlier stages taking the remainder, but for
/// stages whose layers the plan gives; the embedding and what else stands before the layers goes to
/// the first stage, the head to the last. Without layers the blocks are cut where the largest
/// stage's work is least. Idle and draft weights lie where they stand in order. Valid for a legal
/// plan.
std::vector<std::vector<StageBlock>> share_out(const Workload& workload, const Limits& limits,
                                               const Plan& plan);

}  // namespace fastpath
