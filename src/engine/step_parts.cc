#include "engine/step_parts.h"

#include <algorithm>

#include "engine/state.h"
#include "lower/adapters.h"

namespace fastpath {
namespace {

/// Absorbed latent attention: keys are the values.
bool is_latent(const Op& op) { return op.inputs.size() > 2 && op.inputs[1] == op.inputs[2]; }

EnginePart part_of(Phase phase, const Op& op, Bound bound) {
  const bool work = bound == Bound::compute;
  if (keeps_partial_sums(op)) return work ? EnginePart::matmul_work : EnginePart::matmul_bytes;
  switch (op.kind) {
    case OpKind::grouped_matmul:
    case OpKind::top_k:
    case OpKind::dispatch:
    case OpKind::combine: return work ? EnginePart::expert_work : EnginePart::expert_bytes;
    case OpKind::attention:
      if (phase != Phase::decode) return EnginePart::prefill_attention;
      return is_latent(op) ? EnginePart::latent_attention : EnginePart::decode_attention;
    case OpKind::matmul:
    case OpKind::convolution: return work ? EnginePart::matmul_work : EnginePart::matmul_bytes;
    default: return EnginePart::maps;
  }
}

class PartSums {
 public:
  PartSums(const Workload& workload, const Models& models) : workload_(workload), models_(models) {}

  void add(std::uint32_t index, const std::vector<Task>& tasks, double times) {
    const Block& block = workload_.blocks[index];
    for (const Task& task : tasks) {
      if (task.collective != Collective::none || task.copy != HostCopy::none) continue;
      const TaskCost cost = models_.cost(task);
      const Op& op = block.ops[task.op];
      const EnginePart part = part_of(workload_.phase, op, cost.bound);
      const Seconds gaps = std::min(cost.time, launch_of(task));
      const Seconds bound = models_.device.lower_bound(task.shape);
      const Seconds light = std::min(cost.time - gaps, bound);
      const bool attention = op.kind == OpKind::attention;
      add(EnginePart::light, times * light, attention);
      add(part, times * (cost.time - gaps - light), attention);
      add(EnginePart::launch, times * gaps, attention);
      result_.speed_of_light += times * (task.shape.fused ? light : bound);
      if (cost.bound == Bound::compute) result_.compute_bound += times * cost.time;
    }
  }

  StepParts finish(const Prediction& prediction) {
    result_.step = prediction.step.value;
    Seconds rest = result_.step;
    for (const Seconds part : result_.parts)
      rest = rest - part;
    result_.parts[static_cast<std::size_t>(EnginePart::network)] = std::max(Seconds{}, rest);
    result_.energy = prediction.energy;
    result_.cost = prediction.cost;
    for (const MemoryByClass& rank : prediction.memory) {
      if (rank.total() > result_.memory.total()) result_.memory = rank;
    }
    return result_;
  }

 private:
  Seconds launch_of(const Task& task) const {
    if (task.shape.fused) return {};
    const Seconds gaps{task.shape.launches *
                       models_.device.parameters(task.shape)[KernelParameter::launch]};
    return gaps;
  }

  void add(EnginePart part, Seconds time, bool attention) {
    result_.parts[static_cast<std::size_t>(part)] += time;
    if (attention) result_.attention[static_cast<std::size_t>(part)] += time;
  }

  const Workload& workload_;
  const Models& models_;
  StepParts result_;
};

}  // namespace

Result<StepParts> step_parts(const Workload& workload, const System& system, const Plan& plan) {
  Predictor::State state(workload, system);
  Diagnostics mistakes = state.mistakes(plan);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  const Prediction prediction = state.predict(plan);
  const std::size_t rank = slowest_rank(state, plan);
  const std::vector<BlockProgram> programs = state.lowerer.lower_blocks(plan);
  const auto passes = static_cast<double>(state.order(plan).times(rank, SlotPass::forward));
  PartSums sums(state.lowerer.workload(plan), state.models(plan.execution));
  for (const StageBlock& run : state.blocks_of_rank(plan, rank)) {
    if (run.use != SegmentUse::executed) continue;
    const BlockProgram& program = programs[run.program];
    sums.add(program.block, program.forward, static_cast<double>(run.repeat) * passes);
  }
  StepParts parts = sums.finish(prediction);
  const auto& memories = system.device.memories;
  if (!memories.empty() && memories.front().capacity) {
    parts.capacity = memories.front().capacity->value;
  }
  return parts;
}

}  // namespace fastpath
