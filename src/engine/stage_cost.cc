#include <algorithm>
#include <array>
#include <cstdlib>

#include "fastpath/framework.h"

#include "engine/sharding.h"
#include "engine/state.h"
#include "lower/pipeline.h"

namespace fastpath {
namespace {

void add(TimeByBound& sum, const TimeByBound& part, double times) {
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] += times * part[i];
}

std::size_t stage_index(const Plan& plan, std::size_t rank, std::int64_t chunk) {
  return static_cast<std::size_t>(stage_of(plan, static_cast<std::int64_t>(rank), chunk));
}

bool same_blocks(const std::vector<StageBlock>& a, const std::vector<StageBlock>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const StageBlock& x, const StageBlock& y) {
                      return x.program == y.program && x.repeat == y.repeat && x.use == y.use;
                    });
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

/// Gradients of weights need no weights: the input half gathers them, the weight half reduces.
Moves moves_of(const BlockCost& block, SlotPass pass) {
  switch (pass) {
    case SlotPass::forward: return {block.gather, Seconds{}, block.forward_copies};
    case SlotPass::backward: return {block.regather, block.scatter, block.backward_copies};
    case SlotPass::backward_input: return {block.regather, Seconds{}, block.backward_copies};
    case SlotPass::backward_weight: return {Seconds{}, block.scatter, {}};
  }
  return {};
}

}  // namespace

Seconds waiting_of_stage(const std::vector<StageBlock>& stage, const CostedBlocks& blocks,
                         SlotPass pass) {
  constexpr int kLoadedAhead = 1;
  const bool moves = std::any_of(stage.begin(), stage.end(), [&](const StageBlock& run) {
    return moves_of(blocks.cost[run.program], pass).any();
  });
  if (!moves) return {};
  std::vector<ShardedPass> shards;
  std::vector<ShardedPass> loads;
  std::vector<ShardedPass> stores;
  for (std::size_t i = 0; i < stage.size(); ++i) {
    const StageBlock& run = stage[pass == SlotPass::forward ? i : stage.size() - 1 - i];
    if (run.use != SegmentUse::executed) continue;
    const BlockCost& block = blocks.cost[run.program];
    const Seconds time = block.of(pass).time;
    const Moves moved = moves_of(block, pass);
    shards.push_back({moved.gather, time, moved.scatter, run.repeat});
    loads.push_back({moved.copies.from_host, time, Seconds{}, run.repeat});
    stores.push_back({Seconds{}, time, moved.copies.to_host, run.repeat});
  }
  return exposed_sharding(shards, blocks.prefetch) + exposed_sharding(loads, kLoadedAhead) +
         exposed_sharding(stores, kLoadedAhead);
}

PassCost cost_of_stage(const std::vector<StageBlock>& stage, const CostedBlocks& blocks,
                       SlotPass pass) {
  PassCost sum;
  for (const StageBlock& run : stage) {
    if (run.use != SegmentUse::executed) continue;
    const BlockCost& block = blocks.cost[run.program];
    const PassCost& cost = block.of(pass);
    const auto times = static_cast<double>(run.repeat);
    sum.time += times * cost.time;
    sum.work += times * cost.work;
    add(sum.by_bound, cost.by_bound, times);
  }
  const Seconds waiting = waiting_of_stage(stage, blocks, pass);
  sum.time += waiting;
  network_of(sum.by_bound) += waiting;
  return sum;
}

StageTimes Predictor::State::stage_times(const Plan& plan, const CostedBlocks& costs) {
  StageTimes times;
  const auto& stages = lowerer.stages(plan);
  const std::array<std::vector<Seconds>*, kSlotPasses.size()> by_pass = {
      &times.forward, &times.backward, &times.backward_input, &times.backward_weight};
  for (std::vector<Seconds>* by_stage : by_pass)
    by_stage->reserve(stages.size());
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const bool known = s > 0 && same_blocks(stages[s], stages[s - 1]);
    for (const SlotPass pass : kSlotPasses) {
      std::vector<Seconds>& by_stage = *by_pass[static_cast<std::size_t>(pass)];
      by_stage.push_back(known ? by_stage.back() : cost_of_stage(stages[s], costs, pass).time);
    }
  }
  const std::int64_t stride = mesh_of(plan).group(MeshAxis::pipeline).stride;
  const Models& models = this->models(plan.execution);
  times.send.resize(stages.size());
  for (std::size_t s = 0; s + 1 < stages.size(); ++s) {
    const auto stage = static_cast<std::int64_t>(s);
    const std::int64_t apart =
        std::abs(rank_of_stage(plan, stage + 1) - rank_of_stage(plan, stage));
    const bool ends_chain = (stage + 1) % chain_of(plan) == 0;
    if (apart == 0 || ends_chain || stages[s + 1].empty()) continue;
    const Bytes boundary = costs.memory[stages[s + 1].front().program].boundary;
    times.send[s] = models.collective(Collective::send_recv, {2, apart * stride}, boundary).time;
  }
  return times;
}

