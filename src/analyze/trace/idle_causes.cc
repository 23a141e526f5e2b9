#include <algorithm>
#include <map>

#include "analyze/trace/rank_analysis.h"

namespace fastpath {
namespace {

bool is_wait(std::string_view call) { return call.find("Synchronize") != std::string_view::npos; }

bool is_input(std::string_view name) {
  return name.find("DataLoader") != std::string_view::npos ||
         name.find("dataloader") != std::string_view::npos;
}

/// What the host's threads did that matters for a gap.
struct HostActivity {
  std::map<std::uint32_t, TimeRanges> waits;  ///< by lane
  TimeRanges input;                           ///< any thread
};

HostActivity activity_of(const TraceIndex& index) {
  std::map<std::uint32_t, std::vector<TimeRange>> waits;
  std::vector<TimeRange> input;
  for (const std::uint32_t i : index.host) {
    const TraceEvent& event = index.event(i);
    if (event.kind == EventKind::runtime && is_wait(index.name(i))) {
      waits[event.lane].push_back({event.start, event.end()});
    } else if (event.kind != EventKind::runtime && is_input(index.name(i))) {
      input.push_back({event.start, event.end()});
    }
  }
  HostActivity activity;
  for (auto& [lane, intervals] : waits)
    activity.waits[lane] = united(std::move(intervals));
  activity.input = united(std::move(input));
  return activity;
}

void split_host_time(const HostActivity& activity, std::uint32_t lane, TimeRange gap,
                     IdleCauses& causes) {
  const TimeRanges whole{gap};
  const Picoseconds input = overlap(within(activity.input, gap), whole);
  Picoseconds sync = 0;
  const auto waits = activity.waits.find(lane);
  if (waits != activity.waits.end()) {
    const TimeRanges waiting = within(waits->second, gap);
    sync = length_without(waiting, within(activity.input, gap));
  }
  causes.input += input;
  causes.sync += sync;
  causes.host += gap.end - gap.start - input - sync;
}

/// The gap ends with the start of `work`.
void explain_gap(const TraceIndex& index, const HostActivity& activity, const Work& work,
                 TimeRange gap, IdleCauses& causes) {
  if (work.launch == kNone) {
    causes.unknown += gap.end - gap.start;
    return;
  }
  const TraceEvent& call = index.event(work.launch);
  if (call.end() <= gap.start) {
    causes.dependency += gap.end - gap.start;
    return;
  }
  const Picoseconds called = std::clamp(call.start, gap.start, gap.end);
  const Picoseconds returned = std::clamp(call.end(), gap.start, gap.end);
  if (called > gap.start) split_host_time(activity, call.lane, {gap.start, called}, causes);
  causes.call += returned - called;
  causes.queue += gap.end - returned;
}

}  // namespace

std::vector<IdleCauses> explain_idle(const TraceIndex& index) {
  const HostActivity activity = activity_of(index);
  std::map<std::int64_t, IdleCauses> causes;
  std::map<std::int64_t, Picoseconds> ends;
  for (const Work& work : index.work) {
    const TraceEvent& event = index.event(work.event);
    const std::int64_t device = index.trace->lanes[event.lane].device;
    IdleCauses& row = causes[device];
    row.device = device;
    const auto [end, first] = ends.try_emplace(device, event.start);
    if (event.start > end->second) {
      explain_gap(index, activity, work, {end->second, event.start}, row);
    }
    end->second = std::max(end->second, event.end());
  }
  std::vector<IdleCauses> rows;
  rows.reserve(causes.size());
  for (const auto& [device, row] : causes)
    rows.push_back(row);
  return rows;
}

}  // namespace fastpath
