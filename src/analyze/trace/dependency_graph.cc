#include "analyze/trace/dependency_graph.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace fastpath {
namespace {

SyncKind wait_of_call(std::string_view name) {
  if (name.find("DeviceSynchronize") != std::string_view::npos ||
      name.find("CtxSynchronize") != std::string_view::npos) {
    return SyncKind::device;
  }
  if (name.find("StreamSynchronize") != std::string_view::npos) return SyncKind::stream;
  if (name.find("EventSynchronize") != std::string_view::npos) return SyncKind::event;
  return SyncKind::unknown;
}

/// Work of one stream, by start.
struct Stream {
  std::int64_t number = 0;
  std::vector<Work> work;
};

class GraphBuilder {
 public:
  GraphBuilder(const TraceIndex& index, Picoseconds start, Picoseconds end)
      : index_(index), start_(start), end_(end), node_of_(index.trace->events.size(), kNone) {}

  DependencyGraph run() {
    const std::size_t most = index_.host.size() + index_.work.size();
    events_.reserve(most);
    edges_.reserve(3 * most);
    add_host();
    add_devices();
    add_waits();
    add_stream_waits();
    return {std::move(events_), std::move(edges_)};
  }

 private:
  const TraceEvent& event(std::uint32_t i) const { return index_.event(i); }

  PathNode add(std::uint32_t i) {
    node_of_[i] = static_cast<PathNode>(2 * events_.size());
    events_.push_back(i);
    return node_of_[i];
  }
  PathNode start_of(std::uint32_t i) const { return node_of_[i]; }
  PathNode end_of(std::uint32_t i) const { return node_of_[i] + 1; }
  Picoseconds time_of(PathNode node) const {
    const TraceEvent& e = event(events_[node / 2]);
    return node % 2 == 0 ? e.start : e.end();
  }

  void link(PathNode from, PathNode to, PathCause cause, std::uint32_t owner, bool free = false) {
    const Picoseconds time = free ? 0 : std::max<Picoseconds>(0, time_of(to) - time_of(from));
    edges_.push_back({from, to, time, owner, cause});
  }

  bool in_window(const TraceEvent& e) const {
    return (e.kind == EventKind::op || e.kind == EventKind::runtime) && e.duration > 0 &&
           e.start >= start_ && e.start <= end_;
  }

  void add_host() {
    std::uint32_t lane = kNone;
    for (const std::uint32_t i : index_.host) {
      const TraceEvent& e = event(i);
      if (!in_window(e)) continue;
      if (e.lane != lane) end_thread();
      lane = e.lane;
      enter(i);
    }
    end_thread();
  }

  void enter(std::uint32_t i) {
    while (!open_.empty() && event(open_.back()).end() <= event(i).start)
      leave();
    const PathNode node = add(i);
    if (!open_.empty()) {
      link(last_, node, PathCause::host, open_.back());
    } else if (any_before_) {
      link(last_, node, PathCause::order, kNone, true);
    }
    first_of_thread_ = !any_before_;
    if (wait_of_call(index_.name(i)) != SyncKind::unknown) {
      waits_.push_back(i);
      first_waits_.push_back(first_of_thread_);
    }
    any_before_ = true;
    last_ = node;
    open_.push_back(i);
  }

  /// A wait ends with what it waits for: its own edge comes later.
  void leave() {
    const std::uint32_t i = open_.back();
    open_.pop_back();
    const bool waits = wait_of_call(index_.name(i)) != SyncKind::unknown && last_ == start_of(i);
    if (!waits) link(last_, end_of(i), PathCause::host, i);
    last_ = end_of(i);
  }

  void end_thread() {
    while (!open_.empty())
      leave();
    any_before_ = false;
  }

  Stream& stream_of(const Work& work) {
    const TraceLane& lane = index_.trace->lanes[event(work.event).lane];
    const auto key = std::pair{lane.device, lane.stream};
    Stream& stream = streams_[key];
    stream.number = lane.stream;
    return stream;
  }

  void add_devices() {
    const bool whole = start_ == std::numeric_limits<Picoseconds>::min();
    for (const Work& work : index_.work) {
      const bool called = work.launch != kNone && node_of_[work.launch] != kNone;
      const bool called_free = work.launch != kNone && event(work.launch).duration == 0 &&
                               event(work.launch).start >= start_ &&
                               event(work.launch).start <= end_;
      if (!called && !called_free && !whole) continue;
      add_work(work, called);
    }
  }

  void add_work(const Work& work, bool called) {
    Stream& stream = stream_of(work);
    const PathNode node = add(work.event);
    link(node, node + 1, PathCause::device, work.event);
    const bool after = !stream.work.empty();
    const bool busy = after && (work.launch == kNone ||
                                event(stream.work.back().event).end() > event(work.launch).start);
    if (busy) {
      const std::uint32_t before = stream.work.back().event;
      link(end_of(before), node, PathCause::between_kernels, work.event);
    } else if (called) {
      link(start_of(work.launch), node, PathCause::launch, work.launch);
    }
    stream.work.push_back(work);
  }

  const SyncDetail* detail_of(std::uint32_t call) const {
    const auto found = syncs_.find(event(call).correlation);
    return found == syncs_.end() ? nullptr : &index_.trace->syncs[event(found->second).detail];
  }

  /// The last work of a stream that was called before `before`; null if there is none.
  const Work* last_called(const Stream& stream, Picoseconds before) const {
    for (auto work = stream.work.rbegin(); work != stream.work.rend(); ++work) {
      const Picoseconds called =
          work->launch == kNone ? event(work->event).start : event(work->launch).start;
      if (called < before) return &*work;
    }
    return nullptr;
  }

