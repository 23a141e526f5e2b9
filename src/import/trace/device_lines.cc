#include "import/trace/device_lines.h"

#include <map>
#include <string>
#include <vector>

#include "import/trace/event_fields.h"

namespace fastpath {
namespace {

enum class LineUse : std::uint8_t { none, work, derived, host };

bool is_xla_device(const TraceLane& lane) {
  return lane.process.starts_with("/device:") && !lane.process.starts_with("/device:CUSTOM");
}

/// "/device:GPU:3" is device 3.
std::int64_t device_of(const std::string& process) {
  const std::size_t colon = process.rfind(':');
  return whole_number(std::string_view(process).substr(colon + 1)).value_or(0);
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

/// Without the number that FastPath gives to the threads of a lane whose spans overlap: "network
/// (2)" is "network".
std::string line_of(const TraceLane& lane) {
  const std::size_t space = lane.thread.rfind(" (");
  const bool numbered = space != std::string::npos && lane.thread.size() > space + 2 &&
                        lane.thread[space + 2] >= '0' && lane.thread[space + 2] <= '9';
  return numbered ? lane.thread.substr(0, space) : lane.thread;
}

std::vector<LineUse> uses_of(Trace& trace) {
  bool has_streams = false;
  for (const TraceLane& lane : trace.lanes)
    has_streams |= is_xla_device(lane) && lane.thread.starts_with("Stream #");
  std::map<std::string, std::int64_t> processes;
  std::map<std::pair<std::int64_t, std::string>, std::int64_t> streams;
  std::vector<LineUse> uses;
  for (TraceLane& lane : trace.lanes) {
    const auto number = static_cast<std::int64_t>(processes.size());
    const std::int64_t process = processes.try_emplace(lane.process, number).first->second;
    uses.push_back(trace.predicted ? use_in_fastpath(lane) : use_in_xla(lane, has_streams));
    if (uses.back() != LineUse::work) continue;
    lane.device = trace.predicted ? process : device_of(lane.process);
    const auto next = static_cast<std::int64_t>(streams.size());
    lane.stream = streams.try_emplace({process, line_of(lane)}, next).first->second;
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
