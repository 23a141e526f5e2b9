/// The stages of a plan's pipeline and the ranks that hold them.
#pragma once

#include <cstdint>

#include "fastpath/plan.h"

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

/// Whether some layers of each stage are recomputed and the others not.
inline bool recomputes_part(const Plan& plan) {
  return plan.recompute == Recompute::full && plan.recompute_layers > 0;
}

}  // namespace fastpath