  void add_waits() {
    const std::vector<TraceEvent>& events = index_.trace->events;
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      if (events[i].kind == EventKind::sync && events[i].detail != kNone) {
        syncs_[events[i].correlation] = i;
      }
    }
    for (const auto& [correlation, call] : records_needed())
      records_[correlation] = call;
    for (std::size_t i = 0; i < waits_.size(); ++i)
      add_wait(waits_[i], first_waits_[i]);
  }

  /// Calls by correlation that a wait names as the record of its event.
  std::map<std::int64_t, std::uint32_t> records_needed() const {
    std::map<std::int64_t, std::uint32_t> records;
    for (const SyncDetail& sync : index_.trace->syncs) {
      if (sync.record_correlation >= 0) records[sync.record_correlation] = kNone;
    }
    if (records.empty()) return records;
    for (const std::uint32_t i : index_.host) {
      const auto found = records.find(event(i).correlation);
      if (event(i).kind == EventKind::runtime && found != records.end()) found->second = i;
    }
    return records;
  }

  void add_wait(std::uint32_t call, bool first) {
    SyncKind kind = wait_of_call(index_.name(call));
    const SyncDetail* detail = detail_of(call);
    std::int64_t number = -1;
    Picoseconds before = event(call).start;
    if (detail != nullptr && kind == SyncKind::stream) number = detail->stream;
    if (detail != nullptr && kind == SyncKind::event) {
      number = detail->waits_on_stream;
      const auto record = records_.find(detail->record_correlation);
      if (record != records_.end() && record->second != kNone) {
        before = event(record->second).start;
      }
    }
    bool found = false;
    for (const auto& [key, stream] : streams_) {
      if (number >= 0 && stream.number != number) continue;
      const Work* work = last_called(stream, before);
      // Without a stream's number, only what had ended can have been waited for.
      if (work == nullptr || event(work->event).end() > event(call).end() + kClockSlack) continue;
      link(end_of(work->event), end_of(call), PathCause::sync, call, true);
      found = true;
    }
    // A wait for what came before the window starts a path.
    if (!found && first) return;
    link(start_of(call), end_of(call), found ? PathCause::order : PathCause::host, call, true);
  }

  /// Streams that wait for an event of another one.
  void add_stream_waits() {
    for (const auto& [correlation, i] : syncs_) {
      const SyncDetail& sync = index_.trace->syncs[event(i).detail];
      const auto record = records_.find(sync.record_correlation);
      if (sync.kind != SyncKind::stream_waits_event || record == records_.end() ||
          record->second == kNone)
        continue;
      const Work* before = nullptr;
      const Work* after = nullptr;
      for (const auto& [key, stream] : streams_) {
        if (stream.number == sync.waits_on_stream) {
          before = last_called(stream, event(record->second).start);
        }
        if (stream.number == sync.stream) after = first_called(stream, event(i).start);
      }
      if (before == nullptr || after == nullptr) continue;
      if (event(before->event).end() > event(after->event).start) continue;
      link(end_of(before->event), start_of(after->event), PathCause::sync, after->event, true);
    }
  }

  const Work* first_called(const Stream& stream, Picoseconds from) const {
    for (const Work& work : stream.work) {
      if (work.launch != kNone && event(work.launch).start >= from) return &work;
    }
    return nullptr;
  }

  /// Clocks of host and device are joined by profilers to within some microseconds.
  static constexpr Picoseconds kClockSlack = 20'000'000;

  const TraceIndex& index_;
  Picoseconds start_;
  Picoseconds end_;
  std::vector<PathNode> node_of_;      ///< the start, by event; kNone = not in the graph
  std::vector<std::uint32_t> events_;  ///< by node / 2
  std::vector<PathEdge> edges_;
  std::vector<std::uint32_t> open_;
  PathNode last_ = 0;
  bool any_before_ = false;
  bool first_of_thread_ = false;
  std::vector<std::uint32_t> waits_;
  std::vector<bool> first_waits_;
  std::map<std::pair<std::int64_t, std::int64_t>, Stream> streams_;
  std::map<std::int64_t, std::uint32_t> syncs_;    ///< by correlation
  std::map<std::int64_t, std::uint32_t> records_;  ///< by correlation
};

}  // namespace

DependencyGraph dependency_graph(const TraceIndex& index, Picoseconds start, Picoseconds end) {
  return GraphBuilder(index, start, end).run();
}

GraphOrder order_of(const DependencyGraph& graph) {
  const std::size_t count = graph.nodes();
  GraphOrder order;
  order.first.assign(count + 1, 0);
  std::vector<std::uint32_t> waiting(count, 0);
  for (const PathEdge& edge : graph.edges) {
    ++order.first[edge.from + 1];
    ++waiting[edge.to];
  }
  for (std::size_t i = 0; i < count; ++i)
    order.first[i + 1] += order.first[i];
  order.out.resize(graph.edges.size());
  std::vector<std::uint32_t> fill(order.first.begin(), order.first.end() - 1);
  for (std::uint32_t i = 0; i < graph.edges.size(); ++i)
    order.out[fill[graph.edges[i].from]++] = i;
  for (PathNode node = 0; node < count; ++node) {
    if (waiting[node] == 0) order.nodes.push_back(node);
  }
  for (std::size_t at = 0; at < order.nodes.size(); ++at) {
    const PathNode node = order.nodes[at];
    for (std::uint32_t k = order.first[node]; k < order.first[node + 1]; ++k) {
      const PathNode to = graph.edges[order.out[k]].to;
      if (--waiting[to] == 0) order.nodes.push_back(to);
    }
  }
  return order;
}

}  // namespace fastpath
