#include "import/trace/trace.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "import/trace/decimal_time.h"
#include "import/trace/device_lines.h"
#include "import/trace/event_fields.h"
#include "import/trace/event_reader.h"
#include "import/trace/text_table.h"

namespace fastpath {
namespace {

using ParsedJson = nlohmann::json;

constexpr std::int64_t kPicosecondsPerMicrosecond = 1'000'000;
constexpr std::int64_t kNanosecondsPerMicrosecond = 1'000;
/// 13 days to both sides of the base: sums and differences of times stay in range.
constexpr std::int64_t kLargestMicroseconds =
    std::numeric_limits<std::int64_t>::max() / (8 * kPicosecondsPerMicrosecond);
/// HTA's limit for the duration of an event.
constexpr Picoseconds kLongestDuration =
    std::int64_t{7} * 24 * 3600 * 1'000'000 * kPicosecondsPerMicrosecond;
/// Of all events together, so that sums of durations stay in range: 27 days.
constexpr Picoseconds kLongestSum = std::numeric_limits<std::int64_t>::max() / 4;
/// If this few events came before one of quite another time, theirs was the wrong one.
constexpr std::size_t kFewEvents = 8;

/// Seconds from 1970 to 2001: clocks that count from 1970 are beyond that.
constexpr std::int64_t kEpochMicroseconds = 978'307'200'000'000;

constexpr std::size_t kMostReserved = std::size_t{1} << 20;
/// Packed events take 6 bytes and more in the published traces.
constexpr std::uintmax_t kPackedEvent = 6;

struct OpenEvent {
  std::uint32_t name = 0;
  EventKind kind = EventKind::other;
  Picoseconds start = 0;
};

class TraceBuilder {
 public:
  TraceBuilder(const ReadTraceOptions& options, std::uintmax_t bytes) : options_(options) {
    // Memory that is never written to costs nothing; growing costs a copy.
    const std::size_t events = std::min<std::uintmax_t>(kMostReserved, bytes / kPackedEvent);
    trace_.events.reserve(events);
    trace_.ops.reserve(events / 4);
  }

  void add_event(const RawEvent& raw) {
    const char phase = raw.phase.size() >= 2 ? raw.phase[1] : ' ';
    switch (phase) {
      case 'X': add_complete(raw); break;
      case 'M': add_metadata_event(raw); break;
      case 'i':
      case 'I':
        if (raw.name == "\"[memory]\"") add_memory(raw);
        break;
      case 'B': begin_event(raw); break;
      case 'E': end_event(raw); break;
      default: break;  // flows repeat the correlations; counters are not used
    }
  }

  void add_metadata(std::string_view key, std::string_view value) {
    if (key == "distributedInfo") {
      const ParsedJson info = parsed(value);
      trace_.rank = integer(info, "rank", trace_.rank);
      trace_.world_size = integer(info, "world_size", trace_.world_size);
    } else if (key == "deviceProperties") {
      for (const ParsedJson& device : parsed(value)) {
        if (!device.is_object()) continue;
        device_names_[integer(device, "id", 0)] = device.value("name", ParsedJson{}).is_string()
                                                      ? device["name"].get<std::string>()
                                                      : std::string();
      }
    } else if (key == "baseTimeNanoseconds") {
      base_time_ = whole_number(value).value_or(0);
    } else if (key == "otherData") {
      const ParsedJson other = parsed(value);
      trace_.predicted = other.is_object() && other.contains("dropped_spans");
    }
  }

  Trace finish(const std::string& name) {
    for (const auto& [lane, open] : open_)
      trace_.repairs.unmatched_begin_end += static_cast<std::int64_t>(open.size());
    name_lanes();
    classify_by_lines(trace_, texts_);
    move_to_base();
    trace_.names = texts_.take();
    shorten_shapes();
    trace_.title = std::filesystem::path(name).filename().string();
    if (trace_.rank < 0) trace_.rank = rank_of_name(trace_.title);
    name_device();
    return std::move(trace_);
  }

