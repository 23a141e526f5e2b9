#include "engine/simulate/role_graph.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "engine/parted_backward.h"
#include "engine/simulate/slot_input.h"
#include "ir/names.h"
#include "lower/stages.h"

namespace fastpath {
namespace {

constexpr double kPicosecondsPerSecond = 1e12;
constexpr TaskId kNone = SlotTasks::kNone;

/// A task of a pass, ready to be added to the graph as often as it runs.
struct Timed {
  Picoseconds duration = 0;
  double amount = 0;
  RouteId route = TaskGraph::kNoRoute;
  std::uint32_t kind = 0;
  const Task* task = nullptr;
};

using TimedPass = std::vector<Timed>;

/// Adds the steps of one rank's stages.
class Builder {
 public:
  Builder(Predictor::State& state, const Plan& plan, bool share_links)
      : state_(state),
        plan_(plan),
        share_links_(share_links),
        models_(state.models(plan.execution)),
        order_(state.order(plan)),
        stages_(state.lowerer.stages(plan)),
        costs_(state.costed(plan)),
        times_(state.stage_times(plan, costs_)),
        programs_(state.lowerer.lower_blocks(plan)),
        levels_(state.system.levels.size()) {
    result_.kinds.emplace_back();
    for (std::size_t i = 0; i < 2 * levels_ * order_.ranks.size(); ++i)
      result_.graph.add_link(1);
  }

  RoleGraph build() {
    for (std::size_t rank = 0; rank < order_.ranks.size(); ++rank)
      add_rank(rank);
    for (std::size_t rank = 0; rank < order_.ranks.size(); ++rank) {
      for (std::size_t i = 0; i < order_.ranks[rank].size(); ++i)
        add_input(order_.ranks[rank][i], result_.slots[rank][i]);
    }
    return std::move(result_);
  }

 private:
  std::size_t rank_of(std::int32_t stage) const {
    return static_cast<std::size_t>(rank_of_stage(plan_, stage));
  }

  // Tasks.

  TaskId joint() {
    result_.kind_of.push_back(0);
    return result_.graph.add_delay(0);
  }

  TaskId add(const Timed& timed) {
    result_.kind_of.push_back(timed.kind);
    return timed.route == TaskGraph::kNoRoute
               ? result_.graph.add_delay(timed.duration)
               : result_.graph.add_transfer(timed.amount, timed.route);
  }

  void edge(TaskId from, TaskId to) {
    if (from != kNone) result_.graph.add_edge(from, to);
  }

  std::uint32_t port(std::size_t rank, std::size_t level, bool in) const {
    return static_cast<std::uint32_t>(2 * (rank * levels_ + level) + (in ? 1 : 0));
  }

  /// A transfer of `task` from a rank's ports to another's (its own in a collective).
  Timed transfer(const Task& task, std::size_t from, std::size_t to, std::string name) {
    const TaskCost cost = models_.collective(task.collective, task.group, task.payload);
    Timed timed{to_picoseconds(cost.time), 0, TaskGraph::kNoRoute, 0, &task};
    timed.kind = kind(from, RoleLane::network, Bound::network, std::move(name), task.pass);
    if (!share_links_ || timed.duration == 0) return timed;
    const std::vector<double> use =
        models_.network.port_use(task.collective, task.group, task.payload);
    const double most = use.empty() ? 0 : *std::max_element(use.begin(), use.end());
    if (most <= 0) return timed;
    std::vector<LinkUse> links;
    for (std::size_t level = 0; level < levels_; ++level) {
      if (use[level] <= 0) continue;
      links.push_back({port(from, level, false), use[level] / most});
      links.push_back({port(to, level, true), use[level] / most});
    }
    timed.route = result_.graph.add_route(links, most);
    timed.amount = most * to_seconds(timed.duration).base();
    return timed;
  }

  std::uint32_t kind(std::size_t rank, RoleLane lane, Bound bound, std::string name, Pass pass) {
    result_.kinds.push_back(
        {static_cast<std::uint32_t>(rank), lane, bound, std::move(name), name_of(pass)});
    return static_cast<std::uint32_t>(result_.kinds.size() - 1);
  }

  Timed timed(const Task& task, std::size_t rank, const std::string& place) {
    if (task.collective != Collective::none) {
      return transfer(task, rank, rank, place + " " + std::string(name_of(task.collective)));
    }
    const TaskCost cost = models_.device.cost(task.shape);
    Timed timed{to_picoseconds(cost.time), 0, TaskGraph::kNoRoute, 0, &task};
    timed.kind = kind(rank, RoleLane::operators, cost.bound, place, task.pass);
    return timed;
  }

