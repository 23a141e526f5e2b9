#include "analyze/trace/timeline_trace.h"

#include <algorithm>
#include <map>
#include <string>

namespace fastpath {

Trace trace_of(const Timeline& timeline) {
  Trace trace;
  trace.title = timeline.title;
  trace.predicted = true;
  trace.names = timeline.names;
  std::map<std::string, std::int64_t> processes;
  for (const Lane& lane : timeline.lanes) {
    const auto next = static_cast<std::int64_t>(processes.size());
    const std::int64_t device = processes.try_emplace(lane.process, next).first->second;
    trace.lanes.push_back(
        {lane.process, lane.name, device, static_cast<std::int64_t>(trace.lanes.size())});
  }
  for (const Span& span : timeline.spans) {
    TraceEvent event;
    event.start = span.start;
    event.duration = span.duration;
    event.name = span.name;
    event.lane = span.lane;
    event.kind = trace.lanes[span.lane].thread.starts_with("passes") ? EventKind::device_annotation
                                                                     : EventKind::kernel;
    trace.events.push_back(event);
  }
  // The order of the exported file: by start, the longer one first.
  std::stable_sort(trace.events.begin(), trace.events.end(),
                   [](const TraceEvent& a, const TraceEvent& b) {
                     return a.start != b.start ? a.start < b.start : a.duration > b.duration;
                   });
  const Picoseconds first = trace.events.empty() ? 0 : trace.events.front().start;
  for (TraceEvent& event : trace.events)
    event.start -= first;
  return trace;
}

}  // namespace fastpath
