#include "analyze/trace/critical_path.h"

#include <algorithm>
#include <map>

namespace fastpath {
namespace {

class LongestPath {
 public:
  LongestPath(const TraceIndex& index, const DependencyGraph& graph)
      : index_(index), graph_(graph) {}

  CriticalPath run() const {
    const GraphOrder order = order_of(graph_);
    std::vector<Picoseconds> distance(graph_.nodes(), 0);
    std::vector<std::uint32_t> best(graph_.nodes(), kNone);
    for (const PathNode node : order.nodes) {
      for (std::uint32_t k = order.first[node]; k < order.first[node + 1]; ++k) {
        const PathEdge& edge = graph_.edges[order.out[k]];
        const Picoseconds reached = distance[node] + edge.time;
        if (best[edge.to] != kNone && reached <= distance[edge.to]) continue;
        distance[edge.to] = reached;
        best[edge.to] = order.out[k];
      }
    }
    return trace_back(order.nodes, distance, best);
  }

 private:
  const TraceEvent& event(std::uint32_t i) const { return index_.event(i); }

  Picoseconds time_of(PathNode node) const {
    const TraceEvent& e = event(graph_.events[node / 2]);
    return node % 2 == 0 ? e.start : e.end();
  }

  CriticalPath trace_back(const std::vector<PathNode>& reached,
                          const std::vector<Picoseconds>& distance,
                          const std::vector<std::uint32_t>& best) const {
    CriticalPath path;
    path.nodes = static_cast<std::int64_t>(2 * graph_.events.size());
    path.edges = static_cast<std::int64_t>(graph_.edges.size());
    PathNode last = kNone;
    for (const PathNode node : reached) {
      if (last == kNone || distance[node] > distance[last] ||
          (distance[node] == distance[last] && time_of(node) > time_of(last))) {
        last = node;
      }
    }
    if (last == kNone) return path;
    path.length = distance[last];
    path.steps.reserve(reached.size());
    PathNode node = last;
    for (; best[node] != kNone; node = graph_.edges[best[node]].from) {
      const PathEdge& edge = graph_.edges[best[node]];
      path.steps.push_back(
          {graph_.events[node / 2], node % 2 == 0, edge.owner, edge.cause, edge.time});
      path.by_cause[static_cast<std::size_t>(edge.cause)] += edge.time;
    }
    path.steps.push_back({graph_.events[node / 2], node % 2 == 0, kNone, PathCause::order, 0});
    std::reverse(path.steps.begin(), path.steps.end());
    path.owners = owners_of(path);
    return path;
  }

  std::vector<PathOwner> owners_of(const CriticalPath& path) const {
    std::map<std::pair<std::uint32_t, PathCause>, PathOwner> rows;
    for (const PathStep& step : path.steps) {
      if (step.time == 0 || step.owner == kNone) continue;
      PathOwner& row = rows[{event(step.owner).name, step.cause}];
      row.name = index_.name(step.owner);
      row.cause = step.cause;
      row.time += step.time;
      ++row.count;
    }
    std::vector<PathOwner> owners;
    owners.reserve(rows.size());
    for (auto& [key, row] : rows)
      owners.push_back(std::move(row));
    std::stable_sort(owners.begin(), owners.end(), [](const PathOwner& a, const PathOwner& b) {
      return a.time != b.time ? a.time > b.time : a.name < b.name;
    });
    return owners;
  }

  const TraceIndex& index_;
  const DependencyGraph& graph_;
};

}  // namespace

CriticalPath critical_path(const TraceIndex& index, Picoseconds start, Picoseconds end) {
  return LongestPath(index, dependency_graph(index, start, end)).run();
}

}  // namespace fastpath