namespace {

/// DualPipe: two ranks hold the same two stages and add up their gradients.
Task reduction_over_copies(const Plan& plan, const BlockMemory& memory, std::size_t rank) {
  const Mesh mesh = mesh_of(plan);
  const auto partner = plan.pipeline_parallel - 1 - static_cast<std::int64_t>(rank);
  const std::int64_t apart = std::abs(partner - static_cast<std::int64_t>(rank));
  Task task;
  task.op = kWholeBlock;
  task.pass = Pass::update;
  task.collective = Collective::all_reduce;
  task.axis = MeshAxis::pipeline;
  task.group = {2, apart * mesh.group(MeshAxis::pipeline).stride};
  task.payload = owned_parameters(plan, mesh, memory) * bytes_per_element(plan.gradient_format);
  return task;
}

}  // namespace

std::vector<StageBlock> Predictor::State::blocks_of_rank(const Plan& plan, std::size_t rank) {
  const auto& stages = lowerer.stages(plan);
  std::vector<StageBlock> all;
  for (std::int64_t chunk = 0; chunk < chunks_of(plan); ++chunk) {
    const auto& stage = stages[stage_index(plan, rank, chunk)];
    all.insert(all.end(), stage.begin(), stage.end());
  }
  return all;
}

bool Predictor::State::repeats_rank_before(const Plan& plan, std::size_t rank) {
  // Under DualPipe each rank has another partner.
  if (rank == 0 || plan.schedule == Schedule::dualpipe) return false;
  const auto& stages = lowerer.stages(plan);
  for (std::int64_t chunk = 0; chunk < chunks_of(plan); ++chunk) {
    const auto& own = stages[stage_index(plan, rank, chunk)];
    if (!same_blocks(own, stages[stage_index(plan, rank - 1, chunk)])) return false;
  }
  return true;
}

const Scheduled& Predictor::State::scheduled(const Plan& plan, const CostedBlocks& costs) {
  constexpr std::size_t kMostRemembered = 1 << 14;
  const ScheduleOrder& schedule = order(plan);
  const ScheduledKey key{&costs, &lowerer.stages(plan), &schedule};
  if (const auto found = schedules.find(key); found != schedules.end()) return found->second;
  if (schedules.size() >= kMostRemembered) schedules.clear();
  Scheduled& result = schedules[key];
  result.times = stage_times(plan, costs);
  result.end = run_schedule(schedule, result.times).end;
  result.activations = peak_activations(plan, costs);
  return result;
}

void Predictor::State::forget() {
  schedules.clear();  // keyed by addresses of the others
  blocks.clear();
  orders.clear();
}

void Predictor::State::add_passes(const Plan& plan, const CostedBlocks& costs, std::size_t rank,
                                  RankCost& cost) {
  const auto& stages = lowerer.stages(plan);
  const ScheduleOrder& schedule = order(plan);
  for (std::int64_t chunk = 0; chunk < chunks_of(plan); ++chunk) {
    const std::size_t s = stage_index(plan, rank, chunk);
    for (const SlotPass pass : kSlotPasses) {
      const auto times = static_cast<double>(schedule.times(s, pass));
      if (times == 0) continue;
      const PassCost one = cost_of_stage(stages[s], costs, pass);
      cost.busy += times * one.time;
      cost.work += times * one.work;
      add(cost.by_bound, one.by_bound, times);
    }
  }
}

std::vector<Task> Predictor::State::update_of_rank(const Plan& plan, const CostedBlocks& costs,
                                                   std::size_t rank) {
  const BlockMemory memory = stage_memory(blocks_of_rank(plan, rank), costs.memory);
  std::vector<Task> tasks = update_tasks(plan, memory);
  if (plan.schedule == Schedule::dualpipe) {
    tasks.insert(tasks.begin(), reduction_over_copies(plan, memory, rank));
  }
  return tasks;
}

RankCost Predictor::State::rank_cost(const Plan& plan, const CostedBlocks& costs, std::size_t rank,
                                     Seconds end) {
  RankCost result;
  result.end = end;
  add_passes(plan, costs, rank, result);
  if (!training()) return result;
  result.exposed_reduction = exposed_reduction(plan, costs, rank);
  const std::vector<Task> tasks = update_of_rank(plan, costs, rank);
  const Seconds copying = exposed_copies(tasks, models(plan.execution));
  result.update += copying;
  network_of(result.update_by_bound) += copying;
  for (const Task& task : tasks) {
    if (runs_elsewhere(plan, task)) continue;
    const TaskCost cost = models(plan.execution).cost(task);
    result.update += cost.time;
    result.update_by_bound[static_cast<std::size_t>(cost.bound)] += cost.time;
  }
  if (system.framework) {
    result.update += system.framework->step.value;
    result.update_by_bound[static_cast<std::size_t>(Bound::launch)] += system.framework->step.value;
  }
  return result;
}

}  // namespace fastpath