  Trace& trace() { return trace_; }

 private:
  static ParsedJson parsed(std::string_view text) {
    return ParsedJson::parse(text, nullptr, false);
  }

  static std::int64_t integer(const ParsedJson& object, const char* key, std::int64_t fallback) {
    if (!object.is_object() || !object.contains(key)) return fallback;
    const ParsedJson& value = object[key];
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_string()) return whole_number(value.get<std::string>()).value_or(fallback);
    return fallback;
  }

  /// "rank3", "rank-3", "rank_3", "worker3": the first of these in a file's name.
  static std::int64_t rank_of_name(std::string_view name) {
    for (const std::string_view word : {"rank", "worker"}) {
      const std::size_t at = name.find(word);
      if (at == std::string_view::npos) continue;
      std::string_view rest = name.substr(at + word.size());
      if (rest.starts_with('-') || rest.starts_with('_')) rest.remove_prefix(1);
      const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
      if (digits > 0 && digits < 10) return *parse_integer(rest.substr(0, digits));
    }
    return -1;
  }

  /// None, and counted, where the time is not there or out of range.
  std::optional<Picoseconds> time_of(std::string_view raw) {
    const std::optional<MicrosecondText> time = parse_microseconds(bare(raw));
    if (!time) {
      ++trace_.repairs.skipped_events;
      return std::nullopt;
    }
    if (!base_) base_ = time->whole;
    if (std::abs(time->whole - *base_) > kLargestMicroseconds) {
      ++trace_.repairs.absurd_times;
      if (trace_.events.size() >= kFewEvents) return std::nullopt;
      trace_.repairs.absurd_times += static_cast<std::int64_t>(trace_.events.size()) - 1;
      trace_.events.clear();
      base_ = time->whole;
    }
    return (time->whole - *base_) * kPicosecondsPerMicrosecond + time->picoseconds;
  }

  Picoseconds duration_of(std::string_view raw) {
    if (raw.empty()) return 0;
    const std::optional<MicrosecondText> time = parse_microseconds(bare(raw));
    const bool absurd = !time || time->whole < 0 || time->picoseconds < 0 ||
                        time->whole > kLongestDuration / kPicosecondsPerMicrosecond;
    const Picoseconds duration =
        absurd ? 0 : time->whole * kPicosecondsPerMicrosecond + time->picoseconds;
    if (absurd || duration > kLongestSum - sum_) {
      ++trace_.repairs.absurd_durations;
      return 0;
    }
    sum_ += duration;
    return duration;
  }

  EventKind kind_of(std::string_view quoted) {
    if (quoted == last_category_) return last_kind_;
    last_category_ = quoted;
    last_kind_ = kind_of_category(bare(quoted));
    return last_kind_;
  }

  /// Streams that share a thread (MTIA) get lanes of their own.
  std::uint32_t lane_of(const RawEvent& raw, std::int64_t stream) {
    const std::uint32_t process = texts_.add(bare(raw.process));
    const std::uint32_t thread = texts_.add(bare(raw.thread));
    const std::uint64_t key = (std::uint64_t{process} << 32) | thread;
    if (key == last_key_ && stream == last_stream_) return last_lane_;
    const auto [found, added] = lane_numbers_.try_emplace(
        std::pair{key, stream}, static_cast<std::uint32_t>(trace_.lanes.size()));
    if (added) {
      trace_.lanes.emplace_back();
      lane_keys_.emplace_back(process, thread);
    }
    last_key_ = key;
    last_stream_ = stream;
    last_lane_ = found->second;
    return last_lane_;
  }

