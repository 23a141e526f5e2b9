/// The chain of dependent events that sets the length of a window.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "analyze/trace/dependency_graph.h"
#include "analyze/trace/trace_index.h"

namespace fastpath {

struct PathStep {
  std::uint32_t event = 0;      ///< that the step ends at: indexes Trace::events
  bool at_start = false;        ///< of that event, or at its end
  std::uint32_t owner = kNone;  ///< the event in which the time before it went by
  PathCause cause = PathCause::host;
  Picoseconds time = 0;
};

struct PathOwner {
  std::string name;
  PathCause cause = PathCause::host;
  std::int64_t count = 0;
  Picoseconds time = 0;
};

struct CriticalPath {
  std::int64_t nodes = 0;  ///< starts and ends of events that the window holds
  std::int64_t edges = 0;
  std::vector<PathStep> steps;  ///< in order; the first has no time. One more than its edges
  Picoseconds length = 0;
  std::array<Picoseconds, kPathCauses> by_cause{};
  std::vector<PathOwner> owners;  ///< longest first
};

/// The longest path through the dependencies of the host's operators and calls and the devices'
/// work within [start, end] on the host, with what was launched there. Of each thread, starts and
/// ends of nested events follow each other; top-level events follow each other for free. Work
/// starts after its launching call began and after the work before it on its stream; a waiting
/// call ends after what it waited for. Definition: HTA's critical_path_analysis.
CriticalPath critical_path(const TraceIndex& index, Picoseconds start, Picoseconds end);

}  // namespace fastpath
