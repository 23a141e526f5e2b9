#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>

#include "engine/parted_backward.h"
#include "engine/state.h"
#include "ir/names.h"

namespace fastpath {
namespace {

constexpr double kPicosecondsPerSecond = 1e12;

Picoseconds picoseconds(Seconds time) { return std::llround(time.base() * kPicosecondsPerSecond); }

/// The tasks of a block's passes with their times, for drawing.
struct DrawnPass {
  std::vector<Task> tasks;
  std::vector<TaskRun> runs;
  Seconds time;
};

/// Draws one rank a pipeline stage: an operator lane and a network lane each.
class Drawing {
 public:
  Drawing(Predictor::State& state, const Plan& plan, std::int64_t max_spans)
      : state_(state),
        plan_(plan),
        max_spans_(max_spans),
        models_(state.models(plan.execution)),
        costs_(state.costed(plan)),
        programs_(state.lowerer.lower_blocks(plan)) {
    for (const SlotPass pass : kSlotPasses) {
      for (const BlockProgram& program : programs_)
        passes_[static_cast<std::size_t>(pass)].push_back(drawn(tasks_of(program, pass)));
    }
  }

  Timeline run() {
    timeline_.title = state_.lowerer.workload().name + " on " + state_.system.id;
    const ScheduleOrder& order = state_.order(plan_);
    const StageTimes times = state_.stage_times(plan_, costs_);
    const ScheduleRun run = run_schedule(order, times, true);
    exposed_gather_ = state_.exposed_gather(plan_, costs_, times);
    for (std::size_t rank = 0; rank < order.ranks.size(); ++rank) {
      add_lanes(rank);
      for (std::size_t i = 0; i < order.ranks[rank].size(); ++i) {
        draw_slot(order.ranks[rank][i], run.starts[rank][i], rank);
      }
      draw_update(rank, run.end[rank]);
    }
    if (state_.training()) count_memory(order, times, run.starts);
    note_dropped();
    std::stable_sort(timeline_.spans.begin(), timeline_.spans.end(),
                     [](const Span& a, const Span& b) { return a.start < b.start; });
    return std::move(timeline_);
  }

 private:
  DrawnPass drawn(std::vector<Task> tasks) const {
    DrawnPass pass{std::move(tasks), {}, {}};
    pass.runs = run_tasks(pass.tasks, models_);
    for (const TaskRun& run : pass.runs)
      pass.time = std::max(pass.time, run.end());
    return pass;
  }

  const DrawnPass& drawn_pass(const StageBlock& run, SlotPass pass) const {
    return passes_[static_cast<std::size_t>(pass)][run.program];
  }

  void add_lanes(std::size_t rank) {
    const std::string process = "pipeline rank " + std::to_string(rank);
    timeline_.lanes.push_back({process, "passes"});
    timeline_.lanes.push_back({process, "operators"});
    timeline_.lanes.push_back({process, "network"});
  }

  static std::uint32_t lane(std::size_t rank, std::size_t kind) {
    return static_cast<std::uint32_t>(3 * rank + kind);
  }

  std::uint32_t name(const std::string& text) {
    const auto [found, added] =
        names_.try_emplace(text, static_cast<std::uint32_t>(timeline_.names.size()));
    if (added) timeline_.names.push_back(text);
    return found->second;
  }

  void span(std::uint32_t lane, const std::string& text, std::string_view category, Seconds start,
            const TaskCost& cost) {
    // Both ends are rounded, so that spans which touch still touch.
    const Picoseconds from = picoseconds(start);
    const Picoseconds to = picoseconds(start + cost.time);
    timeline_.spans.push_back(
        {lane, name(text), name(std::string(category)), from, to - from, cost.bound});
  }

  void draw_slot(const Slot& slot, Seconds start, std::size_t rank) {
    const auto& stage = state_.lowerer.stages(plan_)[static_cast<std::size_t>(slot.stage)];
    TaskCost whole;
    whole.time = cost_of_stage(stage, costs_, slot.pass).time;
    const std::string_view pass_name = name_of_pass(slot.pass);
    span(lane(rank, 0), std::string(pass_name) + " " + std::to_string(slot.micro_batch), pass_name,
         start, whole);
    const std::int64_t inside = spans_inside(stage, slot.pass);
    if (static_cast<std::int64_t>(timeline_.spans.size()) + inside > max_spans_) {
      timeline_.dropped += inside;
      return;
    }
    Seconds clock = start + whole.time - own_time(stage, slot.pass);
    for (std::size_t i = 0; i < stage.size(); ++i) {
      const StageBlock& run = stage[slot.pass == SlotPass::forward ? i : stage.size() - 1 - i];
      if (run.use != SegmentUse::executed) continue;
      const DrawnPass& pass = drawn_pass(run, slot.pass);
      for (std::int64_t n = 0; n < run.repeat; ++n) {
        draw_pass(programs_[run.program].block, pass, clock, rank);
        clock += pass.time;
      }
    }
  }

  static std::string_view name_of_pass(SlotPass pass) {
    switch (pass) {
      case SlotPass::forward: return "forward";
      case SlotPass::backward: return "backward";
      case SlotPass::backward_input: return "input backward";
      case SlotPass::backward_weight: return "weight backward";
    }
    return "";
  }

