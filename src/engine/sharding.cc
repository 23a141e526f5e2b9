#include "engine/sharding.h"

#include <algorithm>

#include "engine/state.h"

namespace fastpath {
namespace {

class ShardedRun {
 public:
  ShardedRun(const std::vector<ShardedPass>& passes, int prefetch)
      : prefetch_(static_cast<std::size_t>(prefetch)) {
    for (const ShardedPass& pass : passes)
      all_.insert(all_.end(), static_cast<std::size_t>(pass.repeat), &pass);
    ready_.resize(all_.size());
  }

  Seconds waiting() {
    Seconds computing;
    for (std::size_t i = 0; i < prefetch_; ++i)
      gather(i);
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (prefetch_ == 0) gather(i);
      clock_ = std::max(clock_, ready_[i]);
      if (prefetch_ > 0) gather(i + prefetch_);
      clock_ += all_[i]->compute;
      computing += all_[i]->compute;
      if (all_[i]->scatter > Seconds{}) lane_ = std::max(lane_, clock_) + all_[i]->scatter;
    }
    return std::max(clock_, lane_) - computing;
  }

 private:
  void gather(std::size_t i) {
    if (i >= all_.size() || all_[i]->gather <= Seconds{}) return;
    lane_ = std::max(lane_, clock_) + all_[i]->gather;
    ready_[i] = lane_;
  }

  std::size_t prefetch_;
  std::vector<const ShardedPass*> all_;
  std::vector<Seconds> ready_;  ///< by block: when its weights are there
  Seconds clock_;               ///< of the passes
  Seconds lane_;                ///< end of the collectives so far
};

/// Gradients of a block are reduced from when its last backward ends, one block after another.
class Reductions {
 public:
  /// `repeat` equal blocks whose backwards of `backward` follow each other.
  void run(Seconds backward, Seconds reduction, double repeat) {
    if (reduction > Seconds{}) {
      const Seconds first = std::max(lane_, clock_ + backward) + reduction;
      const Seconds bandwidth_bound = first + (repeat - 1) * reduction;
      const Seconds compute_bound = clock_ + repeat * backward + reduction;
      lane_ = std::max(bandwidth_bound, compute_bound);
    }
    clock_ += repeat * backward;
  }

  /// How long they run on after the last backward.
  Seconds exposed() const { return std::max(Seconds{}, lane_ - clock_); }

 private:
  Seconds clock_;  ///< of the backward passes
  Seconds lane_;   ///< end of the reductions so far
};

Seconds time_of(const std::vector<Task>& tasks, const Models& models) {
  Seconds sum;
  for (const Task& task : tasks)
    sum += models.cost(task).time;
  return sum;
}

}  // namespace

Seconds exposed_sharding(const std::vector<ShardedPass>& passes, int prefetch) {
  const bool sharded = std::any_of(passes.begin(), passes.end(), [](const ShardedPass& pass) {
    return pass.gather > Seconds{} || pass.scatter > Seconds{};
  });
  return sharded ? ShardedRun(passes, prefetch).waiting() : Seconds{};
}

bool overlaps_backward(const Task& task) {
  const bool reduces =
      task.collective == Collective::all_reduce || task.collective == Collective::reduce_scatter;
  return reduces && task.axis == MeshAxis::data;
}

bool overlaps_forward(const Plan& plan, const Task& task) {
  return plan.overlap_weights && task.collective == Collective::all_gather;
}

bool runs_elsewhere(const Plan& plan, const Task& task) {
  return overlaps_backward(task) || overlaps_forward(plan, task) || task.copy != HostCopy::none;
}

Seconds exposed_copies(const std::vector<Task>& update, const Models& models) {
  const HostCopies copies = host_copies(update, models);
  Seconds computing;
  for (const Task& task : update) {
    const bool computes = task.collective == Collective::none && task.copy == HostCopy::none;
    if (computes) computing += models.cost(task).time;
  }
  return std::max(Seconds{}, std::max(copies.from_host, copies.to_host) - computing);
}

Seconds Predictor::State::exposed_reduction(const Plan& plan, const CostedBlocks& costs,
                                            std::size_t rank) {
  const Mesh mesh = mesh_of(plan);
  Reductions reductions;
  const std::vector<StageBlock> blocks_in_order = blocks_of_rank(plan, rank);
  const bool parted = order(plan).times(rank, SlotPass::backward_weight) > 0;
  const SlotPass last = parted ? SlotPass::backward_weight : SlotPass::backward;
  for (auto run = blocks_in_order.rbegin(); run != blocks_in_order.rend(); ++run) {
    if (run->use != SegmentUse::executed) continue;
    const Seconds hidden_under =
        plan.overlap_gradients ? costs.cost[run->program].of(last).time : Seconds{};
    const Seconds reduction =
        time_of(reduction_tasks(plan, mesh, costs.memory[run->program]), models(plan.execution));
    reductions.run(hidden_under, reduction, static_cast<double>(run->repeat));
  }
  return reductions.exposed();
}

Seconds Predictor::State::exposed_gather(const Plan& plan, const CostedBlocks& costs,
                                         const StageTimes& times) {
  const bool gathers = plan.zero_stage == 1 || plan.zero_stage == 2;
  if (!training() || !plan.overlap_weights || !gathers) return {};
  const Mesh mesh = mesh_of(plan);
  Seconds most;
  Seconds arrival;  // of the first micro-batch at a rank, while its gathers run
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(plan.pipeline_parallel); ++rank) {
    Seconds lane;
    Seconds clock = arrival;
    Seconds computing;
    for (const StageBlock& run : blocks_of_rank(plan, rank)) {
      if (run.use != SegmentUse::executed) continue;
      const Seconds gather =
          time_of(gather_tasks(plan, mesh, costs.memory[run.program]), models(plan.execution));
      const Seconds forward = costs.cost[run.program].of(SlotPass::forward).time;
      const auto repeat = static_cast<double>(run.repeat);
      // The last of the run waits longest where gathers are slower, the first where they are not.
      clock = std::max({clock + repeat * forward, lane + gather + repeat * forward,
                        lane + repeat * gather + forward});
      lane += repeat * gather;
      computing += repeat * forward;
    }
    most = std::max(most, clock - arrival - computing);
    arrival += times.forward[rank] + times.send[rank];
  }
  return most;
}

}  // namespace fastpath
