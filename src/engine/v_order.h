/// The order of ZB-V, listed in equal times.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/schedule.h"

namespace fastpath {

/// [rank][position] for `ranks` >= 1. It runs to its end: the oldest micro-batch that is not
/// finished can always go on, since those that fill a chunk's limit are older than what waits for
/// it, and each limit is at least one.
std::vector<std::vector<Slot>> v_order(std::int64_t ranks, std::int64_t micro_batches);

}  // namespace fastpath
