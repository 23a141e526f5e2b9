/// What ZeRO's gathers and reductions add to passes: their waiting, by a recurrence.
#pragma once

#include <cstdint>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// A run of equal blocks' passes: weights are gathered before each, gradients reduced after.
struct ShardedPass {
  Seconds gather;
  Seconds compute;
  Seconds scatter;
  std::int64_t repeat = 1;
};

/// How much longer the passes take than their compute. Gathers and reductions share a lane, in
/// order; the gather of a block is issued when the pass `prefetch` blocks before it starts (0: when
/// the block itself is due), its reduction when its own pass ends. The first gather and the last
/// reduction have nothing to hide under.
Seconds exposed_sharding(const std::vector<ShardedPass>& passes, int prefetch);

}  // namespace fastpath
