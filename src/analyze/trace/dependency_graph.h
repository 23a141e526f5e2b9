/// What in a trace had to wait for what: starts and ends of events, and why one follows another.
#pragma once

#include <cstdint>
#include <vector>

#include "analyze/trace/trace_index.h"

namespace fastpath {

/// Why the later of two points could not be earlier.
enum class PathCause : std::uint8_t {
  host,             ///< an operator or call of the host runs
  device,           ///< work of a device runs
  launch,           ///< from a call to the start of what it launched on a free stream
  between_kernels,  ///< from the end of work to the start of the next on its stream
  order,            ///< no time passes: top-level operators follow each other, a launch on a busy
                    ///< stream
  sync,             ///< no time passes: a wait ends with what it waited for
};
inline constexpr int kPathCauses = 6;

/// The start (even) or the end (odd) of an event: 2 x its place in DependencyGraph::events.
using PathNode = std::uint32_t;

struct PathEdge {
  PathNode from = 0;
  PathNode to = 0;
  Picoseconds time = 0;
  std::uint32_t owner = kNone;  ///< the event in which the time goes by
  PathCause cause = PathCause::host;
};

/// Of each thread, starts and ends of nested events follow each other; top-level events follow each
/// other for free. Work starts after its launching call began, or, on a busy stream, after the work
/// before it; a waiting call ends after what it waited for.
struct DependencyGraph {
  std::vector<std::uint32_t> events;  ///< by node / 2
  std::vector<PathEdge> edges;

  std::size_t nodes() const { return 2 * events.size(); }
};

/// Of the host's operators and calls within [start, end], with what was launched there. Definition:
/// HTA's critical_path_analysis.
DependencyGraph dependency_graph(const TraceIndex& index, Picoseconds start, Picoseconds end);

/// Edges by the node that they leave, and an order of the nodes in which edges lead forward. Nodes
/// on cycles, which only broken traces have, are not in the order.
struct GraphOrder {
  std::vector<std::uint32_t> first;  ///< of `out`, by node; one more than nodes
  std::vector<std::uint32_t> out;    ///< indexes DependencyGraph::edges
  std::vector<PathNode> nodes;
};
GraphOrder order_of(const DependencyGraph& graph);

}  // namespace fastpath