  void add_complete(const RawEvent& raw) {
    if (is_derived(bare(raw.category)) || raw.process == "\"Spans\"") {
      ++trace_.repairs.ignored_events;
      return;
    }
    const EventKind kind = kind_of(raw.category);
    if (kind == EventKind::function) {
      ++trace_.functions;
      if (!options_.functions && !bare(raw.name).starts_with("nn.Module: ")) return;
    }
    const std::optional<Picoseconds> start = time_of(raw.start);
    if (!start) return;
    TraceEvent event;
    event.start = *start;
    event.duration = duration_of(raw.duration);
    event.kind = kind;
    event.name = texts_.add(bare(raw.name));
    std::int64_t stream = -1;
    if (!raw.arguments.empty()) stream = add_arguments(raw, event);
    event.lane = lane_of(raw, stream);
    if (is_device_work(event.kind)) note_stream(raw, event, stream);
    trace_.events.push_back(event);
  }

  template <class T>
  static std::uint32_t push(std::vector<T>& table, const T& detail) {
    table.push_back(detail);
    return static_cast<std::uint32_t>(table.size() - 1);
  }

  /// Returns the stream of device work, or -1.
  std::int64_t add_arguments(const RawEvent& raw, TraceEvent& event) {
    EventArguments arguments = arguments_of(raw, texts_);
    event.correlation = arguments.correlation;
    event.external = arguments.external;
    std::uint32_t collective = kNone;
    if (arguments.has_collective) collective = push(trace_.collectives, arguments.collective);
    const bool work = is_device_work(event.kind);
    // MTIA's engines write housekeeping into the same category; it belongs to no stream.
    const bool mtia = bare(raw.category) == "mtia_ccp_events";
    if (mtia && bare(raw.name).starts_with("dma")) event.kind = EventKind::copy;
    if (mtia && !arguments.has_stream) {
      event.kind = EventKind::other;
    } else if (event.kind == EventKind::kernel) {
      arguments.kernel.collective = collective;
      event.detail = push(trace_.kernels, arguments.kernel);
      last_device_ = arguments.device;
    } else if (work) {
      event.detail = push(trace_.copies, arguments.copy);
      last_device_ = arguments.device;
    } else if (event.kind == EventKind::op) {
      arguments.op.collective = collective;
      event.detail = push(trace_.ops, arguments.op);
    } else if (event.kind == EventKind::sync) {
      event.detail = push(trace_.syncs, arguments.sync);
    }
    return work ? arguments.stream : -1;
  }

  void note_stream(const RawEvent& raw, const TraceEvent& event, std::int64_t stream) {
    TraceLane& lane = trace_.lanes[event.lane];
    if (lane.device >= 0 || lane.stream >= 0) return;
    lane.device = last_device_ >= 0 ? last_device_ : 0;
    lane.stream = stream >= 0 ? stream : number_behind(bare(raw.thread));
    last_device_ = -1;
  }

  /// "stream 7" is 7.
  static std::int64_t number_behind(std::string_view text) {
    const std::size_t space = text.rfind(' ');
    return whole_number(space == std::string_view::npos ? text : text.substr(space + 1))
        .value_or(0);
  }

  void add_metadata_event(const RawEvent& raw) {
    const std::string_view what = bare(raw.name);
    if (what != "process_name" && what != "thread_name" && what != "process_labels") return;
    for (const RawField& field : raw.arguments) {
      const std::string text = unescaped(bare(field.value));
      const std::uint32_t process = texts_.add(bare(raw.process));
      if (what == "thread_name" && field.key == "name") {
        thread_names_[{process, texts_.add(bare(raw.thread))}] = text;
      } else if (what == "process_name" && field.key == "name") {
        process_names_[process] = text;
      }
    }
  }

  void add_memory(const RawEvent& raw) {
    const std::optional<Picoseconds> time = time_of(raw.start);
    if (!time) return;
    EventArguments arguments = arguments_of(raw, texts_);
    arguments.memory.time = *time;
    arguments.memory.device = arguments.device;
    trace_.memory.push_back(arguments.memory);
  }

  void begin_event(const RawEvent& raw) {
    const std::optional<Picoseconds> start = time_of(raw.start);
    if (!start) return;
    open_[lane_of(raw, -1)].push_back({texts_.add(bare(raw.name)), kind_of(raw.category), *start});
  }

