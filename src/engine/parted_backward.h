/// The two halves of a block's backward, for schedules that part it.
#pragma once

#include <vector>

#include "fastpath/program.h"

#include "engine/schedule.h"

namespace fastpath {

/// The tasks of a pass, with `after` counted within it. The weight half has the gradients of
/// weights and the collectives that nothing else waits for; the input half the rest, recomputation
/// first.
std::vector<Task> tasks_of(const BlockProgram& program, SlotPass pass);

/// What the weight half reads: of each contraction, its input (once where several share it; as
/// kept, where the weight half gathers it again) and its output's gradient.
Bytes kept_for_weights(const Block& block, const BlockProgram& program);

}  // namespace fastpath
