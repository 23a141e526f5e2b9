#include "report/chrome_trace.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "ir/names.h"
#include "report/json_text.h"

namespace fastpath {
namespace {

/// Where a lane's spans go: process and thread ids count from 1 (0 is a kernel thread to viewers).
struct Thread {
  int process = 0;
  int thread = 0;
};

struct LaneLayout {
  std::vector<Thread> lanes;                           ///< first thread of each lane
  std::vector<int> overflow;                           ///< by span: 0 = the lane's first thread
  std::map<std::pair<std::uint32_t, int>, int> extra;  ///< (lane, overflow) -> thread id
  std::vector<std::pair<int, std::string>> processes;  ///< id, name; in order of appearance
};

/// Microseconds to the picosecond, written exactly: no double is involved.
void append_microseconds(std::string& out, Picoseconds time) {
  const bool negative = time < 0;
  const auto magnitude =
      negative ? 0 - static_cast<std::uint64_t>(time) : static_cast<std::uint64_t>(time);
  fmt::format_to(std::back_inserter(out), "{}{}.{:06}", negative ? "-" : "", magnitude / 1'000'000,
                 magnitude % 1'000'000);
}

/// Viewers read `ts` as a double and truncate it to nanoseconds (Perfetto, json_parser_utils.h:
/// value * 1000.0), which makes 1.001 us 1000 ns. Half a picosecond keeps the nanosecond.
void append_timestamp(std::string& out, Picoseconds time) {
  append_microseconds(out, time);
  out += '5';
}

/// A time as viewers keep it, in nanoseconds. Not negative: predictions start at their base, and
/// importers choose the first event as theirs.
Picoseconds nanoseconds(Picoseconds time) { return time / 1000; }

std::string_view name_at(const Timeline& timeline, std::uint32_t index) {
  return index < timeline.names.size() ? std::string_view(timeline.names[index]) : "?";
}

void place_lanes(const Timeline& timeline, LaneLayout& layout) {
  std::map<std::string, int, std::less<>> ids;
  int next_thread = 1;
  for (const Lane& lane : timeline.lanes) {
    const auto [found, is_new] = ids.try_emplace(lane.process, static_cast<int>(ids.size()) + 1);
    if (is_new) layout.processes.emplace_back(found->second, lane.process);
    layout.lanes.push_back({found->second, next_thread++});
  }
}

/// An enclosing span in nanoseconds: viewers may read a duration one nanosecond short.
struct OpenSpan {
  Picoseconds shortest_end = 0;
  Picoseconds longest_end = 0;
};

/// The enclosing spans on one thread, innermost last.
using OpenSpans = std::vector<OpenSpan>;

/// Whether `span` nests into what is open on the thread, as viewers will see it; notes it as open
/// if so.
bool enter(OpenSpans& open, const Span& span) {
  const Picoseconds start = nanoseconds(span.start);
  const Picoseconds end = start + nanoseconds(span.duration);
  while (!open.empty() && open.back().longest_end <= start)
    open.pop_back();
  if (!open.empty() && end > open.back().shortest_end) return false;
  open.push_back({start + nanoseconds(std::max<Picoseconds>(0, span.duration - 1)), end});
  return true;
}

/// Spans in the order in which viewers want them: by start, the longer (enclosing) one first.
std::vector<std::uint32_t> order_of(const Timeline& timeline) {
  std::vector<std::uint32_t> order(timeline.spans.size());
  for (std::uint32_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const Span& x = timeline.spans[a];
    const Span& y = timeline.spans[b];
    return x.start != y.start ? x.start < y.start : x.duration > y.duration;
  });
  return order;
}

void place_spans(const Timeline& timeline, const std::vector<std::uint32_t>& order,
                 LaneLayout& layout) {
  layout.overflow.assign(timeline.spans.size(), 0);
  std::vector<std::vector<OpenSpans>> open(timeline.lanes.size());
  int next_thread = static_cast<int>(timeline.lanes.size()) + 1;
  for (const std::uint32_t i : order) {
    const Span& span = timeline.spans[i];
    if (span.lane >= open.size()) continue;
    std::vector<OpenSpans>& threads = open[span.lane];
    std::size_t level = 0;
    while (level < threads.size() && !enter(threads[level], span))
      ++level;
    if (level == threads.size()) {
      enter(threads.emplace_back(), span);
      if (level > 0) layout.extra[{span.lane, static_cast<int>(level)}] = next_thread++;
    }
    layout.overflow[i] = static_cast<int>(level);
  }
}

int thread_of(const LaneLayout& layout, std::uint32_t lane, int overflow) {
  if (overflow == 0) return layout.lanes[lane].thread;
  return layout.extra.at({lane, overflow});
}

/// Writes the array of events; every event but the first is preceded by a comma.
class EventWriter {
 public:
  EventWriter(const Timeline& timeline, const LaneLayout& layout)
      : timeline_(timeline), layout_(layout) {}

  void add_names() {
    for (const auto& [id, name] : layout_.processes) {
      add_metadata("process_name", id, 0, name);
      add_sort_index("process_sort_index", id, 0, id);
    }
    for (std::uint32_t lane = 0; lane < layout_.lanes.size(); ++lane)
      add_thread(lane, layout_.lanes[lane].thread, timeline_.lanes[lane].name);
    for (const auto& [key, thread] : layout_.extra) {
      add_thread(key.first, thread,
                 fmt::format("{} ({})", timeline_.lanes[key.first].name, key.second + 1));
    }
  }