  /// Sum of the passes without waiting for gathered weights, which is drawn as a gap before them.
  Seconds own_time(const std::vector<StageBlock>& stage, SlotPass pass) const {
    Seconds sum;
    for (const StageBlock& run : stage) {
      if (run.use != SegmentUse::executed) continue;
      sum += static_cast<double>(run.repeat) * drawn_pass(run, pass).time;
    }
    return sum;
  }

  std::int64_t spans_inside(const std::vector<StageBlock>& stage, SlotPass pass) const {
    std::int64_t count = 0;
    for (const StageBlock& run : stage) {
      if (run.use != SegmentUse::executed) continue;
      count += run.repeat * static_cast<std::int64_t>(drawn_pass(run, pass).runs.size());
    }
    return count;
  }

  void draw_pass(std::uint32_t block, const DrawnPass& pass, Seconds clock, std::size_t rank) {
    const Block& source = state_.lowerer.workload(plan_).blocks[block];
    for (std::size_t i = 0; i < pass.runs.size(); ++i) {
      const Task& task = pass.tasks[i];
      if (task.copy != HostCopy::none) continue;  // waiting for it is drawn as a gap
      const bool network = task.collective != Collective::none;
      const std::string text = source.name + "." +
                               (task.op == kWholeBlock ? "weights" : source.ops[task.op].name) +
                               (network ? " " + std::string(name_of(task.collective)) : "");
      span(lane(rank, network ? 2 : 1), text, name_of(task.pass), clock + pass.runs[i].start,
           pass.runs[i].cost);
    }
  }

  void draw_update(std::size_t rank, Seconds end) {
    if (!state_.training()) return;
    const RankCost cost = state_.rank_cost(plan_, costs_, rank, end);
    TaskCost reduction;
    reduction.time = cost.exposed_reduction;
    reduction.bound = Bound::network;
    if (reduction.time > Seconds{}) {
      span(lane(rank, 2), "gradient reduction (exposed)", "update", end, reduction);
    }
    Seconds clock = end + reduction.time;
    const std::vector<Task> tasks = state_.update_of_rank(plan_, costs_, rank);
    TaskCost copies;
    copies.time = exposed_copies(tasks, models_);
    copies.bound = Bound::network;
    if (copies.time > Seconds{}) {
      span(lane(rank, 2), "states from and to the host (exposed)", "update", clock, copies);
      clock += copies.time;
    }
    for (const Task& task : tasks) {
      if (runs_elsewhere(plan_, task)) continue;
      const bool network = task.collective != Collective::none;
      const bool gather = task.collective == Collective::all_gather;
      const TaskCost one = models_.cost(task);
      span(lane(rank, network ? 2 : 1),
           network ? (gather ? "weights " : "gradients ") + std::string(name_of(task.collective))
                   : "optimizer",
           "update", clock, one);
      clock += one.time;
    }
    TaskCost gather;
    gather.time = exposed_gather_;
    gather.bound = Bound::network;
    if (gather.time > Seconds{}) {
      span(lane(rank, 2), "weights all_gather (exposed)", "update", clock, gather);
    }
  }

  /// Memory of each rank over time: what it holds all along, and what waits for its backward, from
  /// the start of the forward to the end of the backward.
  void count_memory(const ScheduleOrder& order, const StageTimes& times,
                    const std::vector<std::vector<Seconds>>& starts) {
    const std::vector<KeptBytes> kept = state_.kept_bytes(plan_, costs_);
    const std::vector<MemoryByClass> peak = state_.memory(plan_, costs_);
    const std::uint32_t counter = name("memory (B)");
    for (std::size_t rank = 0; rank < order.ranks.size(); ++rank) {
      Bytes held = peak[rank].total() - peak[rank].activations;
      const auto sample = [&](Seconds time) {
        timeline_.counters.push_back({counter, lane(rank, 0), picoseconds(time), held.base()});
      };
      sample({});
      for (std::size_t i = 0; i < order.ranks[rank].size(); ++i) {
        const Slot& slot = order.ranks[rank][i];
        const Bytes change = kept_by(slot.pass, kept[static_cast<std::size_t>(slot.stage)]);
        const Seconds start = starts[rank][i];
        held += change;
        sample(change > Bytes{}
                   ? start
                   : start + times.of(slot.pass)[static_cast<std::size_t>(slot.stage)]);
      }
    }
  }

  void note_dropped() {
    if (timeline_.dropped == 0) return;
    timeline_.notes.push_back(std::to_string(timeline_.dropped) +
                              " operator spans of later micro-batches are left out; their passes "
                              "are drawn whole");
  }

  Predictor::State& state_;
  const Plan& plan_;
  std::int64_t max_spans_;
  const Models& models_;
  const CostedBlocks& costs_;
  std::vector<BlockProgram> programs_;
  std::array<std::vector<DrawnPass>, kSlotPasses.size()> passes_;  ///< [pass][program]
  Seconds exposed_gather_;  ///< of updated weights, before the next step's forward
  std::map<std::string, std::uint32_t> names_;
  Timeline timeline_;
};

}  // namespace

Picoseconds makespan(const Timeline& timeline) {
  Picoseconds end = 0;
  for (const Span& span : timeline.spans)
    end = std::max(end, span.start + span.duration);
  return end;
}

Result<Timeline> Predictor::draw(const Plan& plan, std::int64_t max_spans) {
  Diagnostics mistakes = state_->mistakes(plan);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return Drawing(*state_, plan, max_spans).run();
}

}  // namespace fastpath