  void end_event(const RawEvent& raw) {
    const std::optional<Picoseconds> end = time_of(raw.start);
    const std::uint32_t lane = lane_of(raw, -1);
    std::vector<OpenEvent>& open = open_[lane];
    if (!end || open.empty()) {
      ++trace_.repairs.unmatched_begin_end;
      return;
    }
    TraceEvent event;
    event.start = open.back().start;
    event.duration = std::clamp<Picoseconds>(*end - event.start, 0, kLongestSum - sum_);
    sum_ += event.duration;
    event.kind = open.back().kind;
    event.name = open.back().name;
    event.lane = lane;
    open.pop_back();
    trace_.events.push_back(event);
  }

  void name_lanes() {
    for (std::size_t i = 0; i < trace_.lanes.size(); ++i) {
      const auto [process, thread] = lane_keys_[i];
      TraceLane& lane = trace_.lanes[i];
      const auto process_name = process_names_.find(process);
      const auto thread_name = thread_names_.find({process, thread});
      lane.process = process_name != process_names_.end()
                         ? process_name->second
                         : fmt::format("process {}", texts_.at(process));
      lane.thread =
          thread_name != thread_names_.end() ? thread_name->second : std::string(texts_.at(thread));
    }
  }

  /// Time 0 becomes the start of the first event.
  void move_to_base() {
    Picoseconds first = std::numeric_limits<Picoseconds>::max();
    for (const TraceEvent& event : trace_.events)
      first = std::min(first, event.start);
    if (trace_.events.empty()) first = 0;
    for (TraceEvent& event : trace_.events)
      event.start -= first;
    for (MemoryEvent& event : trace_.memory)
      event.time -= first;
    const std::int64_t base = base_.value_or(0);
    trace_.epoch_base = base > kEpochMicroseconds || base_time_ > 0;
    // Before 2262 nanoseconds since 1970 fit.
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4 / 1000;
    trace_.base_nanoseconds = base_time_ / 2 * 2 +
                              std::clamp(base, -kMost, kMost) * kNanosecondsPerMicrosecond +
                              first / 1000;
  }

  /// Writers break lists of shapes over lines: one blank after each comma instead.
  void shorten_shapes() {
    std::vector<bool> done(trace_.names.size(), false);
    for (const OpDetail& op : trace_.ops) {
      for (const std::uint32_t text : {op.shapes, op.types, op.values}) {
        if (text == kNone || done[text]) continue;
        done[text] = true;
        std::string list;
        for (const char c : trace_.names[text]) {
          if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
          list += c;
          if (c == ',') list += ' ';
        }
        trace_.names[text] = std::move(list);
      }
    }
  }

  void name_device() {
    // On AMD, work counts the host's agents among the devices: one name for all is its name then.
    const bool alike =
        std::all_of(device_names_.begin(), device_names_.end(),
                    [&](const auto& one) { return one.second == device_names_.begin()->second; });
    const bool works = std::any_of(trace_.lanes.begin(), trace_.lanes.end(),
                                   [](const TraceLane& lane) { return lane.device >= 0; });
    if (!device_names_.empty() && alike && works) {
      trace_.device_name = device_names_.begin()->second;
    }
    for (const TraceLane& lane : trace_.lanes) {
      const auto found = device_names_.find(lane.device);
      if (found != device_names_.end()) trace_.device_name = found->second;
    }
  }

