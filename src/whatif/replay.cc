#include "whatif/replay.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace fastpath {
namespace {

constexpr Picoseconds kFirst = std::numeric_limits<Picoseconds>::min();
constexpr Picoseconds kLast = std::numeric_limits<Picoseconds>::max();

Picoseconds scaled(Picoseconds time, double factor) {
  return factor == 1 ? time
                     : static_cast<Picoseconds>(std::llround(static_cast<double>(time) * factor));
}

bool is_unwaited(const TimeScales& scales, std::uint32_t event) {
  return scales.no_sync || (!scales.unwaited.empty() && scales.unwaited[event]);
}

}  // namespace

bool waits_for_device(std::string_view call) {
  return call.find("Synchronize") != std::string_view::npos;
}

TraceReplay::TraceReplay(const TraceIndex& index)
    : index_(index),
      graph_(dependency_graph(index, kFirst, kLast)),
      node_of_(index.trace->events.size(), kNone),
      launches_(index.trace->events.size(), false) {
  for (std::size_t i = 0; i < graph_.events.size(); ++i)
    node_of_[graph_.events[i]] = static_cast<PathNode>(2 * i);
  for (const Work& work : index_.work) {
    if (work.launch != kNone) launches_[work.launch] = true;
  }
  add_alternatives();
  add_threads();
  // Clocks of host and device differ by some microseconds: a wait may end before its work.
  for (PathEdge& edge : graph_.edges)
    edge.time = std::min(edge.time, time_of(edge.to) - time_of(edge.from));
  order_ = order_of(graph_);
  delay_.assign(graph_.nodes(), 0);
  std::vector<Picoseconds> ready(graph_.nodes(), kFirst);
  const TimeScales same{std::vector<double>(index.trace->events.size(), 1.0),
                        std::vector<bool>(index.trace->events.size(), false)};
  for (const PathEdge& edge : graph_.edges)
    ready[edge.to] = std::max(ready[edge.to], time_of(edge.from) + weight(edge, same));
  for (PathNode node = 0; node < graph_.nodes(); ++node)
    delay_[node] = ready[node] == kFirst ? 0 : time_of(node) - ready[node];
}

Picoseconds TraceReplay::time_of(PathNode node) const {
  const TraceEvent& event = index_.event(graph_.events[node / 2]);
  return node % 2 == 0 ? event.start : event.end();
}

bool TraceReplay::is_launch(std::uint32_t event) const {
  return event != kNone && index_.event(event).kind == EventKind::runtime && launches_[event];
}

/// The graph holds what held work up; what would have, had that been faster, comes here: the work
/// before on a stream that was free, and the call of work that waited for its stream.
void TraceReplay::add_alternatives() {
  std::vector<Picoseconds> latencies;
  for (const PathEdge& edge : graph_.edges) {
    if (edge.cause == PathCause::launch) latencies.push_back(edge.time);
  }
  Picoseconds usual = 0;
  if (!latencies.empty()) {
    const auto middle = latencies.begin() + static_cast<std::ptrdiff_t>(latencies.size() / 2);
    std::nth_element(latencies.begin(), middle, latencies.end());
    usual = *middle;
  }
  std::map<std::uint32_t, std::uint32_t> last_of_lane;
  for (const Work& work : index_.work) {
    const PathNode node = node_of_[work.event];
    if (node == kNone) continue;
    const TraceEvent& event = index_.event(work.event);
    const auto before = last_of_lane.find(event.lane);
    if (before != last_of_lane.end() && index_.event(before->second).end() <= event.start) {
      graph_.edges.push_back({node_of_[before->second] + 1, node, 0, work.event, PathCause::order});
    }
    if (work.launch != kNone && node_of_[work.launch] != kNone) {
      const Picoseconds since = event.start - index_.event(work.launch).start;
      if (since >= 0) {
        graph_.edges.push_back(
            {node_of_[work.launch], node, std::min(usual, since), work.launch, PathCause::launch});
      }
    }
    last_of_lane[event.lane] = work.event;
  }
}