  /// A block's pass on a rank, costed once.
  const TimedPass& timed_pass(std::size_t rank, std::uint32_t block, SlotPass pass) {
    const auto [found, added] = passes_.try_emplace({rank, block, pass});
    if (!added) return found->second;
    const BlockProgram& program = programs_[block];
    const Block& source = state_.lowerer.workload(plan_).blocks[program.block];
    const auto name = [&](const Task& task) {
      return source.name + "." + (task.op == kWholeBlock ? "weights" : source.ops[task.op].name);
    };
    for (const Task& task : kept(tasks_of(program, pass)))
      found->second.push_back(timed(task, rank, name(task)));
    return found->second;
  }

  // Passes.

  /// Adds a pass that starts after `before`; returns a task that ends with it.
  TaskId add_pass(const TimedPass& pass, TaskId before) {
    TaskId compute = kNone;
    TaskId network = kNone;
    ids_.clear();
    for (const Timed& timed : pass) {
      const TaskId id = add(timed);
      TaskId& lane = timed.task->collective == Collective::none ? compute : network;
      const bool free = lane == kNone && timed.task->after.empty();
      edge(free ? before : lane, id);
      for (const std::uint32_t earlier : timed.task->after)
        edge(ids_[earlier], id);
      lane = id;
      ids_.push_back(id);
    }
    if (compute == kNone && network == kNone) return before;
    if (network == kNone) return compute;
    if (compute == kNone) return network;
    const TaskId end = joint();
    edge(compute, end);
    edge(network, end);
    return end;
  }

  /// Waiting that predict has as one figure: it shares no link here.
  TaskId add_wait(Seconds time, std::size_t rank, const std::string& name, Pass pass,
                  TaskId after) {
    if (to_picoseconds(time) <= 0) return after;
    Timed timed;
    timed.duration = to_picoseconds(time);
    timed.kind = kind(rank, RoleLane::network, Bound::network, name, pass);
    const TaskId id = add(timed);
    edge(after, id);
    return id;
  }

  SlotTasks add_slot(const Slot& slot, std::size_t rank, bool last) {
    SlotTasks tasks;
    tasks.begin = joint();
    const auto& stage = stages_[static_cast<std::size_t>(slot.stage)];
    TaskId done = add_wait(
        waiting_of_stage(stage, costs_, slot.pass), rank, "weights and copies (exposed)",
        slot.pass == SlotPass::forward ? Pass::forward : Pass::backward_input, tasks.begin);
    for (std::size_t i = 0; i < stage.size(); ++i) {
      const StageBlock& run = stage[slot.pass == SlotPass::forward ? i : stage.size() - 1 - i];
      if (run.use != SegmentUse::executed) continue;
      const TimedPass& pass = timed_pass(rank, run.program, slot.pass);
      for (std::int64_t n = 0; n < run.repeat; ++n) {
        done = add_pass(pass, done);
        if (last) tasks.blocks.push_back(done);
      }
    }
    tasks.end = joint();
    edge(done, tasks.end);
    return tasks;
  }