  ReadTraceOptions options_;
  Trace trace_;
  TextTable texts_;
  std::optional<std::int64_t> base_;  ///< microseconds
  Picoseconds sum_ = 0;               ///< of durations
  std::int64_t base_time_ = 0;
  std::string last_category_;
  EventKind last_kind_ = EventKind::other;
  std::int64_t last_device_ = -1;
  std::uint64_t last_key_ = UINT64_MAX;
  std::int64_t last_stream_ = -1;
  std::uint32_t last_lane_ = 0;
  std::map<std::pair<std::uint64_t, std::int64_t>, std::uint32_t> lane_numbers_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lane_keys_;
  std::map<std::uint32_t, std::string> process_names_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> thread_names_;
  std::map<std::int64_t, std::string> device_names_;
  std::map<std::uint32_t, std::vector<OpenEvent>> open_;
};

bool wants_arguments(const RawEvent& event) {
  if (event.phase == "\"M\"") return !event.name.ends_with("_sort_index\"");
  const std::string_view category = bare(event.category);
  return category != "python_function" && category != "ac2g" && category != "user_annotation" &&
         category != "gpu_user_annotation" && category != "overhead" && category != "fwdbwd" &&
         category != "Trace" && category != "async" && category != "async_cpu_to_gpu";
}

Diagnostics warnings_of(const Trace& trace, const std::string& damage, const std::string& name) {
  const TraceRepairs& r = trace.repairs;
  Diagnostics warnings;
  const auto warn = [&](std::int64_t count, std::string_view what) {
    if (count > 0) warnings.push_back({{name}, fmt::format("{} {}", count, what), {}});
  };
  if (!damage.empty()) warnings.push_back({{name}, damage + ": what came before is kept", {}});
  if (r.cut_off) {
    warnings.push_back({{name}, "ends within its events: all whole ones are kept", {}});
  }
  warn(r.skipped_events, "events could not be read and are left out");
  warn(r.absurd_times, "events lie weeks away from the others and are left out");
  warn(r.absurd_durations, "durations are negative or above 7 days: taken as 0");
  warn(r.unmatched_begin_end, "begins or ends of spans lack their counterpart: left out");
  warn(r.invalid_utf8, "bytes are not UTF-8: read as '?'");
  warn(r.control_characters, "control characters within strings: read as blanks");
  return warnings;
}

/// `bytes` of the file, packed or not.
Result<Imported<Trace>> read_from(ByteSource& source, const std::string& name,
                                  const ReadTraceOptions& options, std::uintmax_t bytes) {
  TraceBuilder builder(options, bytes);
  EventHandlers handlers;
  handlers.event = [&](const RawEvent& event) { builder.add_event(event); };
  handlers.wants_arguments = wants_arguments;
  handlers.metadata = [&](std::string_view key, std::string_view value) {
    builder.add_metadata(key, value);
  };
  const ReadCounts counts = read_events(source, handlers);
  if (!counts.found_events) {
    return failure({name}, source.damage().empty() ? "holds no trace" : source.damage(),
                   "traces are JSON in Chrome's format: an array of events, or an object with "
                   "\"traceEvents\"; .gz and .zst are unpacked");
  }
  Trace trace = builder.finish(name);
  trace.text_bytes = counts.bytes;
  trace.json_events = counts.events;
  trace.repairs.skipped_events += counts.skipped;
  trace.repairs.skipped_bytes = counts.skipped_bytes;
  trace.repairs.control_characters = counts.control_characters;
  trace.repairs.invalid_utf8 = counts.invalid_utf8;
  trace.repairs.cut_off = counts.cut_off;
  Diagnostics warnings = warnings_of(trace, source.damage(), name);
  return Imported<Trace>{std::move(trace), std::move(warnings)};
}

}  // namespace

Result<Imported<Trace>> read_trace(const std::string& path, const ReadTraceOptions& options) {
  const Result<std::unique_ptr<ByteSource>> source = open_source(path);
  if (!source) return failure(source.error());
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  return read_from(**source, path, options, error ? 0 : bytes);
}

Result<Imported<Trace>> parse_trace(std::string_view bytes, const std::string& name,
                                    const ReadTraceOptions& options) {
  const std::unique_ptr<ByteSource> source = source_of(bytes);
  return read_from(*source, name, options, bytes.size());
}

}  // namespace fastpath
