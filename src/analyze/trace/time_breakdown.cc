#include <algorithm>
#include <map>

#include "analyze/trace/rank_analysis.h"

namespace fastpath {
namespace {

/// Unions of a device's work by class.
struct DeviceWork {
  std::vector<TimeRange> compute;
  std::vector<TimeRange> communication;
  std::vector<TimeRange> copies;
  Picoseconds start = 0;
  Picoseconds end = 0;
  bool any = false;

  void add(WorkClass kind, TimeRange interval) {
    start = any ? std::min(start, interval.start) : interval.start;
    end = any ? std::max(end, interval.end) : interval.end;
    any = true;
    switch (kind) {
      case WorkClass::compute: compute.push_back(interval); break;
      case WorkClass::communication: communication.push_back(interval); break;
      case WorkClass::copy: copies.push_back(interval); break;
    }
  }

  TimeBreakdown sum(std::int64_t device) && {
    TimeBreakdown time;
    time.device = device;
    time.start = start;
    time.total = end - start;
    const TimeRanges computing = united(std::move(compute));
    const TimeRanges communicating = united(std::move(communication));
    const TimeRanges copying = united(std::move(copies));
    std::vector<TimeRange> either = computing;
    either.insert(either.end(), communicating.begin(), communicating.end());
    const TimeRanges kernels = united(std::move(either));
    time.compute = length(computing);
    time.communication = length(communicating);
    time.exposed_communication = length_without(communicating, computing);
    time.copies = length(copying);
    time.exposed_copies = length_without(copying, kernels);
    time.busy = length(kernels) + time.exposed_copies;
    return time;
  }
};

std::map<std::int64_t, DeviceWork> work_by_device(const TraceIndex& index) {
  std::map<std::int64_t, DeviceWork> devices;
  for (const Work& work : index.work) {
    const TraceEvent& event = index.event(work.event);
    devices[index.trace->lanes[event.lane].device].add(work.kind, {event.start, event.end()});
  }
  return devices;
}

}  // namespace

std::vector<TimeBreakdown> break_down_time(const TraceIndex& index) {
  std::vector<TimeBreakdown> rows;
  for (auto& [device, work] : work_by_device(index))
    rows.push_back(std::move(work).sum(device));
  return rows;
}

TimeBreakdown break_down_window(const TraceIndex& index, std::int64_t device, TimeRange window) {
  DeviceWork inside;
  // Work is sorted by start; what started before the window may reach into it.
  for (const Work& work : index.work) {
    const TraceEvent& event = index.event(work.event);
    if (event.start >= window.end) break;
    if (event.end() <= window.start || index.trace->lanes[event.lane].device != device) continue;
    inside.add(work.kind, {std::max(event.start, window.start), std::min(event.end(), window.end)});
  }
  TimeBreakdown time = std::move(inside).sum(device);
  time.start = window.start;
  time.total = window.end - window.start;
  return time;
}

std::vector<StepRow> find_steps(const TraceIndex& index) {
  std::vector<StepRow> steps;
  for (const std::uint32_t i : index.host) {
    const std::string_view name = index.name(i);
    if (index.event(i).kind == EventKind::runtime || !name.starts_with("ProfilerStep")) continue;
    StepRow step;
    step.name = name;
    step.start = index.event(i).start;
    step.duration = index.event(i).duration;
    steps.push_back(std::move(step));
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const StepRow& a, const StepRow& b) { return a.start < b.start; });
  const std::int64_t device =
      index.work.empty() ? 0 : index.trace->lanes[index.event(index.work[0].event).lane].device;
  for (StepRow& step : steps)
    step.device = break_down_window(index, device, {step.start, step.start + step.duration});
  return steps;
}

}  // namespace fastpath
