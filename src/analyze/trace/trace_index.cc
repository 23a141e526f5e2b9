#include "analyze/trace/trace_index.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

namespace fastpath {
namespace {

using IdToEvent = std::vector<std::pair<std::int64_t, std::uint32_t>>;

/// Calls by correlation. Of several calls with one, the first: profilers repeat driver calls.
IdToEvent launches_by_correlation(const Trace& trace, Picoseconds before) {
  IdToEvent launches;
  for (std::uint32_t i = 0; i < trace.events.size(); ++i) {
    const TraceEvent& event = trace.events[i];
    if (event.kind == EventKind::runtime && event.correlation >= 0 && event.start < before) {
      launches.emplace_back(event.correlation, i);
    }
  }
  std::sort(launches.begin(), launches.end());
  return launches;
}

std::uint32_t find(const IdToEvent& ids, std::int64_t id) {
  if (id < 0) return kNone;
  const auto at = std::lower_bound(ids.begin(), ids.end(), std::pair{id, std::uint32_t{0}});
  return at != ids.end() && at->first == id ? at->second : kNone;
}

/// The start of the last profiler step where there are two or more of them.
Picoseconds last_step_start(const Trace& trace) {
  constexpr Picoseconds kNever = std::numeric_limits<Picoseconds>::max();
  Picoseconds last = kNever;
  std::vector<std::uint32_t> names;
  for (const TraceEvent& event : trace.events) {
    if (event.kind != EventKind::annotation && event.kind != EventKind::op) continue;
    if (!trace.names[event.name].starts_with("ProfilerStep")) continue;
    if (std::find(names.begin(), names.end(), event.name) == names.end()) {
      names.push_back(event.name);
    }
    last = last == kNever ? event.start : std::max(last, event.start);
  }
  return names.size() >= 2 ? last : kNever;
}

/// What work is, remembered by name where nothing else decides.
class Classifier {
 public:
  Classifier(const Trace& trace, const IndexOptions& options) : trace_(trace), options_(options) {}

  WorkClass operator()(const TraceEvent& event) {
    if (event.kind == EventKind::set && options_.sets_compute) return WorkClass::compute;
    const bool by_name =
        event.kind == EventKind::kernel && !trace_.predicted &&
        (event.detail == kNone || trace_.kernels[event.detail].collective == kNone);
    if (!by_name) return work_class(trace_, event, options_.rules);
    const auto [found, added] = classes_.try_emplace(event.name);
    if (added) found->second = work_class(trace_, event, options_.rules);
    return found->second;
  }

 private:
  const Trace& trace_;
  const IndexOptions& options_;
  std::unordered_map<std::uint32_t, WorkClass> classes_;
};

std::int64_t overlaps_of(const TraceIndex& index) {
  const Trace& trace = *index.trace;
  std::int64_t overlaps = 0;
  std::vector<Picoseconds> ends(trace.lanes.size(), std::numeric_limits<Picoseconds>::min());
  for (const Work& work : index.work) {
    const TraceEvent& event = trace.events[work.event];
    Picoseconds& end = ends[event.lane];
    if (event.start < end) ++overlaps;
    end = std::max(end, event.end());
  }
  return overlaps;
}

void index_work(const IndexOptions& options, TraceIndex& index) {
  const Trace& trace = *index.trace;
  constexpr Picoseconds kNever = std::numeric_limits<Picoseconds>::max();
  const Picoseconds before = options.complete_steps ? last_step_start(trace) : kNever;
  const bool linked_only = options.linked_only || before != kNever;
  const IdToEvent launches = launches_by_correlation(trace, before);
  Classifier class_of(trace, options);
  for (std::uint32_t i = 0; i < trace.events.size(); ++i) {
    const TraceEvent& event = trace.events[i];
    if (!is_device_work(event.kind)) continue;
    const std::uint32_t launch = find(launches, event.correlation);
    if (launch == kNone) ++index.unlinked;
    if (launch == kNone && linked_only) {
      ++index.left_out;
      continue;
    }
    index.work.push_back({i, launch, class_of(event)});
  }
  std::stable_sort(index.work.begin(), index.work.end(), [&](const Work& a, const Work& b) {
    return trace.events[a.event].start < trace.events[b.event].start;
  });
  index.overlaps = overlaps_of(index);
}

bool is_nested(EventKind kind) {
  return kind == EventKind::op || kind == EventKind::runtime || kind == EventKind::annotation;
}

/// By lane, then by start, enclosing events first.
std::vector<std::uint32_t> host_events(const Trace& trace) {
  std::vector<std::uint32_t> host;
  host.reserve(trace.events.size());
  for (std::uint32_t i = 0; i < trace.events.size(); ++i) {
    if (is_nested(trace.events[i].kind)) host.push_back(i);
  }
  std::sort(host.begin(), host.end(), [&](std::uint32_t a, std::uint32_t b) {
    const TraceEvent& x = trace.events[a];
    const TraceEvent& y = trace.events[b];
    if (x.lane != y.lane) return x.lane < y.lane;
    if (x.start != y.start) return x.start < y.start;
    if (x.duration != y.duration) return x.duration > y.duration;
    return a < b;
  });
  return host;
}

void index_host(TraceIndex& index) {
  const Trace& trace = *index.trace;
  index.host = host_events(trace);
  index.parent.assign(trace.events.size(), kNone);
  std::vector<std::uint32_t> open;
  std::uint32_t lane = kNone;
  for (const std::uint32_t i : index.host) {
    const TraceEvent& event = trace.events[i];
    if (event.lane != lane) open.clear();
    lane = event.lane;
    while (!open.empty() && trace.events[open.back()].end() <= event.start)
      open.pop_back();
    if (!open.empty()) {
      index.parent[i] = open.back();
      if (trace.events[open.back()].end() < event.end()) ++index.nesting_violations;
    }
    open.push_back(i);
  }
}

}  // namespace

std::uint32_t TraceIndex::operator_of(std::uint32_t i) const {
  for (i = parent[i]; i != kNone; i = parent[i]) {
    if (event(i).kind == EventKind::op) return i;
  }
  return kNone;
}

TraceIndex index_trace(const Trace& trace, const IndexOptions& options) {
  TraceIndex index;
  index.trace = &trace;
  index_work(options, index);
  index_host(index);
  return index;
}

}  // namespace fastpath
