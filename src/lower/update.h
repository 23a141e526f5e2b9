/// What follows the last micro-batch: gradients are reduced, the optimizer steps, updated weights
/// are gathered.
#pragma once

#include <vector>

#include "fastpath/program.h"

#include "lower/mesh.h"

namespace fastpath {

/// Tasks for a stage whose blocks' memory sums to `memory`.
std::vector<Task> update_tasks(const Plan& plan, const BlockMemory& memory);

/// The reductions of the gradients of one or more blocks that are still due after the backward of
/// the last micro-batch, over the ranks that hold the parameters.
///
/// Replicated gradients are all-reduced. ZeRO-1 reduces them into shards; ZeRO-2 and 3 have done so
/// after each micro-batch (BlockProgram::scatters). Where several groups of ranks hold a copy each,
/// the shards are all-reduced across them (arXiv 2304.11277, section 3.2.2).
std::vector<Task> reduction_tasks(const Plan& plan, const Mesh& mesh, const BlockMemory& memory);

/// ZeRO-1 and 2: gathers of the updated weights of one or more blocks. ZeRO-3 gathers before use.
std::vector<Task> gather_tasks(const Plan& plan, const Mesh& mesh, const BlockMemory& memory);

/// Reads the gradients and the state of so many elements, writes their state and weights.
OpShape elementwise_update(double elements, Bytes gradients, Bytes state, Bytes weights);

/// Optimizer state of `elements` of tables that are stored in `each` bytes; they are no matrices to
/// Muon.
Bytes table_state(const Plan& plan, double elements, Bytes each);

/// Trained elements whose optimizer state this rank keeps.
double owned_parameters(const Plan& plan, const Mesh& mesh, const BlockMemory& memory);

/// Optimizer state of this rank: moments, and the fp32 copy of weights that are stored in fewer
/// bits.
///
/// Adam keeps two moments in fp32; its 8-bit form one byte each and an fp32 scale for each 2,048
/// (arXiv 2110.02861, section 2.1); Muon one momentum of matrices and Adam's moments of the rest
/// (arXiv 2502.16982, section 2.1).
Bytes optimizer_state(const Plan& plan, const Mesh& mesh, const BlockMemory& memory);

}  // namespace fastpath
