/// Program: what each role (a pipeline stage) executes, after splitting and with the collectives
/// that the splits need. Equal blocks are lowered once; equal ranks share one program.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/workload.h"

namespace fastpath {

enum class Collective : std::uint8_t {
  none,
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  send_recv,
  broadcast,
  reduce,
};

/// Between a device's main memory and its host's.
enum class HostCopy : std::uint8_t { none, to_host, from_host };

/// Ranks that communicate: `size` ranks, `stride` apart in the order of the plan's mesh.
struct Group {
  std::int64_t size = 1;
  std::int64_t stride = 1;

  friend bool operator==(const Group&, const Group&) = default;
};

/// The backward of an operator is apart for its inputs and its weights, since schedules may part
/// them.
enum class Pass : std::uint8_t { forward, recompute, backward_input, backward_weight, update };

/// What one rank does for one operator: all that a cost function may ask.
/// A matmul is `batch` products of m x k with k x n.
struct OpShape {
  OpKind kind = OpKind::elementwise;
  NumberFormat compute_format = NumberFormat::bf16;
  Flops work;
  Bytes read;  ///< activations, caches and weights, each tensor once
  Bytes write;
  Bytes weights;  ///< the part of `read` that is weights
  double m = 0;
  double n = 0;
  double k = 0;
  double batch = 1;
  double group = 1;       ///< attention: query heads of a key and value head; convolution: groups
  double steps = 1;       ///< `work` is done in that many equal steps, one after the other
  bool winograd = false;  ///< convolution: 3 x 3, stride 1
  bool im2col = false;    ///< convolution: its windows are copied to a matrix first
  Bytes summed;           ///< convolution: of `read`, what is added to its result
  bool division = false;  ///< elementwise: a quotient or a root, which vector units take cycles for
  double launches = 1;    ///< kernels
  bool fused = false;     ///< runs inside its producer's kernel: no launch, no traffic of its own
};

/// Task::op of what belongs to no operator: gathering a block's weights, reducing its gradients.
inline constexpr std::uint32_t kWholeBlock = 0xffffffff;

/// A local operator, a collective over `group`, or a copy of `payload` between device and host.
struct Task {
  std::uint32_t op = 0;  ///< index in the block's ops: names the task
  Pass pass = Pass::forward;
  Collective collective = Collective::none;
  MeshAxis axis = MeshAxis::tensor;  ///< of the collective
  Group group;                       ///< of the collective
  Bytes payload;  ///< a copy: its bytes. all_reduce, broadcast, reduce: the tensor; all_gather,
                  ///< reduce_scatter: the whole, gathered tensor; all_to_all: what one rank holds;
                  ///< send_recv: the message
  OpShape shape;
  /// Ranks that do the very same work: whole-model totals count 1/replication of this task.
  double replication = 1;
  std::vector<std::uint32_t> after;  ///< earlier tasks of the list that must have ended
  HostCopy copy = HostCopy::none;
};

/// Per-rank memory of one block, for one micro-batch where it holds activations.
struct BlockMemory {
  Bytes weights;                 ///< weights and constants as stored for computing, not sharded
  double parameters = 0;         ///< trained elements on this rank, without those of experts
  double expert_parameters = 0;  ///< trained elements that are split over the expert axis
  /// Of `parameters`, those whose gradient is partial over tensor ranks: norm scales where sequence
  /// parallelism splits the tokens they see.
  double tensor_partial_parameters = 0;
  double distinct_parameters = 0;  ///< all trained elements, each over the ranks that hold a copy
  Bytes tied_weights;              ///< of `weights`, those that another block of the model owns
  Bytes expert_weights;            ///< of `weights`, those that are split over the expert axis
  Bytes trained_weights;           ///< of `weights`, those of `parameters`
  Bytes trained_expert_weights;    ///< of `weights`, those of `expert_parameters`
  /// Of `expert_parameters` and `trained_expert_weights`, those of tables that are dealt out, whose
  /// rows are updated in the backward.
  double table_parameters = 0;
  Bytes table_weights;
  /// Of `parameters` and `expert_parameters`, those of matrices between hidden dimensions, which
  /// muon orthogonalises; their number, and the work of it.
  double matrix_parameters = 0;
  double expert_matrix_parameters = 0;
  double matrices = 0;
  Flops orthogonalisation;
  Bytes saved;      ///< activations kept from forward to backward
  Bytes working;    ///< largest live set while the block runs, besides `saved`
  Bytes boundary;   ///< the block's activation inputs
  Bytes cache;      ///< keys, values and states, of one micro-batch
  Bytes offloaded;  ///< activations kept in the host's memory instead of `saved`
};

/// One block on one rank. Tasks run on lanes: operators on one, collectives on another, copies to
/// and from the host on one each.
struct BlockProgram {
  std::uint32_t block = 0;
  std::vector<Task> forward;
  std::vector<Task> backward;  ///< recomputation included, first
  /// ZeRO-3: gathers of sharded weights before the forward, and again before the backward unless
  /// the gathered weights are kept. They run ahead, under the `prefetch` blocks before.
  std::vector<Task> gathers;
  std::vector<Task> regathers;
  /// ZeRO-2 and 3: reductions of the block's gradients into shards after its backward. They run on
  /// under the next blocks.
  std::vector<Task> scatters;
  BlockMemory memory;
};

/// A run of equal blocks on a stage.
struct StageBlock {
  std::uint32_t program = 0;  ///< index in Program::blocks
  std::int64_t repeat = 1;
  SegmentUse use = SegmentUse::executed;
};

/// One virtual stage. With `p` ranks in pipeline, stage `s` runs on pipeline rank s mod p; under
/// zb_v and dualpipe stage s >= p runs on rank 2p - 1 - s. Under dualpipe stages p .. 2p - 1 are a
/// copy of the first p, for the micro-batches that enter at the last rank.
struct Stage {
  std::vector<StageBlock> blocks;
  Bytes send;                ///< activations to the next stage per micro-batch, 0 at the last
  std::vector<Task> update;  ///< after the last micro-batch: gradient reduction, optimizer, gather
};

/// A Workload under a Plan: the same for every System with enough devices.
struct Program {
  std::string workload;
  Phase phase = Phase::forward;
  Plan plan;
  std::int64_t micro_batches = 1;
  std::int64_t local_batch = 1;                    ///< rows of `batch` per data rank and step
  std::vector<BlockProgram> blocks;                ///< distinct blocks
  std::vector<std::string> block_names;            ///< parallel to `blocks`
  std::vector<std::vector<std::string>> op_names;  ///< [block][op]
  std::vector<Stage> stages;                       ///< pipeline_parallel x chunks per rank
  std::array<Group, kMeshAxes> groups;             ///< by MeshAxis
};

}  // namespace fastpath
