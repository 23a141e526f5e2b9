/// Work and communication cut into steps that overlap: ring attention, and tensor-parallel
/// collectives under their matmuls.
#pragma once

#include <vector>

#include "lower/task_list.h"

namespace fastpath {

/// Keys and values that go round a ring of ranks.
struct Ring {
  Group group;    ///< all ranks of the ring
  Bytes payload;  ///< what a rank passes on in a step
  Bytes queries;  ///< of the attention's traffic, what each step reads again
};

/// Of an attention whose keys and values go round the context ranks.
Ring ring_of(const Splitting& splitting, const Block& block, const Op& op, const Layout& split);

/// Attention in as many equal steps as ranks: each runs on the share of keys and values at hand
/// while the next share arrives (arXiv 2310.01889, section 3). Causal masks are balanced by giving
/// each rank an early and a late piece of the sequence (arXiv 2311.09431). Returns the last step.
std::uint32_t add_ring_attention(TaskList& list, Task attention, const Ring& ring);

/// Replaces gathers over tensor ranks, and reductions into their shares, by as many exchanges
/// between neighbours as there are other ranks, and cuts the matmul that reads the one or writes
/// the other into as many pieces, so that each exchange but one runs under a piece
/// (doi:10.1145/3567955.3567959, section 4). Other readers of a gathered tensor wait for all of it.
std::vector<Task> tile_tensor_collectives(std::vector<Task> tasks);

}  // namespace fastpath
