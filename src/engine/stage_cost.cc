#include <algorithm>
#include <cstdlib>

#include "engine/state.h"
#include "lower/stages.h"

namespace fastpath {
namespace {

void add(TimeByBound& sum, const TimeByBound& part, double times) {
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] += times * part[i];
}

std::size_t stage_index(const Plan& plan, std::size_t rank, std::int64_t chunk) {
  return static_cast<std::size_t>(stage_of(plan, static_cast<std::int64_t>(rank), chunk));
}

Seconds& network_of(TimeByBound& by_bound) {
  return by_bound[static_cast<std::size_t>(Bound::network)];
}

/// The lane of gathers while passes run: one block ahead.
struct GatherLane {
  Seconds waiting;      ///< of passes, so far
  Seconds previous{0};  ///< the pass under which the next gather runs
  bool first = true;

  void run(Seconds gather, Seconds pass, double times) {
    const Seconds hidden = first ? Seconds{} : previous;
    waiting += std::max(Seconds{}, gather - hidden);
    waiting += (times - 1) * std::max(Seconds{}, gather - pass);
    previous = pass;
    first = false;
  }
};

}  // namespace

PassCost cost_of_stage(const std::vector<StageBlock>& stage, const CostedBlocks& blocks,
                       SlotPass pass) {
  PassCost sum;
  GatherLane gathers;
  for (std::size_t i = 0; i < stage.size(); ++i) {
    const StageBlock& run = stage[pass == SlotPass::forward ? i : stage.size() - 1 - i];
    if (run.use != SegmentUse::executed) continue;
    const BlockCost& block = blocks.cost[run.program];
    const PassCost& cost = block.of(pass);
    const auto times = static_cast<double>(run.repeat);
    sum.time += times * cost.time;
    sum.work += times * cost.work;
    add(sum.by_bound, cost.by_bound, times);
    const bool gathered = block.gather > Seconds{} && pass != SlotPass::backward_weight;
    if (gathered) gathers.run(block.gather, cost.time, times);
  }
  sum.time += gathers.waiting;
  network_of(sum.by_bound) += gathers.waiting;
  return sum;
}

StageTimes Predictor::State::stage_times(const Plan& plan, const CostedBlocks& costs) {
  StageTimes times;
  const auto& stages = lowerer.stages(plan);
  for (const auto& stage : stages) {
    times.forward.push_back(cost_of_stage(stage, costs, SlotPass::forward).time);
    times.backward.push_back(cost_of_stage(stage, costs, SlotPass::backward).time);
    times.backward_input.push_back(cost_of_stage(stage, costs, SlotPass::backward_input).time);
    times.backward_weight.push_back(cost_of_stage(stage, costs, SlotPass::backward_weight).time);
  }
  const std::int64_t stride = mesh_of(plan).group(MeshAxis::pipeline).stride;
  const NetworkModel& network = models(plan.execution).network;
  times.send.resize(stages.size());
  for (std::size_t s = 0; s + 1 < stages.size(); ++s) {
    const auto stage = static_cast<std::int64_t>(s);
    const std::int64_t apart =
        std::abs(rank_of_stage(plan, stage + 1) - rank_of_stage(plan, stage));
    const bool ends_chain = (stage + 1) % chain_of(plan) == 0;
    if (apart == 0 || ends_chain || stages[s + 1].empty()) continue;
    const Bytes boundary = costs.memory[stages[s + 1].front().program].boundary;
    times.send[s] = network.cost(Collective::send_recv, {2, apart * stride}, boundary).time;
  }
  return times;
}

namespace {

/// Gradients of a block are reduced from when its last backward ends, one block after another.
/// Returns how long the reductions run on after the rank's last backward.
class Reduction {
 public:
  Reduction(const Plan& plan, const NetworkModel& network)
      : plan_(plan),
        network_(network),
        mesh_(mesh_of(plan)),
        dense_(joint_group(mesh_, {MeshAxis::context, MeshAxis::expert, MeshAxis::data})),
        expert_(joint_group(mesh_, {MeshAxis::context, MeshAxis::data})) {}

  Seconds time(double parameters, double expert_parameters) const {
    const Collective kind =
        plan_.zero_stage >= 1 ? Collective::reduce_scatter : Collective::all_reduce;
    const Bytes element = bytes_per_element(plan_.gradient_format);
    Seconds sum;
    if (parameters > 0) sum += network_.cost(kind, dense_, parameters * element).time;
    if (expert_parameters > 0) {
      sum += network_.cost(kind, expert_, expert_parameters * element).time;
    }
    return sum;
  }

