#include "analyze/trace/timeline_trace.h"

#include <algorithm>

#include "ir/timeline_lines.h"

namespace fastpath {

Trace trace_of(const Timeline& timeline) {
  Trace trace;
  trace.title = timeline.title;
  trace.predicted = true;
  trace.names = timeline.names;
  for (const Lane& lane : timeline.lanes) {
    trace.lanes.push_back(
        {lane.process, lane.name, device_of_process(lane.process), stream_of_lane(lane.name)});
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