  void add_rank(std::size_t rank) {
    const std::vector<Slot>& slots = order_.ranks[rank];
    std::map<std::int32_t, std::size_t> last_backward;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].pass != SlotPass::forward) last_backward[slots[i].stage] = i;
    }
    auto& tasks = result_.slots.emplace_back();
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const auto found = last_backward.find(slots[i].stage);
      const bool last = found != last_backward.end() && found->second == i;
      tasks.push_back(add_slot(slots[i], rank, last));
      if (i > 0) edge(tasks[i - 1].end, tasks[i].begin);
      ends_[key_of(slots[i])] = tasks[i].end;
    }
    result_.passes_end.push_back(tasks.back().end);
    result_.reductions.emplace_back();
    result_.updates.emplace_back();
    if (state_.training()) add_update(rank, last_backward);
    if (!state_.training()) result_.finish.push_back(tasks.back().end);
  }

  /// Gradients of a block are reduced from when its last backward has ended, one after the other.
  void add_update(std::size_t rank, const std::map<std::int32_t, std::size_t>& last_backward) {
    const TaskId passes_end = result_.passes_end.back();
    TaskId last = kNone;
    for (auto chunk = last_backward.rbegin(); chunk != last_backward.rend(); ++chunk) {
      const SlotTasks& slot = result_.slots[rank][chunk->second];
      std::size_t next = 0;
      const auto& stage = stages_[static_cast<std::size_t>(chunk->first)];
      for (auto run = stage.rbegin(); run != stage.rend(); ++run) {
        if (run->use != SegmentUse::executed) continue;
        const std::vector<Timed>& reduction = timed_reduction(rank, run->program);
        for (std::int64_t n = 0; n < run->repeat; ++n) {
          const TaskId ready = plan_.overlap_gradients ? slot.blocks[next] : passes_end;
          ++next;
          last = add_chain(reduction, ready, last, rank);
        }
      }
    }
    TaskId end = joint();
    edge(passes_end, end);
    edge(last, end);
    const std::vector<Task>& update = kept(state_.update_of_rank(plan_, costs_, rank));
    const auto wait = [&](Seconds time, const std::string& name) {
      const TaskId id = add_wait(time, rank, name, Pass::update, end);
      if (id != end) result_.updates[rank].push_back(id);
      end = id;
    };
    wait(exposed_copies(update, models_), "states from and to the host (exposed)");
    for (const Task& task : update) {
      if (runs_elsewhere(plan_, task)) continue;
      const bool network = task.collective != Collective::none;
      const TaskId id = add(timed(task, rank, network ? "weights" : "optimizer"));
      edge(end, id);
      result_.updates[rank].push_back(id);
      end = id;
    }
    wait(state_.exposed_gather(plan_, costs_, times_), "weights (exposed)");
    result_.finish.push_back(end);
  }

  TaskId add_chain(const std::vector<Timed>& tasks, TaskId ready, TaskId last, std::size_t rank) {
    for (const Timed& timed : tasks) {
      const TaskId id = add(timed);
      edge(ready, id);
      edge(last, id);
      result_.reductions[rank].push_back(id);
      result_.ready_after[id] = ready;
      last = id;
    }
    return last;
  }

  const std::vector<Timed>& timed_reduction(std::size_t rank, std::uint32_t block) {
    const auto [found, added] = reductions_.try_emplace({rank, block});
    if (!added) return found->second;
    const Block& source = state_.lowerer.workload(plan_).blocks[programs_[block].block];
    for (const Task& task : kept(reduction_tasks(plan_, mesh_of(plan_), costs_.memory[block])))
      found->second.push_back(timed(task, rank, source.name + ".gradients"));
    return found->second;
  }

  /// Timed refers to tasks: these are kept as long as the builder is.
  const std::vector<Task>& kept(std::vector<Task> tasks) {
    kept_.push_back(std::make_unique<std::vector<Task>>(std::move(tasks)));
    return *kept_.back();
  }

  // Between stages.

  void add_input(const Slot& slot, SlotTasks& tasks) {
    const std::optional<SlotInput> input = input_of(order_, slot);
    if (!input) return;
    const TaskId from = ends_.at(input->from);
    const auto boundary = static_cast<std::size_t>(input->boundary.value_or(0));
    if (!input->boundary || times_.send[boundary] <= Seconds{}) {
      edge(from, tasks.begin);
      return;
    }
    tasks.input = add(timed_send(input->from.stage, slot, *input->boundary));
    edge(from, tasks.input);
    edge(tasks.input, tasks.begin);
  }

  const Timed& timed_send(std::int32_t from, const Slot& slot, std::int32_t boundary) {
    const auto [found, added] = sends_.try_emplace({from, slot.stage});
    if (!added) return found->second;
    const std::int64_t apart =
        std::abs(rank_of_stage(plan_, slot.stage) - rank_of_stage(plan_, from));
    const auto& next = stages_[static_cast<std::size_t>(boundary) + 1];
    Task task;
    task.op = kWholeBlock;
    task.pass = slot.pass == SlotPass::forward ? Pass::forward : Pass::backward_input;
    task.collective = Collective::send_recv;
    task.group = {2, apart * mesh_of(plan_).group(MeshAxis::pipeline).stride};
    task.payload = costs_.memory[next.front().program].boundary;
    found->second = transfer(kept({task}).front(), rank_of(from), rank_of(slot.stage),
                             "send to stage " + std::to_string(slot.stage));
    return found->second;
  }

  Predictor::State& state_;
  const Plan& plan_;
  bool share_links_;
  const Models& models_;
  const ScheduleOrder& order_;
  const std::vector<std::vector<StageBlock>>& stages_;
  const CostedBlocks& costs_;
  StageTimes times_;
  std::vector<BlockProgram> programs_;
  std::size_t levels_;
  std::map<std::tuple<std::size_t, std::uint32_t, SlotPass>, TimedPass> passes_;
  std::map<std::pair<std::size_t, std::uint32_t>, std::vector<Timed>> reductions_;
  std::map<std::pair<std::int32_t, std::int32_t>, Timed> sends_;
  std::map<SlotKey, TaskId> ends_;
  std::vector<std::unique_ptr<std::vector<Task>>> kept_;
  std::vector<TaskId> ids_;
  RoleGraph result_;
};

}  // namespace

Picoseconds to_picoseconds(Seconds time) {
  return std::llround(time.base() * kPicosecondsPerSecond);
}

Seconds to_seconds(Picoseconds time) {
  return Seconds{static_cast<double>(time) / kPicosecondsPerSecond};
}

RoleGraph role_graph(Predictor::State& state, const Plan& plan, bool share_links) {
  return Builder(state, plan, share_links).build();
}

}  // namespace fastpath