  void add_span(std::uint32_t index) {
    const Span& span = timeline_.spans[index];
    if (span.lane >= layout_.lanes.size()) return;
    begin('X', layout_.lanes[span.lane].process,
          thread_of(layout_, span.lane, layout_.overflow[index]));
    out_ += ", \"ts\": ";
    append_timestamp(out_, span.start);
    out_ += ", \"dur\": ";
    append_microseconds(out_, span.duration);
    out_ += ", \"name\": ";
    append_json_string(out_, name_at(timeline_, span.name));
    out_ += ", \"cat\": ";
    append_json_string(out_, name_at(timeline_, span.category));
    out_ += ", \"args\": {\"bound\": ";
    append_json_string(out_, name_of(span.bound));
    out_ += "}}";
  }

  void add_counter(const CounterSample& sample) {
    if (sample.lane >= layout_.lanes.size()) return;
    begin('C', layout_.lanes[sample.lane].process, layout_.lanes[sample.lane].thread);
    out_ += ", \"ts\": ";
    append_timestamp(out_, sample.time);
    out_ += ", \"name\": ";
    append_json_string(out_, name_at(timeline_, sample.name));
    out_ += ", \"args\": {\"value\": ";
    append_json_number(out_, sample.value);
    out_ += "}}";
  }

  void add_edge(std::size_t id, const Edge& edge) {
    if (edge.from >= timeline_.spans.size() || edge.to >= timeline_.spans.size()) return;
    add_flow('s', id, edge.from);
    add_flow('f', id, edge.to);
  }

  std::string take() { return std::move(out_); }

 private:
  void begin(char phase, int process, int thread) {
    fmt::format_to(std::back_inserter(out_), "{}{{\"ph\": \"{}\", \"pid\": {}, \"tid\": {}",
                   out_.empty() ? "\n" : ",\n", phase, process, thread);
  }

  void add_metadata(std::string_view what, int process, int thread, std::string_view name) {
    begin('M', process, thread);
    fmt::format_to(std::back_inserter(out_), ", \"name\": \"{}\", \"args\": {{\"name\": ", what);
    append_json_string(out_, name);
    out_ += "}}";
  }

  void add_sort_index(std::string_view what, int process, int thread, int index) {
    begin('M', process, thread);
    fmt::format_to(std::back_inserter(out_),
                   ", \"name\": \"{}\", \"args\": {{\"sort_index\": {}}}}}", what, index);
  }

  void add_thread(std::uint32_t lane, int thread, std::string_view name) {
    const int process = layout_.lanes[lane].process;
    add_metadata("thread_name", process, thread, name);
    add_sort_index("thread_sort_index", process, thread, layout_.lanes[lane].thread);
  }

  /// A flow event binds to the slice that encloses its time ("bp": "e"): its start is the one time
  /// that no rounding moves out of it. Viewers draw the arrow from the end of the first slice.
  void add_flow(char phase, std::size_t id, std::uint32_t index) {
    const Span& span = timeline_.spans[index];
    if (span.lane >= layout_.lanes.size()) return;
    begin(phase, layout_.lanes[span.lane].process,
          thread_of(layout_, span.lane, layout_.overflow[index]));
    out_ += ", \"ts\": ";
    append_timestamp(out_, span.start);
    fmt::format_to(std::back_inserter(out_),
                   ", \"id\": {}, \"name\": \"after\", \"cat\": \"dependency\"{}}}", id,
                   phase == 'f' ? ", \"bp\": \"e\"" : "");
  }

  const Timeline& timeline_;
  const LaneLayout& layout_;
  std::string out_;
};

std::string other_data(const Timeline& timeline) {
  std::string out = "{\"title\": ";
  append_json_string(out, timeline.title);
  out += ", \"origin\": ";
  append_json_string(out, name_of(timeline.origin));
  out += fmt::format(", \"dropped_spans\": {}, \"notes\": [", timeline.dropped);
  for (std::size_t i = 0; i < timeline.notes.size(); ++i) {
    if (i > 0) out += ", ";
    append_json_string(out, timeline.notes[i]);
  }
  return out + "]}";
}

}  // namespace

std::string chrome_trace(const Timeline& timeline, const TraceOptions& options) {
  LaneLayout layout;
  place_lanes(timeline, layout);
  const std::vector<std::uint32_t> order = order_of(timeline);
  place_spans(timeline, order, layout);
  EventWriter events(timeline, layout);
  events.add_names();
  for (const std::uint32_t i : order)
    events.add_span(i);
  for (const CounterSample& sample : timeline.counters)
    events.add_counter(sample);
  if (options.edges) {
    for (std::size_t i = 0; i < timeline.edges.size(); ++i)
      events.add_edge(i + 1, timeline.edges[i]);
  }
  return fmt::format(
      "{{\"displayTimeUnit\": \"ns\",\n\"otherData\": {},\n\"traceEvents\": [{}\n]}}\n",
      other_data(timeline), events.take());
}

}  // namespace fastpath