/// Outermost events of a thread follow what other threads did last: a backward starts after the
/// forward, and the step after the backward, though no event of the trace says so.
void TraceReplay::add_threads() {
  struct Point {
    Picoseconds time;
    PathNode node;
    std::uint32_t lane;
  };
  std::vector<Point> points;
  std::vector<Point> starts;
  std::map<std::uint32_t, Picoseconds> open_until;
  for (const std::uint32_t i : index_.host) {
    const PathNode node = node_of_[i];
    if (node == kNone) continue;
    const TraceEvent& event = index_.event(i);
    points.push_back({event.start, node, event.lane});
    points.push_back({event.end(), node + 1, event.lane});
    const auto [until, first] = open_until.try_emplace(event.lane, event.start);
    if (event.start >= until->second) starts.push_back({event.start, node, event.lane});
    until->second = std::max(until->second, event.end());
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.time < b.time; });
  constexpr int kMostSteps = 256;
  for (const Point& start : starts) {
    auto at = std::lower_bound(points.begin(), points.end(), start.time,
                               [](const Point& a, Picoseconds time) { return a.time < time; });
    for (int steps = 0; steps < kMostSteps && at != points.begin(); ++steps) {
      --at;
      if (at->lane == start.lane) continue;
      graph_.edges.push_back({at->node, start.node, 0, kNone, PathCause::order});
      break;
    }
  }
}

Picoseconds TraceReplay::weight(const PathEdge& edge, const TimeScales& scales) const {
  switch (edge.cause) {
    case PathCause::device: return scaled(edge.time, scales.work[edge.owner]);
    case PathCause::launch: return scaled(edge.time, scales.launch);
    case PathCause::between_kernels: return scales.fused[edge.owner] ? 0 : edge.time;
    case PathCause::host: {
      if (edge.owner == kNone) return edge.time;
      return scaled(edge.time, is_launch(edge.owner) ? scales.launch : scales.host);
    }
    case PathCause::order:
    case PathCause::sync: return edge.time;
  }
  return edge.time;
}

Picoseconds TraceReplay::delay_of(PathNode node, const TimeScales& scales) const {
  const std::uint32_t event = graph_.events[node / 2];
  const bool returns_at_once =
      node % 2 == 1 && is_unwaited(scales, event) && waits_for_device(index_.name(event));
  const bool runs_inside = node % 2 == 0 && scales.fused[event];
  return returns_at_once || runs_inside ? 0 : delay_[node];
}

ReplayedTimes TraceReplay::run(const TimeScales& scales) const {
  std::vector<Picoseconds> ready(graph_.nodes(), kFirst);
  std::vector<Picoseconds> times(graph_.nodes(), 0);
  std::vector<std::uint32_t> best(graph_.nodes(), kNone);
  for (PathNode node = 0; node < graph_.nodes(); ++node)
    times[node] = time_of(node);
  for (const PathNode node : order_.nodes) {
    if (ready[node] != kFirst) times[node] = ready[node] + delay_of(node, scales);
    for (std::uint32_t k = order_.first[node]; k < order_.first[node + 1]; ++k) {
      const PathEdge& edge = graph_.edges[order_.out[k]];
      const bool waited = edge.cause == PathCause::sync && edge.to % 2 == 1;
      if (waited && is_unwaited(scales, graph_.events[edge.to / 2])) continue;
      const Picoseconds reached = times[node] + weight(edge, scales);
      if (best[edge.to] != kNone && reached <= ready[edge.to]) continue;
      ready[edge.to] = reached;
      best[edge.to] = order_.out[k];
    }
  }
  ReplayedTimes result = times_of_events(times);
  trace_back(times, best, scales, result);
  return result;
}

ReplayedTimes TraceReplay::times_of_events(const std::vector<Picoseconds>& times) const {
  ReplayedTimes result;
  const std::vector<TraceEvent>& events = index_.trace->events;
  result.start.reserve(events.size());
  result.end.reserve(events.size());
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    const PathNode node = node_of_[i];
    result.start.push_back(node == kNone ? events[i].start : times[node]);
    result.end.push_back(node == kNone ? events[i].end() : times[node + 1]);
  }
  if (!times.empty()) {
    result.length = *std::max_element(times.begin(), times.end()) -
                    *std::min_element(times.begin(), times.end());
  }
  return result;
}

void TraceReplay::trace_back(const std::vector<Picoseconds>& times,
                             const std::vector<std::uint32_t>& best, const TimeScales& scales,
                             ReplayedTimes& result) const {
  if (times.empty()) return;
  const auto last = std::max_element(times.begin(), times.end());
  auto node = static_cast<PathNode>(last - times.begin());
  std::size_t steps = 0;
  while (best[node] != kNone && steps++ < times.size()) {
    const PathEdge& edge = graph_.edges[best[node]];
    const Picoseconds time = weight(edge, scales);
    result.by_cause[static_cast<std::size_t>(edge.cause)] += time;
    result.unexplained += times[node] - times[edge.from] - time;
    node = edge.from;
  }
}

}  // namespace fastpath
