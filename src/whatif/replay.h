/// A trace's events again, when some of them take another time.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "analyze/trace/dependency_graph.h"
#include "analyze/trace/trace_index.h"

namespace fastpath {

/// Factors on times. Vectors are by event of the trace.
struct TimeScales {
  std::vector<double> work;  ///< on the duration of a device's work
  std::vector<bool> fused;   ///< work that runs inside the work before it on its stream
  double launch = 1;         ///< on launching calls, and from a call to the start on a free stream
  double host = 1;           ///< on the time of other operators and calls of the host
  bool no_sync = false;      ///< calls that wait return at once
  /// By event: this call does. Empty = none.
  std::vector<bool> unwaited = {};
};

/// Whether a call of the host waits for a device.
bool waits_for_device(std::string_view call);

/// Start and end of each event; those that are not in the graph keep theirs.
struct ReplayedTimes {
  std::vector<Picoseconds> start;
  std::vector<Picoseconds> end;
  Picoseconds length = 0;  ///< from the first start to the last end, of what is in the graph
  /// What the time up to the last end goes by in, followed back from there; the rest is waiting
  /// that no event of the trace explains.
  std::array<Picoseconds, kPathCauses> by_cause{};
  Picoseconds unexplained = 0;
};

/// The dependencies of a whole trace (DependencyGraph), and besides: work never starts before its
/// call and the work before it on its stream; what starts on a thread keeps its distance to what
/// another thread did last before. An event comes after all that it depends on by the time it did
/// in the trace. Without any change all times are the trace's, to the picosecond; a smaller factor
/// never makes an event later.
class TraceReplay {
 public:
  explicit TraceReplay(const TraceIndex& index);

  ReplayedTimes run(const TimeScales& scales) const;

 private:
  void add_alternatives();
  void add_threads();
  Picoseconds time_of(PathNode node) const;
  Picoseconds delay_of(PathNode node, const TimeScales& scales) const;
  ReplayedTimes times_of_events(const std::vector<Picoseconds>& times) const;
  Picoseconds weight(const PathEdge& edge, const TimeScales& scales) const;
  bool is_launch(std::uint32_t event) const;
  void trace_back(const std::vector<Picoseconds>& times, const std::vector<std::uint32_t>& best,
                  const TimeScales& scales, ReplayedTimes& result) const;

  const TraceIndex& index_;
  DependencyGraph graph_;
  GraphOrder order_;
  std::vector<PathNode> node_of_;   ///< the start, by event; kNone = not in the graph
  std::vector<Picoseconds> delay_;  ///< by node: after all that it depends on
  std::vector<bool> launches_;      ///< calls that launched work, by event
};

}  // namespace fastpath
