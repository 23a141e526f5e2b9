/// The discrete-event core: tasks that wait for tasks, and transfers that share links.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "fastpath/quantity.h"

#include "engine/simulate/fair_share.h"

namespace fastpath {

using TaskId = std::uint32_t;
using RouteId = std::uint32_t;

/// Tasks, the order between them, and the links that transfers share.
///
///     TaskGraph graph;
///     const auto wire = graph.add_link(100e9);                    // B/s
///     const auto route = graph.add_route({{wire, 1}});
///     const TaskId compute = graph.add_delay(2'000'000);          // 2 us
///     const TaskId send = graph.add_transfer(1e6, route, 500'000);
///     graph.add_edge(compute, send);
///     GraphRun run = run_graph(graph);                            // run.end[send] == 12'500'000
///
/// There are no exclusive engines: tasks of a lane that run in a fixed order are a chain of edges,
/// and what is shared without an order is a link.
class TaskGraph {
 public:
  static constexpr double kNoCap = std::numeric_limits<double>::infinity();

  /// `capacity`: units a second, above 0. A transfer's amount is in the same units.
  std::uint32_t add_link(double capacity);

  /// The links that a transfer crosses at once, and the most that it takes of them when alone.
  /// A route without links must have a finite cap.
  RouteId add_route(std::span<const LinkUse> links, double cap = kNoCap);

  /// Takes `duration` >= 0; 0 makes a joint of edges, which costs no event.
  TaskId add_delay(Picoseconds duration);

  /// Holds its links until `amount` > 0 has passed and ends `latency` later.
  TaskId add_transfer(double amount, RouteId route, Picoseconds latency = 0);

  /// `to` starts when `from` and all other predecessors have ended. Edges must not form a cycle.
  void add_edge(TaskId from, TaskId to) { edges_.push_back({from, to}); }

  void reserve(std::size_t tasks, std::size_t edges);
  std::size_t size() const { return tasks_.size(); }

  struct Task {
    double amount = 0;         ///< of a transfer
    Picoseconds duration = 0;  ///< of a delay; latency of a transfer
    RouteId route = kNoRoute;
  };
  struct Route {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    double cap = kNoCap;
  };
  struct Edge {
    TaskId from = 0;
    TaskId to = 0;
  };
  static constexpr RouteId kNoRoute = 0xffffffff;

  const std::vector<Task>& tasks() const { return tasks_; }
  const std::vector<Edge>& edges() const { return edges_; }
  std::span<const double> capacities() const { return capacities_; }
  double cap(RouteId route) const { return routes_[route].cap; }
  std::span<const LinkUse> links(RouteId route) const {
    return std::span(route_links_).subspan(routes_[route].first, routes_[route].count);
  }
  /// Of a task that shares nothing.
  Picoseconds alone(TaskId id) const;

 private:
  std::vector<Task> tasks_;
  std::vector<Edge> edges_;
  std::vector<Route> routes_;
  std::vector<LinkUse> route_links_;
  std::vector<double> capacities_;
};

/// When each task ran, and what each link carried.
struct GraphRun {
  std::vector<Picoseconds> start;  ///< by task: its last predecessor's end
  std::vector<Picoseconds> end;    ///< by task
  std::vector<double> carried;     ///< by link, in its units
  Picoseconds makespan = 0;
};

/// Runs all tasks, as early as their predecessors and links allow. The same graph gives the same
/// run, bit for bit. Times are rounded to whole picoseconds.
GraphRun run_graph(const TaskGraph& graph);

}  // namespace fastpath
