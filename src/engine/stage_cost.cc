#include <algorithm>

#include "fastpath/framework.h"

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
                       bool backward) {
  PassCost sum;
  GatherLane gathers;
  for (std::size_t i = 0; i < stage.size(); ++i) {
    const StageBlock& run = stage[backward ? stage.size() - 1 - i : i];
    if (run.use != SegmentUse::executed) continue;
    const BlockCost& block = blocks.cost[run.program];
    const PassCost& pass = backward ? block.backward : block.forward;
    const auto times = static_cast<double>(run.repeat);
    sum.time += times * pass.time;
    sum.work += times * pass.work;
    add(sum.by_bound, pass.by_bound, times);
    if (block.gather > Seconds{}) gathers.run(block.gather, pass.time, times);
  }
  sum.time += gathers.waiting;
  network_of(sum.by_bound) += gathers.waiting;
  return sum;
}

StageTimes Predictor::State::stage_times(const Plan& plan, const CostedBlocks& costs) {
  StageTimes times;
  const auto& stages = lowerer.stages(plan);
  const Mesh mesh = mesh_of(plan);
  const Group link{2, mesh.group(MeshAxis::pipeline).stride};
  const Models& models = this->models(plan.execution);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    times.forward.push_back(cost_of_stage(stages[s], costs, false).time);
    times.backward.push_back(training() ? cost_of_stage(stages[s], costs, true).time : Seconds{});
    Seconds send;
    if (s + 1 < stages.size() && plan.pipeline_parallel > 1 && !stages[s + 1].empty()) {
      const Bytes boundary = costs.memory[stages[s + 1].front().program].boundary;
      send = models.collective(Collective::send_recv, link, boundary).time;
    }
    times.send.push_back(send);
  }
  return times;
}

namespace {

/// Gradients of a block are reduced from when its last backward ends, one block after another.
/// Returns how long the reductions run on after the rank's last backward.
class Reduction {
 public:
  Reduction(const Plan& plan, const Models& models)
      : plan_(plan),
        models_(models),
        mesh_(mesh_of(plan)),
        dense_(joint_group(mesh_, {MeshAxis::context, MeshAxis::expert, MeshAxis::data})),
        expert_(joint_group(mesh_, {MeshAxis::context, MeshAxis::data})) {}

  Seconds time(double parameters, double expert_parameters) const {
    const Collective kind =
        plan_.zero_stage >= 1 ? Collective::reduce_scatter : Collective::all_reduce;
    const Bytes element = bytes_per_element(plan_.gradient_format);
    Seconds sum;
    if (parameters > 0) sum += models_.collective(kind, dense_, parameters * element).time;
    if (expert_parameters > 0) {
      sum += models_.collective(kind, expert_, expert_parameters * element).time;
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
  const Models& models_;
  Mesh mesh_;
  Group dense_;
  Group expert_;
  Seconds clock_;         ///< of the backward passes
  Seconds network_free_;  ///< end of the reductions so far
};

}  // namespace

bool overlaps_backward(const Task& task) {
  const bool reduces =
      task.collective == Collective::all_reduce || task.collective == Collective::reduce_scatter;
  return reduces && task.axis == MeshAxis::data;
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

Seconds Predictor::State::exposed_reduction(const Plan& plan, const CostedBlocks& costs,
                                            std::size_t rank) {
  Reduction reduction(plan, models(plan.execution));
  const std::vector<StageBlock> blocks_in_order = blocks_of_rank(plan, rank);
  for (auto run = blocks_in_order.rbegin(); run != blocks_in_order.rend(); ++run) {
    if (run->use != SegmentUse::executed) continue;
    const BlockMemory& block = costs.memory[run->program];
    const Seconds hidden_under =
        plan.overlap_gradients ? costs.cost[run->program].backward.time : Seconds{};
    reduction.run(hidden_under, reduction.time(block.parameters, block.expert_parameters),
                  static_cast<double>(run->repeat));
  }
  return reduction.exposed();
}

RankCost Predictor::State::rank_cost(const Plan& plan, const CostedBlocks& costs, std::size_t rank,
                                     Seconds end) {
  RankCost result;
  result.end = end;
  add_passes(plan, costs, rank, result);
  if (!training()) return result;
  if (plan.zero_stage < 2) result.exposed_reduction = exposed_reduction(plan, costs, rank);
  const BlockMemory memory = stage_memory(blocks_of_rank(plan, rank), costs.memory);
  for (const Task& task : update_tasks(plan, memory)) {
    if (overlaps_backward(task)) continue;
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
