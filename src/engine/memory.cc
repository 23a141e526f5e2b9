#include <algorithm>

#include "engine/state.h"
#include "lower/pipeline.h"
#include "model/memory_overhead.h"

namespace fastpath {
namespace {

/// The largest of a figure over a stage's blocks.
template <class Figure>
Bytes largest(const std::vector<StageBlock>& stage, const std::vector<BlockMemory>& memory,
              Figure figure) {
  Bytes most;
  for (const StageBlock& block : stage) {
    if (block.use == SegmentUse::executed) most = std::max(most, figure(memory[block.program]));
  }
  return most;
}

/// Gathered weights and whole gradients of a stage that live while ZeRO-2 or 3, or a step in the
/// backward, works on a block:
/// the block at work and those gathered ahead, or all of the stage where they are kept.
Bytes gathered(const Plan& plan, const std::vector<StageBlock>& stage,
               const std::vector<BlockMemory>& by_block) {
  const Group group = state_groups(plan, mesh_of(plan), false).shard;
  const bool sharded = plan.zero_stage >= 2 && group.size > 1;
  if (!sharded && !plan.step_in_backward) return Bytes{};
  Bytes sum = largest(stage, by_block, [&](const BlockMemory& block) {
    return (block.parameters + block.expert_parameters - block.table_parameters) *
           bytes_per_element(plan.gradient_format);
  });
  if (plan.zero_stage < 3 || !sharded) return sum;
  const Bytes all = stage_memory(stage, by_block).weights;
  const Bytes units = static_cast<double>(plan.prefetch + 1) *
                      largest(stage, by_block, [](const BlockMemory& b) { return b.weights; });
  const double others = 1 - 1 / static_cast<double>(group.size);
  return sum + others * (plan.reshard ? std::min(units, all) : all);
}

/// Weights that are streamed from the host: the block at work and the one ahead. Under ZeRO-3 these
/// are the gathered ones.
Bytes streamed(const Plan& plan, const std::vector<StageBlock>& stage,
               const std::vector<BlockMemory>& by_block) {
  if (!plan.offload.weights || plan.zero_stage == 3) return Bytes{};
  return 2.0 * largest(stage, by_block, [](const BlockMemory& b) { return b.weights; });
}

/// Weights, gradients and optimizer state of one rank, sharded as ZeRO says (arXiv 1910.02054).
void add_states(const Plan& plan, const BlockMemory& sum, MemoryByClass& memory) {
  const Mesh mesh = mesh_of(plan);
  const auto share = [&](int stage_needed, bool of_experts) {
    const Group group = state_groups(plan, mesh, of_experts).shard;
    return plan.zero_stage >= stage_needed ? 1 / static_cast<double>(group.size) : 1.0;
  };
  // Of tables that are dealt out, gradients live for the rows of one micro-batch only.
  const double gradients = sum.parameters * share(2, false) +
                           (sum.expert_parameters - sum.table_parameters) * share(2, true);
  if (!plan.step_in_backward)
    memory.gradients += gradients * bytes_per_element(plan.gradient_format);
  if (!plan.offload.optimizer) memory.optimizer += optimizer_state(plan, mesh, sum);
  if (plan.offload.weights) return;
  memory.weights +=
      (sum.weights - sum.expert_weights) * share(3, false) + sum.expert_weights * share(3, true);
}

/// What the allocator and the libraries add to a rank's tensors.
Bytes overhead_of(const Plan& plan, const Device& device, const MemoryByClass& memory) {
  const Mesh mesh = mesh_of(plan);
  const Group states = state_groups(plan, mesh, false).shard;
  std::int64_t pairs = plan.pipeline_parallel > 1 ? 1 : 0;
  std::int64_t groups = 0;
  const auto count = [&](std::int64_t ranks) {
    pairs += ranks == 2 ? 1 : 0;
    groups += ranks > 2 ? 1 : 0;
  };
  for (const MeshAxis axis : {MeshAxis::tensor, MeshAxis::context, MeshAxis::expert})
    count(mesh.ranks(axis));
  count(states.size);
  return memory_overhead(device).total(pairs, groups, memory.activations + memory.workspace);
}

Bytes kept_for_weights(const std::vector<StageBlock>& stage, const CostedBlocks& costs) {
  Bytes sum;
  for (const StageBlock& run : stage) {
    if (run.use != SegmentUse::executed) continue;
    sum += static_cast<double>(run.repeat) * costs.cost[run.program].kept_for_weights;
  }
  return sum;
}

/// Whether the rank holds the first stage, whose embedding tables the tied heads of later stages
/// read.
bool owns_tables(const Plan& plan, std::size_t rank) {
  for (std::int64_t chunk = 0; chunk < chunks_of(plan); ++chunk) {
    if (stage_of(plan, static_cast<std::int64_t>(rank), chunk) == 0) return true;
  }
  return false;
}

BlockMemory resident_memory(BlockMemory stage, bool owns_tables) {
  if (owns_tables) stage.weights -= stage.tied_weights;
  return stage;
}

}  // namespace

std::vector<KeptBytes> Predictor::State::kept_bytes(const Plan& plan, const CostedBlocks& costs) {
  std::vector<KeptBytes> kept;
  for (const auto& stage : lowerer.stages(plan))
    kept.push_back({stage_memory(stage, costs.memory).saved, kept_for_weights(stage, costs)});
  return kept;
}

std::vector<Bytes> Predictor::State::peak_activations(const Plan& plan, const CostedBlocks& costs) {
  const std::vector<KeptBytes> kept = kept_bytes(plan, costs);
  const ScheduleOrder& schedule = order(plan);
  std::vector<Bytes> peaks;
  for (std::size_t rank = 0; rank < schedule.ranks.size(); ++rank)
    peaks.push_back(training() ? peak_in_flight(schedule, rank, kept) : Bytes{});
  return peaks;
}

std::vector<MemoryByClass> Predictor::State::memory(const Plan& plan, const CostedBlocks& costs) {
  const auto& stages = lowerer.stages(plan);
  const auto micro_batches = static_cast<double>(lowerer.micro_batches(plan).count);
  const Scheduled& schedule = scheduled(plan, costs);
  std::vector<MemoryByClass> result(static_cast<std::size_t>(plan.pipeline_parallel));
  for (std::size_t rank = 0; rank < result.size(); ++rank) {
    MemoryByClass& memory = result[rank];
    if (repeats_rank_before(plan, rank)) {
      memory = result[rank - 1];
      memory.activations = schedule.activations[rank];
      if (training()) memory.overhead = overhead_of(plan, system.device, memory);
      continue;
    }
    for (std::int64_t chunk = 0; chunk < chunks_of(plan); ++chunk) {
      const auto s = stage_of(plan, static_cast<std::int64_t>(rank), chunk);
      const auto& stage = stages[static_cast<std::size_t>(s)];
      const BlockMemory sum =
          resident_memory(stage_memory(stage, costs.memory), owns_tables(plan, rank));
      memory.workspace =
          std::max(memory.workspace, sum.working + gathered(plan, stage, costs.memory) +
                                         streamed(plan, stage, costs.memory));
      memory.cache += micro_batches * sum.cache;
      if (training()) {
        add_states(plan, sum, memory);
      } else if (!plan.offload.weights) {
        memory.weights += sum.weights;
      }
    }
    memory.activations = schedule.activations[rank];
    if (training()) memory.overhead = overhead_of(plan, system.device, memory);
  }
  return result;
}

}  // namespace fastpath
