#include <algorithm>

#include "ir/json.h"
#include "ir/json_archive.h"

namespace fastpath {
namespace {

constexpr std::string_view kSchema = "fastpath.timeline/1";

/// Spans, edges and counters as columns: one list per field is far shorter than one object each.
struct Columns {
  struct Spans {
    std::vector<std::uint32_t> lane;
    std::vector<std::uint32_t> name;
    std::vector<std::uint32_t> category;
    std::vector<Picoseconds> start;
    std::vector<Picoseconds> duration;
    std::vector<Bound> bound;
  } spans;
  struct Edges {
    std::vector<std::uint32_t> from;
    std::vector<std::uint32_t> to;
  } edges;
  struct Counters {
    std::vector<std::uint32_t> name;
    std::vector<std::uint32_t> lane;
    std::vector<Picoseconds> time;
    std::vector<double> value;
  } counters;
};

template <class A, Describes<Columns::Spans> T>
void describe(A& archive, T& spans) {
  archive("lane", spans.lane);
  archive("name", spans.name);
  archive("category", spans.category);
  archive("start_ps", spans.start);
  archive("duration_ps", spans.duration);
  archive("bound", spans.bound);
}

template <class A, Describes<Columns::Edges> T>
void describe(A& archive, T& edges) {
  archive("from", edges.from);
  archive("to", edges.to);
}

template <class A, Describes<Columns::Counters> T>
void describe(A& archive, T& counters) {
  archive("name", counters.name);
  archive("lane", counters.lane);
  archive("time_ps", counters.time);
  archive("value", counters.value);
}

/// A timeline in columns, and its other fields.
struct TimelineDocument {
  Timeline timeline;
  Columns columns;
};

Columns columns_of(const Timeline& timeline) {
  Columns columns;
  for (const Span& span : timeline.spans) {
    const auto& [lane, name, category, start, duration, bound] = span;
    columns.spans.lane.push_back(lane);
    columns.spans.name.push_back(name);
    columns.spans.category.push_back(category);
    columns.spans.start.push_back(start);
    columns.spans.duration.push_back(duration);
    columns.spans.bound.push_back(bound);
  }
  for (const auto& [from, to] : timeline.edges) {
    columns.edges.from.push_back(from);
    columns.edges.to.push_back(to);
  }
  for (const auto& [name, lane, time, value] : timeline.counters) {
    columns.counters.name.push_back(name);
    columns.counters.lane.push_back(lane);
    columns.counters.time.push_back(time);
    columns.counters.value.push_back(value);
  }
  return columns;
}

/// Fills spans, edges and counters; the columns have equal lengths.
void fill_rows(const Columns& columns, Timeline& timeline) {
  const Columns::Spans& spans = columns.spans;
  for (std::size_t i = 0; i < spans.lane.size(); ++i) {
    timeline.spans.push_back({spans.lane[i], spans.name[i], spans.category[i], spans.start[i],
                              spans.duration[i], spans.bound[i]});
  }
  for (std::size_t i = 0; i < columns.edges.from.size(); ++i)
    timeline.edges.push_back({columns.edges.from[i], columns.edges.to[i]});
  const Columns::Counters& counters = columns.counters;
  for (std::size_t i = 0; i < counters.name.size(); ++i) {
    timeline.counters.push_back(
        {counters.name[i], counters.lane[i], counters.time[i], counters.value[i]});
  }
}

class TimelineCheck {
 public:
  TimelineCheck(const TimelineDocument& document, JsonMistakes& mistakes)
      : timeline_(document.timeline), columns_(document.columns), mistakes_(mistakes) {}

