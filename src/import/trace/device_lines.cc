#include "import/trace/device_lines.h"

#include <string>
#include <vector>

#include "ir/timeline_lines.h"

namespace fastpath {
namespace {

enum class LineUse : std::uint8_t { none, work, derived, host };

bool is_xla_device(const TraceLane& lane) {
  return lane.process.starts_with("/device:") && !lane.process.starts_with("/device:CUSTOM");
}

LineUse use_in_xla(const TraceLane& lane, bool has_streams) {
  if (lane.process.starts_with("/host:")) return LineUse::host;
  if (!is_xla_device(lane)) return LineUse::none;
  const bool stream = lane.thread.starts_with("Stream #");
  const bool ops = lane.thread == "XLA Ops" || lane.thread == "Async XLA Ops";
  return (has_streams ? stream : ops) ? LineUse::work : LineUse::derived;
}

LineUse use_in_fastpath(const TraceLane& lane) {
  if (lane.thread.starts_with("passes")) return LineUse::derived;
  return LineUse::work;
}

std::vector<LineUse> uses_of(Trace& trace) {
  bool has_streams = false;
  for (const TraceLane& lane : trace.lanes)
    has_streams |= is_xla_device(lane) && lane.thread.starts_with("Stream #");
  std::vector<LineUse> uses;
  for (TraceLane& lane : trace.lanes) {
    uses.push_back(trace.predicted ? use_in_fastpath(lane) : use_in_xla(lane, has_streams));
    if (uses.back() != LineUse::work) continue;
    const auto number = static_cast<std::int64_t>(uses.size()) - 1;
    lane.device = device_of_process(lane.process);
    lane.stream = trace.predicted ? stream_of_lane(lane.thread) : number;
  }
  return uses;
}

EventKind kind_of_work(const TraceLane& lane, std::string_view name) {
  if (name.starts_with("Memcpy") || lane.thread.find("(Memcpy") != std::string::npos) {
    return EventKind::copy;
  }
  return name.starts_with("Memset") ? EventKind::set : EventKind::kernel;
}

}  // namespace

void classify_by_lines(Trace& trace, const TextTable& texts) {
  const std::vector<LineUse> uses = uses_of(trace);
  for (TraceEvent& event : trace.events) {
    if (event.kind != EventKind::other) continue;
    switch (uses[event.lane]) {
      case LineUse::none: break;
      case LineUse::work:
        event.kind = kind_of_work(trace.lanes[event.lane], texts.at(event.name));
        break;
      case LineUse::derived: event.kind = EventKind::device_annotation; break;
      case LineUse::host:
        event.kind = event.correlation >= 0 ? EventKind::runtime : EventKind::op;
        break;
    }
  }
}

}  // namespace fastpath
