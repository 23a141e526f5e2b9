/// Timeline: lanes of spans with dependencies and counters, predicted, simulated or measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fastpath/prediction.h"

namespace fastpath {

enum class Origin : std::uint8_t { predicted, simulated, measured };

/// A lane is a stream, an engine or a link of one process. Spans of a lane may overlap.
struct Lane {
  std::string process;  ///< "rank 0 (stage 0)"
  std::string name;     ///< "compute", "network"
};

/// One operation on one lane. `name` indexes Timeline::names.
struct Span {
  std::uint32_t lane = 0;
  std::uint32_t name = 0;
  std::uint32_t category = 0;  ///< indexes Timeline::names
  Picoseconds start = 0;       ///< since the timeline's base
  Picoseconds duration = 0;
  Bound bound = Bound::compute;
};

/// `to` could not start before `from` had ended. Both index Timeline::spans.
struct Edge {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

struct CounterSample {
  std::uint32_t name = 0;
  std::uint32_t lane = 0;
  Picoseconds time = 0;
  double value = 0;  ///< in the unit that the counter's name states: "memory (B)"
};

struct Timeline {
  Origin origin = Origin::predicted;
  std::string title;
  std::vector<std::string> names;
  std::vector<Lane> lanes;
  std::vector<Span> spans;  ///< by start
  std::vector<Edge> edges;
  std::vector<CounterSample> counters;
  std::int64_t dropped = 0;  ///< spans that were left out (named in `notes`), never silently
  std::vector<std::string> notes;
};

/// End of the last span, since the timeline's base.
Picoseconds makespan(const Timeline& timeline);

}  // namespace fastpath