  /// `repeat` equal blocks whose backwards of `backward` start at `clock`.
  void run(Seconds backward, Seconds reduction, double repeat) {
    if (reduction > Seconds{}) {
      const Seconds first = std::max(network_free_, clock_ + backward) + reduction;
      const Seconds bandwidth_bound = first + (repeat - 1) * reduction;
      const Seconds compute_bound = clock_ + repeat * backward + reduction;
      network_free_ = std::max(bandwidth_bound, compute_bound);
    }
    clock_ += repeat * backward;
  }

  Seconds exposed() const { return std::max(Seconds{}, network_free_ - clock_); }

 private:
  const Plan& plan_;
  const NetworkModel& network_;
  Mesh mesh_;
  Group dense_;
  Group expert_;
  Seconds clock_;         ///< of the backward passes
  Seconds network_free_;  ///< end of the reductions so far
};

/// Whether an update task is a reduction of gradients, which starts under the backward.
bool overlaps_backward(const Task& task) {
  const bool reduces =
      task.collective == Collective::all_reduce || task.collective == Collective::reduce_scatter;
  return reduces && task.axis == MeshAxis::data;
}

/// DualPipe: two ranks hold the same two stages and add up their gradients.
Task reduction_over_copies(const Plan& plan, const BlockMemory& memory, std::size_t rank) {
  const Mesh mesh = mesh_of(plan);
  const auto partner = plan.pipeline_parallel - 1 - static_cast<std::int64_t>(rank);
  const std::int64_t apart = std::abs(partner - static_cast<std::int64_t>(rank));
  const auto share = [&](Group group) {
    return plan.zero_stage >= 1 ? static_cast<double>(group.size) : 1.0;
  };
  const double elements =
      memory.parameters /
          share(joint_group(mesh, {MeshAxis::context, MeshAxis::expert, MeshAxis::data})) +
      memory.expert_parameters / share(joint_group(mesh, {MeshAxis::context, MeshAxis::data}));
  Task task;
  task.op = kWholeBlock;
  task.pass = Pass::update;
  task.collective = Collective::all_reduce;
  task.axis = MeshAxis::pipeline;
  task.group = {2, apart * mesh.group(MeshAxis::pipeline).stride};
  task.payload = elements * bytes_per_element(plan.gradient_format);
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
      add(cost.by_bound, one.by_bound, times);
    }
  }
}

Seconds Predictor::State::exposed_reduction(const Plan& plan, const CostedBlocks& costs,
                                            std::size_t rank) {
  Reduction reduction(plan, models(plan.execution).network);
  const std::vector<StageBlock> blocks_in_order = blocks_of_rank(plan, rank);
  const bool parted = order(plan).times(rank, SlotPass::backward_weight) > 0;
  const SlotPass last = parted ? SlotPass::backward_weight : SlotPass::backward;
  for (auto run = blocks_in_order.rbegin(); run != blocks_in_order.rend(); ++run) {
    if (run->use != SegmentUse::executed) continue;
    const BlockMemory& block = costs.memory[run->program];
    const Seconds hidden_under =
        plan.overlap_gradients ? costs.cost[run->program].of(last).time : Seconds{};
    reduction.run(hidden_under, reduction.time(block.parameters, block.expert_parameters),
                  static_cast<double>(run->repeat));
  }
  return reduction.exposed();
}

std::vector<Task> Predictor::State::update_of_rank(const Plan& plan, const CostedBlocks& costs,
                                                   std::size_t rank) {
  const BlockMemory memory = stage_memory(blocks_of_rank(plan, rank), costs.memory);
  std::vector<Task> tasks = update_tasks(plan, memory);
  tasks.erase(std::remove_if(tasks.begin(), tasks.end(), overlaps_backward), tasks.end());
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
  if (plan.zero_stage < 2) result.exposed_reduction = exposed_reduction(plan, costs, rank);
  for (const Task& task : update_of_rank(plan, costs, rank)) {
    const TaskCost cost = models(plan.execution).cost(task);
    result.update += cost.time;
    result.update_by_bound[static_cast<std::size_t>(cost.bound)] += cost.time;
  }
  return result;
}

}  // namespace fastpath
