#include <algorithm>

#include "engine/sharding.h"
#include "engine/state.h"

namespace fastpath {
namespace {

void add(TimeByBound& sum, const TimeByBound& part, double times) {
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] += times * part[i];
}

Seconds& network_of(TimeByBound& by_bound) {
  return by_bound[static_cast<std::size_t>(Bound::network)];
}

}  // namespace

namespace {

/// What a block moves around a pass besides its own collectives.
struct Moves {
  Seconds gather;
  Seconds scatter;
  HostCopies copies;

  bool any() const { return gather + scatter + copies.from_host + copies.to_host > Seconds{}; }
};

Moves moves_of(const BlockCost& block, bool backward) {
  if (backward) return {block.regather, block.scatter, block.backward_copies};
  return {block.gather, Seconds{}, block.forward_copies};
}

/// Waiting for sharded weights and gradients and for the host's link, each of whose directions is a
/// lane of its own; waiting for lanes adds up.
Seconds waiting_of(const std::vector<StageBlock>& stage, const CostedBlocks& blocks,
                   bool backward) {
  constexpr int kLoadedAhead = 1;
  const bool moves = std::any_of(stage.begin(), stage.end(), [&](const StageBlock& run) {
    return moves_of(blocks.cost[run.program], backward).any();
  });
  if (!moves) return {};
  std::vector<ShardedPass> shards;
  std::vector<ShardedPass> loads;
  std::vector<ShardedPass> stores;
  for (std::size_t i = 0; i < stage.size(); ++i) {
    const StageBlock& run = stage[backward ? stage.size() - 1 - i : i];
    if (run.use != SegmentUse::executed) continue;
    const BlockCost& block = blocks.cost[run.program];
    const Seconds time = (backward ? block.backward : block.forward).time;
    const Moves moved = moves_of(block, backward);
    shards.push_back({moved.gather, time, moved.scatter, run.repeat});
    loads.push_back({moved.copies.from_host, time, Seconds{}, run.repeat});
    stores.push_back({Seconds{}, time, moved.copies.to_host, run.repeat});
  }
  return exposed_sharding(shards, blocks.prefetch) + exposed_sharding(loads, kLoadedAhead) +
         exposed_sharding(stores, kLoadedAhead);
}

}  // namespace

PassCost cost_of_stage(const std::vector<StageBlock>& stage, const CostedBlocks& blocks,
                       bool backward) {
  PassCost sum;
  for (const StageBlock& run : stage) {
    if (run.use != SegmentUse::executed) continue;
    const BlockCost& block = blocks.cost[run.program];
    const PassCost& pass = backward ? block.backward : block.forward;
    const auto times = static_cast<double>(run.repeat);
    sum.time += times * pass.time;
    sum.work += times * pass.work;
    add(sum.by_bound, pass.by_bound, times);
  }
  const Seconds waiting = waiting_of(stage, blocks, backward);
  sum.time += waiting;
  network_of(sum.by_bound) += waiting;
  return sum;
}

StageTimes Predictor::State::stage_times(const Plan& plan, const CostedBlocks& costs) {
  StageTimes times;
  const auto& stages = lowerer.stages(plan);
  const Mesh mesh = mesh_of(plan);
  const Group link{2, mesh.group(MeshAxis::pipeline).stride};
  const NetworkModel& network = models(plan.execution).network;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    times.forward.push_back(cost_of_stage(stages[s], costs, false).time);
    times.backward.push_back(training() ? cost_of_stage(stages[s], costs, true).time : Seconds{});
    Seconds send;
    if (s + 1 < stages.size() && plan.pipeline_parallel > 1 && !stages[s + 1].empty()) {
      const Bytes boundary = costs.memory[stages[s + 1].front().program].boundary;
      send = network.cost(Collective::send_recv, link, boundary).time;
    }
    times.send.push_back(send);
  }
  return times;
}

std::vector<StageBlock> Predictor::State::blocks_of_rank(const Plan& plan, std::size_t rank) {
  const auto& stages = lowerer.stages(plan);
  std::vector<StageBlock> all;
  const auto ranks = static_cast<std::size_t>(plan.pipeline_parallel);
  for (std::size_t s = rank; s < stages.size(); s += ranks) {
    all.insert(all.end(), stages[s].begin(), stages[s].end());
  }
  return all;
}

void Predictor::State::add_passes(const Plan& plan, const CostedBlocks& costs, std::size_t rank,
                                  RankCost& cost) {
  const auto& stages = lowerer.stages(plan);
  const auto micro_batches = static_cast<double>(lowerer.micro_batches(plan).count);
  const auto ranks = static_cast<std::size_t>(plan.pipeline_parallel);
  for (std::size_t s = rank; s < stages.size(); s += ranks) {
    for (const bool backward : {false, true}) {
      if (backward && !training()) continue;
      const PassCost pass = cost_of_stage(stages[s], costs, backward);
      cost.busy += micro_batches * pass.time;
      add(cost.by_bound, pass.by_bound, micro_batches);
    }
  }
}

RankCost Predictor::State::rank_cost(const Plan& plan, const CostedBlocks& costs, std::size_t rank,
                                     Seconds end) {
  RankCost result;
  result.end = end;
  add_passes(plan, costs, rank, result);
  if (!training()) return result;
  result.exposed_reduction = exposed_reduction(plan, costs, rank);
  const BlockMemory memory = stage_memory(blocks_of_rank(plan, rank), costs.memory);
  const std::vector<Task> tasks = update_tasks(plan, memory);
  const Seconds copying = exposed_copies(tasks, models(plan.execution));
  result.update += copying;
  network_of(result.update_by_bound) += copying;
  for (const Task& task : tasks) {
    if (runs_elsewhere(plan, task)) continue;
    const TaskCost cost = models(plan.execution).cost(task);
    result.update += cost.time;
    result.update_by_bound[static_cast<std::size_t>(cost.bound)] += cost.time;
  }
  return result;
}

}  // namespace fastpath
