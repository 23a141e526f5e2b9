#include "engine/simulate/disturbed.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "engine/parted_backward.h"
#include "engine/simulate/pass_draw.h"
#include "engine/simulate/slot_input.h"

namespace fastpath {
namespace {

struct DrawnBlock {
  std::array<std::vector<CostedTask>, kSlotPasses.size()> passes;  ///< by SlotPass
};

/// Times of the blocks of one slot.
struct DrawnSlot {
  std::vector<Picoseconds> blocks;  ///< from end to end, as they run
  Picoseconds total = 0;
};

class Disturbed {
 public:
  Disturbed(Predictor::State& state, const Plan& plan, const RoleRun& clean,
            const Replicas& replicas, const SimulateOptions& options)
      : roles_(clean.roles),
        run_(clean.run),
        replicas_(replicas),
        options_(options),
        order_(state.order(plan)),
        stages_(state.lowerer.stages(plan)),
        costs_(state.costed(plan)),
        jitter_(options.jitter),
        block_ends_(order_.ranks.size()) {
    const Models& models = state.models(plan.execution);
    for (const BlockProgram& program : state.lowerer.lower_blocks(plan)) {
      DrawnBlock& block = blocks_.emplace_back();
      for (const SlotPass pass : kSlotPasses)
        block.passes[static_cast<std::size_t>(pass)] =
            costed_tasks(tasks_of(program, pass), models);
    }
    ports_ = options.jitter > 0 ? static_cast<std::size_t>(replicas.tensor) : 1;
  }

  DisturbedRun run() {
    for (std::size_t replica = 0; replica < replicas_.factors.size(); ++replica)
      add_replica(replica);
    for (std::size_t rank = 0; rank < order_.ranks.size(); ++rank)
      add_update(rank);
    const GraphRun run = run_graph(graph_);
    DisturbedRun result;
    result.tasks = graph_.size();
    for (std::size_t rank = 0; rank < order_.ranks.size(); ++rank) {
      result.passes_end.push_back(run.end[passes_end_[rank]]);
      result.finish.push_back(run.end[finish_[rank]]);
    }
    for (DisturbedRun::Pass pass : passes_) {
      const auto& [begin, end] = pass_tasks_[result.passes.size()];
      pass.start = run.end[begin];
      pass.end = run.end[end];
      result.passes.push_back(pass);
    }
    return result;
  }

 private:
  Picoseconds length(TaskId task) const { return run_.end[task] - run_.start[task]; }

  /// What sharing links added to a slot of the undisturbed role.
  Picoseconds added_by_sharing(const Slot& slot, const SlotTasks& tasks) {
    const Picoseconds ran = run_.end[tasks.end] - run_.end[tasks.begin];
    const auto [found, first] = alone_.try_emplace({slot.stage, slot.pass});
    if (first) found->second = draw(slot, kEven, false).total;
    return std::max<Picoseconds>(0, ran - found->second);
  }

  /// The passes of a stage's blocks one after the other, behind what they wait for.
  DrawnSlot draw(const Slot& slot, std::span<const double> factors, bool draws) {
    PassDraw pass(factors, factors.size() == 1 ? 1 : ports_, jitter_, draws);
    DrawnSlot drawn;
    const auto& stage = stages_[static_cast<std::size_t>(slot.stage)];
    const Seconds waiting = waiting_of_stage(stage, costs_, slot.pass);
    Seconds done = waiting > Seconds{} ? pass.factor() * waiting : Seconds{};
    bool first = true;
    for (std::size_t i = 0; i < stage.size(); ++i) {
      const StageBlock& block = stage[slot.pass == SlotPass::forward ? i : stage.size() - 1 - i];
      if (block.use != SegmentUse::executed) continue;
      const DrawnBlock& tasks = blocks_[block.program];
      for (std::int64_t n = 0; n < block.repeat; ++n) {
        const Seconds before = first ? Seconds{} : done;
        first = false;
        done += pass.run(tasks.passes[static_cast<std::size_t>(slot.pass)]);
        drawn.blocks.push_back(to_picoseconds(done) - to_picoseconds(before));
      }
    }
    drawn.total = to_picoseconds(done);
    return drawn;
  }

  /// Without jitter equal stages, passes and factors take equal times.
  DrawnSlot drawn_slot(const Slot& slot, std::size_t replica, std::size_t rank, std::size_t i) {
    const std::vector<double>& factors = replicas_.factors[replica][rank];
    if (options_.jitter > 0) {
      jitter_.start(options_.seed, replica, rank, i);
      return draw(slot, factors, true);
    }
    const auto [found, first] = known_.try_emplace({slot.stage, slot.pass, factors.front()});
    if (first) found->second = draw(slot, factors, false);
    return found->second;
  }

  void add_replica(std::size_t replica) {
    ends_.clear();
    begins_.clear();
    for (std::size_t rank = 0; rank < order_.ranks.size(); ++rank) {
      TaskId before = SlotTasks::kNone;
      for (std::size_t i = 0; i < order_.ranks[rank].size(); ++i)
        before = add_slot(replica, rank, i, before);
      last_ends_[rank].push_back(before);
    }
    for (std::size_t rank = 0; rank < order_.ranks.size(); ++rank) {
      for (std::size_t i = 0; i < order_.ranks[rank].size(); ++i)
        add_input(rank, i);
    }
  }

