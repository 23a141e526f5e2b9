/// The raw events of a trace in Chrome's format, as views into a window of the text.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "import/trace/byte_source.h"

namespace fastpath {

/// A value as it is in the text: numbers and words bare, strings with their quotes, arrays and
/// objects whole.
struct RawField {
  std::string_view key;
  std::string_view value;
};

/// One element of the array of events. Views hold until the next event is read. Empty = not there.
struct RawEvent {
  std::string_view phase;
  std::string_view name;
  std::string_view category;
  std::string_view process;
  std::string_view thread;
  std::string_view start;
  std::string_view duration;
  std::vector<RawField> arguments;
};

/// What happened to the text on the way.
struct ReadCounts {
  std::int64_t bytes = 0;    ///< of text
  std::int64_t events = 0;   ///< that were whole
  std::int64_t skipped = 0;  ///< stretches that were not events
  std::int64_t skipped_bytes = 0;
  std::int64_t control_characters = 0;
  std::int64_t invalid_utf8 = 0;
  bool found_events = false;  ///< there is an array of events
  bool cut_off = false;       ///< the array does not end
};

struct EventHandlers {
  /// Called for every whole event, in the order of the file.
  std::function<void(const RawEvent&)> event;
  /// Whether the arguments of an event are wanted: skipping them is cheaper. Called with what came
  /// before them; writers put them last.
  std::function<bool(const RawEvent&)> wants_arguments;
  /// Called for every member of the outer object but the events, wherever it stands.
  std::function<void(std::string_view key, std::string_view value)> metadata;
};

/// Reads an object with "traceEvents", or a bare array. Memory: a few windows of text, or the
/// largest single event if that is larger.
ReadCounts read_events(ByteSource& source, const EventHandlers& handlers);

}  // namespace fastpath
