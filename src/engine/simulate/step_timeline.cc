#include "engine/simulate/step_timeline.h"

#include <algorithm>
#include <map>

namespace fastpath {
namespace {

/// Adds spans up to the most that are asked for, and counts the others.
class Spans {
 public:
  Spans(const std::string& title, std::int64_t most) : most_(most) {
    timeline_.origin = Origin::simulated;
    timeline_.title = title;
  }

  std::uint32_t lane(const std::string& process, const std::string& name) {
    timeline_.lanes.push_back({process, name});
    return static_cast<std::uint32_t>(timeline_.lanes.size() - 1);
  }

  struct Times {
    Picoseconds start = 0;
    Picoseconds end = 0;
  };

  void add(std::uint32_t lane, const std::string& text, std::string_view category, Times times,
           Bound bound) {
    if (static_cast<std::int64_t>(timeline_.spans.size()) >= most_) {
      ++timeline_.dropped;
      return;
    }
    timeline_.spans.push_back({lane, name(text), name(std::string(category)), times.start,
                               times.end - times.start, bound});
  }

  Timeline done(const std::string& what) {
    if (timeline_.dropped > 0) {
      timeline_.notes.push_back(std::to_string(timeline_.dropped) + " " + what + " are left out");
    }
    std::stable_sort(timeline_.spans.begin(), timeline_.spans.end(),
                     [](const Span& a, const Span& b) { return a.start < b.start; });
    return std::move(timeline_);
  }

 private:
  std::uint32_t name(const std::string& text) {
    const auto [found, added] =
        names_.try_emplace(text, static_cast<std::uint32_t>(timeline_.names.size()));
    if (added) timeline_.names.push_back(text);
    return found->second;
  }

  std::int64_t most_;
  std::map<std::string, std::uint32_t> names_;
  Timeline timeline_;
};

std::string_view words_for(SlotPass pass) {
  switch (pass) {
    case SlotPass::forward: return "forward";
    case SlotPass::backward: return "backward";
    case SlotPass::backward_input: return "backward input";
    case SlotPass::backward_weight: return "backward weight";
  }
  return "";
}

void add_slot(Spans& spans, std::uint32_t lane, const Slot& slot, Spans::Times times) {
  const std::string category(words_for(slot.pass));
  spans.add(lane, category + " " + std::to_string(slot.micro_batch), category, times,
            Bound::compute);
}

}  // namespace

Timeline step_timeline(const std::string& title, const RoleGraph& roles, const GraphRun& run,
                       const ScheduleOrder& order, const SimulateOptions& options) {
  Spans spans(title, options.max_spans);
  for (std::size_t rank = 0; rank < roles.slots.size(); ++rank) {
    const std::string process = "pipeline rank " + std::to_string(rank);
    const std::uint32_t passes = spans.lane(process, "passes");
    spans.lane(process, "operators");
    spans.lane(process, "network");
    for (std::size_t i = 0; i < roles.slots[rank].size(); ++i) {
      const SlotTasks& slot = roles.slots[rank][i];
      add_slot(spans, passes, order.ranks[rank][i], {run.end[slot.begin], run.end[slot.end]});
    }
  }
  // The earliest first, so that what is left out is the end.
  std::vector<TaskId> tasks;
  for (TaskId task = 0; task < roles.graph.size(); ++task) {
    if (roles.kinds[roles.kind_of[task]].lane != RoleLane::joint) tasks.push_back(task);
  }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [&](TaskId a, TaskId b) { return run.start[a] < run.start[b]; });
  for (const TaskId task : tasks) {
    const TaskKind& kind = roles.kinds[roles.kind_of[task]];
    const auto lane = 3 * kind.rank + (kind.lane == RoleLane::network ? 2U : 1U);
    // Operators start when their lane is free: their last predecessor's end.
    spans.add(lane, kind.name, kind.category, {run.start[task], run.end[task]}, kind.bound);
  }
  return spans.done("operators and transfers at the step's end");
}

Timeline replica_timeline(const std::string& title, const DisturbedRun& run,
                          const ScheduleOrder& order, const SimulateOptions& options) {
  Spans spans(title, options.max_spans);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> lanes;
  for (const DisturbedRun::Pass& pass : run.passes) {
    const auto [found, added] = lanes.try_emplace({pass.replica, pass.rank});
    if (added) {
      found->second = spans.lane("replica " + std::to_string(pass.replica),
                                 "pipeline rank " + std::to_string(pass.rank));
    }
    add_slot(spans, found->second, order.ranks[pass.rank][pass.slot], {pass.start, pass.end});
  }
  return spans.done("passes of later replicas");
}

}  // namespace fastpath