  TaskId add_slot(std::size_t replica, std::size_t rank, std::size_t i, TaskId before) {
    const Slot& slot = order_.ranks[rank][i];
    const SlotTasks& role = roles_.slots[rank][i];
    const DrawnSlot drawn = drawn_slot(slot, replica, rank, i);
    const Picoseconds added = added_by_sharing(slot, role);
    const TaskId begin = graph_.add_delay(0);
    if (before != SlotTasks::kNone) graph_.add_edge(before, begin);
    TaskId end = begin;
    if (role.blocks.empty()) {
      end = after(end, drawn.total + added);
    } else {
      for (std::size_t b = 0; b < drawn.blocks.size(); ++b) {
        end = after(end, drawn.blocks[b] + (b + 1 == drawn.blocks.size() ? added : 0));
        block_ends_[rank][role.blocks[b]].push_back(end);
      }
    }
    begins_[{rank, i}] = begin;
    ends_[key_of(slot)] = end;
    passes_.push_back({static_cast<std::uint32_t>(replica), static_cast<std::uint32_t>(rank),
                       static_cast<std::uint32_t>(i), 0, 0});
    pass_tasks_.emplace_back(begin, end);
    return end;
  }

  TaskId after(TaskId before, Picoseconds duration) {
    const TaskId task = graph_.add_delay(duration);
    graph_.add_edge(before, task);
    return task;
  }

  void add_input(std::size_t rank, std::size_t i) {
    const Slot& slot = order_.ranks[rank][i];
    const std::optional<SlotInput> needs = input_of(order_, slot);
    if (!needs) return;
    const TaskId input = roles_.slots[rank][i].input;
    const TaskId begin = begins_.at({rank, i});
    const TaskId sent = ends_.at(needs->from);
    if (input == SlotTasks::kNone) {
      graph_.add_edge(sent, begin);
    } else {
      graph_.add_edge(after(sent, length(input)), begin);
    }
  }

  /// Reductions wait for the block in all replicas; the update for them and all passes.
  void add_update(std::size_t rank) {
    const TaskId passes_end = joint(last_ends_[rank]);
    TaskId last = SlotTasks::kNone;
    for (const TaskId role : roles_.reductions[rank]) {
      const TaskId start = graph_.add_delay(0);
      for (const TaskId ready : ready_for(rank, role, passes_end))
        graph_.add_edge(ready, start);
      if (last != SlotTasks::kNone) graph_.add_edge(last, start);
      last = after(start, length(role));
    }
    TaskId end = passes_end;
    if (last != SlotTasks::kNone) end = joint({passes_end, last});
    double slowest = 1;
    for (const auto& replica : replicas_.factors) {
      for (const double factor : replica[rank])
        slowest = std::max(slowest, factor);
    }
    for (const TaskId role : roles_.updates[rank]) {
      const bool computes = roles_.kinds[roles_.kind_of[role]].lane == RoleLane::operators;
      const double time = static_cast<double>(length(role)) * (computes ? slowest : 1);
      end = after(end, std::llround(time));
    }
    passes_end_.push_back(passes_end);
    finish_.push_back(end);
  }

  TaskId joint(const std::vector<TaskId>& tasks) {
    const TaskId task = graph_.add_delay(0);
    for (const TaskId before : tasks)
      graph_.add_edge(before, task);
    return task;
  }

  std::vector<TaskId> ready_for(std::size_t rank, TaskId role, TaskId passes_end) const {
    const auto block = roles_.ready_after.find(role);
    if (block == roles_.ready_after.end()) return {passes_end};
    const auto found = block_ends_[rank].find(block->second);
    return found == block_ends_[rank].end() ? std::vector<TaskId>{passes_end} : found->second;
  }

  static constexpr double kOne = 1;
  static constexpr std::span<const double> kEven{&kOne, 1};

  const RoleGraph& roles_;
  const GraphRun& run_;
  const Replicas& replicas_;
  const SimulateOptions& options_;
  const ScheduleOrder& order_;
  const std::vector<std::vector<StageBlock>>& stages_;
  const CostedBlocks& costs_;
  Jitter jitter_;
  std::size_t ports_ = 1;  ///< members of a tensor group
  std::vector<DrawnBlock> blocks_;
  TaskGraph graph_;
  std::map<std::pair<std::int32_t, SlotPass>, Picoseconds> alone_;
  std::map<std::tuple<std::int32_t, SlotPass, double>, DrawnSlot> known_;
  std::map<SlotKey, TaskId> ends_;                                 ///< of the replica in the making
  std::map<std::pair<std::size_t, std::size_t>, TaskId> begins_;   ///< of the same
  std::vector<std::map<TaskId, std::vector<TaskId>>> block_ends_;  ///< [rank]: role's task -> ours
  std::map<std::size_t, std::vector<TaskId>> last_ends_;           ///< by rank: of each replica
  std::vector<TaskId> passes_end_;
  std::vector<TaskId> finish_;
  std::vector<DisturbedRun::Pass> passes_;
  std::vector<std::pair<TaskId, TaskId>> pass_tasks_;
};

}  // namespace

DisturbedRun run_disturbed(Predictor::State& state, const Plan& plan, const RoleRun& clean,
                           const Replicas& replicas, const SimulateOptions& options) {
  return Disturbed(state, plan, clean, replicas, options).run();
}

}  // namespace fastpath