  void check() {
    const Columns::Spans& s = columns_.spans;
    const JsonPath spans{&root_, "spans", 0};
    lengths(spans, {s.lane.size(), s.name.size(), s.category.size(), s.start.size(),
                    s.duration.size(), s.bound.size()});
    indexes(spans, "lane", s.lane, timeline_.lanes.size());
    indexes(spans, "name", s.name, timeline_.names.size());
    indexes(spans, "category", s.category, timeline_.names.size());
    times(spans, s);
    const JsonPath edges{&root_, "edges", 0};
    lengths(edges, {columns_.edges.from.size(), columns_.edges.to.size()});
    indexes(edges, "from", columns_.edges.from, s.lane.size());
    indexes(edges, "to", columns_.edges.to, s.lane.size());
    const Columns::Counters& c = columns_.counters;
    const JsonPath counters{&root_, "counters", 0};
    lengths(counters, {c.name.size(), c.lane.size(), c.time.size(), c.value.size()});
    indexes(counters, "name", c.name, timeline_.names.size());
    indexes(counters, "lane", c.lane, timeline_.lanes.size());
  }

 private:
  void lengths(const JsonPath& path, const std::vector<std::size_t>& sizes) {
    const bool equal = std::all_of(sizes.begin(), sizes.end(),
                                   [&](std::size_t size) { return size == sizes.front(); });
    if (!equal) mistakes_.add(path, "the columns differ in length");
  }

  void indexes(const JsonPath& parent, std::string_view key,
               const std::vector<std::uint32_t>& column, std::size_t size) {
    const JsonPath path{&parent, key, 0};
    for (std::size_t i = 0; i < column.size() && !mistakes_.full(); ++i) {
      if (column[i] < size) continue;
      mistakes_.add(JsonPath{&path, {}, i}, "the index is out of range");
    }
  }

  /// Ends stay within int64, durations are not negative, and starts ascend.
  void times(const JsonPath& parent, const Columns::Spans& spans) {
    constexpr Picoseconds kLatest = std::numeric_limits<Picoseconds>::max() / 4;
    const JsonPath starts{&parent, "start_ps", 0};
    const JsonPath durations{&parent, "duration_ps", 0};
    const std::size_t count = std::min(spans.start.size(), spans.duration.size());
    for (std::size_t i = 0; i < count && !mistakes_.full(); ++i) {
      const bool far = spans.start[i] > kLatest || spans.start[i] < -kLatest;
      if (far) mistakes_.add(JsonPath{&starts, {}, i}, "the time is out of range");
      if (i > 0 && spans.start[i] < spans.start[i - 1]) {
        mistakes_.add(JsonPath{&starts, {}, i}, "spans must be in the order of their starts");
      }
      if (spans.duration[i] < 0 || spans.duration[i] > kLatest) {
        mistakes_.add(JsonPath{&durations, {}, i}, "the duration is out of range");
      }
    }
  }

  const Timeline& timeline_;
  const Columns& columns_;
  JsonMistakes& mistakes_;
  JsonPath root_;
};

}  // namespace

template <class A, Describes<Lane> T>
void describe(A& archive, T& lane) {
  auto& [process, name] = lane;
  archive("process", process);
  archive("name", name);
}

namespace {

template <class A, Describes<TimelineDocument> T>
void describe(A& archive, T& document) {
  auto& [origin, title, names, lanes, spans, edges, counters, dropped, notes] = document.timeline;
  archive("origin", origin);
  archive("title", title);
  archive("names", names);
  archive("lanes", lanes);
  archive("spans", document.columns.spans);
  archive("edges", document.columns.edges);
  archive("counters", document.columns.counters);
  archive("dropped", dropped);
  archive("notes", notes);
}

}  // namespace

std::string to_json_text(const Timeline& timeline) {
  // Only the parts outside the columns are written from the copy.
  TimelineDocument document;
  document.columns = columns_of(timeline);
  document.timeline.origin = timeline.origin;
  document.timeline.title = timeline.title;
  document.timeline.names = timeline.names;
  document.timeline.lanes = timeline.lanes;
  document.timeline.dropped = timeline.dropped;
  document.timeline.notes = timeline.notes;
  return document_text(kSchema, JsonOut::value(document), -1);
}

Result<Timeline> timeline_from_json(std::string_view text, const std::string& file) {
  auto document = read_document<TimelineDocument>(
      text, file, kSchema, [](const TimelineDocument& read, JsonMistakes& mistakes) {
        TimelineCheck(read, mistakes).check();
      });
  if (!document) return failure(document.error());
  fill_rows(document->columns, document->timeline);
  return std::move(document->timeline);
}

}  // namespace fastpath
