#include "report/annotated_trace.h"

#include <map>
#include <vector>

#include <fmt/format.h>

#include "report/json_text.h"

namespace fastpath {
namespace {

std::string_view category_of(EventKind kind) {
  switch (kind) {
    case EventKind::kernel: return "kernel";
    case EventKind::copy: return "gpu_memcpy";
    case EventKind::set: return "gpu_memset";
    case EventKind::op: return "cpu_op";
    case EventKind::runtime: return "cuda_runtime";
    case EventKind::annotation: return "user_annotation";
    case EventKind::device_annotation: return "gpu_user_annotation";
    case EventKind::function: return "python_function";
    case EventKind::sync: return "cuda_sync";
    case EventKind::overhead: return "overhead";
    case EventKind::other: return "other";
  }
  return "other";
}

class AnnotatedWriter {
 public:
  AnnotatedWriter(const TraceIndex& index, const CriticalPath& path)
      : index_(index), trace_(*index.trace), path_(path) {}

  std::string run() {
    name_lanes();
    std::vector<bool> critical(trace_.events.size(), false);
    for (const PathStep& step : path_.steps)
      critical[step.event] = true;
    std::map<std::uint32_t, WorkClass> classes;
    for (const Work& work : index_.work)
      classes[work.event] = work.kind;
    for (std::uint32_t i = 0; i < trace_.events.size(); ++i) {
      const auto found = classes.find(i);
      add_span(i, critical[i],
               found == classes.end() ? std::string_view() : name_of(found->second));
    }
    add_path();
    return fmt::format("{{\"displayTimeUnit\": \"ns\",\n\"traceEvents\": [{}\n]}}\n", out_);
  }

 private:
  void begin(char phase, std::uint32_t lane) {
    fmt::format_to(std::back_inserter(out_), "{}{{\"ph\": \"{}\", \"pid\": {}, \"tid\": {}",
                   out_.empty() ? "\n" : ",\n", phase, processes_[lane], lane + 1);
  }

  void name(std::string_view what, std::uint32_t lane, std::string_view text) {
    begin('M', lane);
    fmt::format_to(std::back_inserter(out_), ", \"name\": \"{}\", \"args\": {{\"name\": ", what);
    append_json_string(out_, text);
    out_ += "}}";
  }

  void name_lanes() {
    std::map<std::string, int> ids;
    for (const TraceLane& lane : trace_.lanes) {
      const int next = static_cast<int>(ids.size()) + 1;
      processes_.push_back(ids.try_emplace(lane.process, next).first->second);
    }
    for (std::uint32_t lane = 0; lane < trace_.lanes.size(); ++lane) {
      name("process_name", lane, trace_.lanes[lane].process);
      name("thread_name", lane, trace_.lanes[lane].thread);
    }
  }

  void add_time(std::string_view key, Picoseconds time) {
    fmt::format_to(std::back_inserter(out_), ", \"{}\": {}.{:06}", key, time / 1'000'000,
                   time % 1'000'000);
  }

  void add_span(std::uint32_t i, bool critical, std::string_view work) {
    const TraceEvent& event = trace_.events[i];
    begin('X', event.lane);
    add_time("ts", event.start);
    add_time("dur", event.duration);
    out_ += ", \"name\": ";
    append_json_string(out_, trace_.names[event.name]);
    fmt::format_to(std::back_inserter(out_), ", \"cat\": \"{}\", \"args\": {{",
                   category_of(event.kind));
    std::string_view comma;
    const auto add = [&](std::string_view key, std::int64_t value) {
      fmt::format_to(std::back_inserter(out_), "{}\"{}\": {}", comma, key, value);
      comma = ", ";
    };
    if (event.correlation >= 0) add("correlation", event.correlation);
    if (event.external >= 0) add("External id", event.external);
    if (is_device_work(event.kind)) {
      add("device", trace_.lanes[event.lane].device);
      add("stream", trace_.lanes[event.lane].stream);
    }
    if (critical) add("critical", 1);
    if (!work.empty()) {
      fmt::format_to(std::back_inserter(out_), "{}\"class\": \"{}\"", comma, work);
    }
    out_ += "}}";
  }

  void add_arrow(char phase, std::size_t id, std::uint32_t event, Picoseconds time) {
    begin(phase, trace_.events[event].lane);
    add_time("ts", time);
    fmt::format_to(std::back_inserter(out_),
                   ", \"id\": {}, \"name\": \"critical path\", \"cat\": \"critical_path\"{}}}", id,
                   phase == 'f' ? ", \"bp\": \"e\"" : "");
  }

  /// Arrows between lanes; within a lane the spans themselves show the path.
  void add_path() {
    for (std::size_t i = 1; i < path_.steps.size(); ++i) {
      const PathStep& from = path_.steps[i - 1];
      const PathStep& to = path_.steps[i];
      const TraceEvent& a = trace_.events[from.event];
      const TraceEvent& b = trace_.events[to.event];
      if (a.lane == b.lane) continue;
      add_arrow('s', i, from.event, from.at_start ? a.start : a.end());
      add_arrow('f', i, to.event, to.at_start ? b.start : b.end());
    }
  }

  const TraceIndex& index_;
  const Trace& trace_;
  const CriticalPath& path_;
  std::vector<int> processes_;
  std::string out_;
};

}  // namespace

std::string annotated_trace(const TraceIndex& index, const CriticalPath& path) {
  return AnnotatedWriter(index, path).run();
}

}  // namespace fastpath
