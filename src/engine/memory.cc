#include <algorithm>

#include "engine/state.h"
#include "lower/stages.h"

namespace fastpath {
namespace {

constexpr double kMomentBytes = 4;  // fp32

Bytes optimizer_state(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::none: return Bytes{0};
    case Optimizer::sgd: return Bytes{kMomentBytes};
    case Optimizer::momentum: return Bytes{2 * kMomentBytes};
    case Optimizer::adam: return Bytes{3 * kMomentBytes};
  }
  return Bytes{};
}

Bytes largest_block(const std::vector<StageBlock>& stage, const std::vector<BlockMemory>& memory) {
  Bytes largest;
  for (const StageBlock& block : stage) {
    largest = std::max(largest, memory[block.program].weights);
  }
  return largest;
}

/// Weights, gradients and optimizer state of one rank, sharded as ZeRO says (arXiv 1910.02054).
void add_states(const Plan& plan, const std::vector<StageBlock>& stage,
                const std::vector<BlockMemory>& by_block, MemoryByClass& memory) {
  const BlockMemory sum = stage_memory(stage, by_block);
  const Mesh mesh = mesh_of(plan);
  const auto shard = [&](int stage_needed, Group group) {
    return plan.zero_stage >= stage_needed ? static_cast<double>(group.size) : 1.0;
  };
  const Group dense = joint_group(mesh, {MeshAxis::context, MeshAxis::expert, MeshAxis::data});
  const Group expert = joint_group(mesh, {MeshAxis::context, MeshAxis::data});
  const auto sharded = [&](int needed) {
    return sum.parameters / shard(needed, dense) + sum.expert_parameters / shard(needed, expert);
  };
  memory.gradients += sharded(2) * bytes_per_element(plan.gradient_format);
  memory.optimizer += sharded(1) * optimizer_state(plan.optimizer);
  if (plan.zero_stage == 3) {
    memory.weights += sum.weights / static_cast<double>(dense.size);
    // The block at work and the one gathered ahead.
    if (dense.size > 1) memory.workspace += 2.0 * largest_block(stage, by_block);
  } else {
    memory.weights += sum.weights;
  }
}

Bytes kept_for_weights(const std::vector<StageBlock>& stage, const CostedBlocks& costs) {
  Bytes sum;
  for (const StageBlock& run : stage) {
    if (run.use != SegmentUse::executed) continue;
    sum += static_cast<double>(run.repeat) * costs.cost[run.program].kept_for_weights;
  }
  return sum;
}

}  // namespace

std::vector<MemoryByClass> Predictor::State::memory(const Plan& plan, const CostedBlocks& costs) {
  const auto& stages = lowerer.stages(plan);
  const auto micro_batches = static_cast<double>(lowerer.micro_batches(plan).count);
  std::vector<MemoryByClass> result(static_cast<std::size_t>(plan.pipeline_parallel));
  std::vector<KeptBytes> kept;
  kept.reserve(stages.size());
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const auto rank = rank_of_stage(plan, static_cast<std::int64_t>(s));
    MemoryByClass& memory = result[static_cast<std::size_t>(rank)];
    const BlockMemory sum = stage_memory(stages[s], costs.memory);
    kept.push_back({sum.saved, kept_for_weights(stages[s], costs)});
    memory.workspace = std::max(memory.workspace, sum.working);
    memory.cache += micro_batches * sum.cache;
    if (training()) {
      add_states(plan, stages[s], costs.memory, memory);
    } else {
      memory.weights += sum.weights;
    }
  }
  if (!training()) return result;
  for (std::size_t rank = 0; rank < result.size(); ++rank)
    result[rank].activations = peak_in_flight(order(plan), rank, kept);
  return result;
}

}  // namespace fastpath
