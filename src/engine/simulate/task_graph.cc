#include "engine/simulate/task_graph.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace fastpath {
namespace {

constexpr double kPicosecondsPerSecond = 1e12;

/// Item of an event: a task that ends, or a flow whose amount has passed.
constexpr std::uint32_t kFlowBit = 0x80000000;

/// 16 bytes, so that a heap of them stays in the cache.
struct Event {
  Picoseconds time = 0;
  std::uint32_t item = 0;
  std::uint32_t stamp = 0;  ///< of a flow: events of an older stamp are void

  /// Heaps have their largest on top.
  friend bool operator<(const Event& a, const Event& b) {
    return a.time != b.time ? a.time > b.time : a.item > b.item;
  }
};

class Run {
 public:
  explicit Run(const TaskGraph& graph)
      : graph_(graph), shares_(graph.capacities()), waits_(graph.size(), 0) {
    FP_CHECK(graph.size() < kFlowBit);
    result_.start.assign(graph.size(), 0);
    result_.end.assign(graph.size(), -1);
    result_.carried.assign(graph.capacities().size(), 0);
    index_successors();
  }

  GraphRun run() {
    for (TaskId task = 0; task < graph_.size(); ++task) {
      if (waits_[task] == 0) ready_.push_back(task);
    }
    start_ready();
    while (!events_.empty()) {
      now_ = events_.front().time;
      // All that ends now leaves its links before anything else starts.
      while (!events_.empty() && events_.front().time == now_)
        handle(pop());
      start_ready();
    }
    FP_CHECK(ended_ == graph_.size());
    return std::move(result_);
  }

 private:
  struct Flow {
    TaskId task = 0;
    std::uint32_t stamp = 0;
    double left = 0;
    double rate = 0;
    Picoseconds updated = 0;
  };

  void index_successors() {
    first_.assign(graph_.size() + 1, 0);
    for (const auto& [from, to] : graph_.edges()) {
      ++first_[from + 1];
      ++waits_[to];
    }
    for (std::size_t i = 1; i < first_.size(); ++i)
      first_[i] += first_[i - 1];
    successors_.resize(graph_.edges().size());
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (const auto& [from, to] : graph_.edges())
      successors_[next[from]++] = to;
  }

  void push(Picoseconds time, std::uint32_t item, std::uint32_t stamp) {
    events_.push_back({time, item, stamp});
    std::push_heap(events_.begin(), events_.end());
  }

  Event pop() {
    std::pop_heap(events_.begin(), events_.end());
    const Event event = events_.back();
    events_.pop_back();
    return event;
  }

  void handle(const Event& event) {
    if ((event.item & kFlowBit) == 0) {
      finish(event.item);
      return;
    }
    const FairShare::Flow id = event.item & ~kFlowBit;
    Flow& flow = flows_[id];
    if (flow.stamp != event.stamp) return;
    carry(id, flow.left);
    shares_.remove(id);
    ++flow.stamp;
    const Picoseconds latency = graph_.tasks()[flow.task].duration;
    if (latency == 0) {
      finish(flow.task);
    } else {
      push(now_ + latency, flow.task, 0);
    }
  }

  void finish(TaskId task) {
    result_.end[task] = now_;
    result_.makespan = now_;  // events that became void may lie later
    ++ended_;
    for (std::uint32_t i = first_[task]; i < first_[task + 1]; ++i) {
      const TaskId successor = successors_[i];
      if (--waits_[successor] == 0) ready_.push_back(successor);
    }
  }

  void start_ready() {
    for (std::size_t i = 0; i < ready_.size(); ++i) {
      const TaskId id = ready_[i];
      const TaskGraph::Task& task = graph_.tasks()[id];
      result_.start[id] = now_;
      if (task.route != TaskGraph::kNoRoute) {
        start_flow(id, task);
      } else if (task.duration > 0) {
        push(now_ + task.duration, id, 0);
      } else {
        finish(id);  // may append to ready_
      }
    }
    ready_.clear();
    for (const FairShare::Flow id : shares_.settle())
      change_rate(id);
  }

  void start_flow(TaskId id, const TaskGraph::Task& task) {
    const FairShare::Flow slot = shares_.add(graph_.links(task.route), graph_.cap(task.route));
    if (slot >= flows_.size()) flows_.resize(slot + 1);
    Flow& flow = flows_[slot];
    flow.task = id;
    flow.left = task.amount;
    flow.rate = 0;
    flow.updated = now_;
  }

  void carry(FairShare::Flow id, double amount) {
    for (const LinkUse& link : shares_.path(id))
      result_.carried[link.link] += amount * link.use;
    flows_[id].left -= amount;
  }

  void change_rate(FairShare::Flow id) {
    Flow& flow = flows_[id];
    const double passed =
        flow.rate * static_cast<double>(now_ - flow.updated) / kPicosecondsPerSecond;
    if (passed > 0) carry(id, std::min(flow.left, passed));
    flow.updated = now_;
    flow.rate = shares_.rate(id);
    const double rest = flow.left / flow.rate * kPicosecondsPerSecond;
    push(now_ + std::llround(rest), id | kFlowBit, ++flow.stamp);
  }

  const TaskGraph& graph_;
  FairShare shares_;
  std::vector<std::uint32_t> waits_;  ///< predecessors that have not ended
  std::vector<std::uint32_t> first_;  ///< of a task's successors
  std::vector<TaskId> successors_;
  std::vector<Flow> flows_;
  std::vector<Event> events_;
  std::vector<TaskId> ready_;
  Picoseconds now_ = 0;
  std::size_t ended_ = 0;
  GraphRun result_;
};

}  // namespace

std::uint32_t TaskGraph::add_link(double capacity) {
  capacities_.push_back(capacity);
  return static_cast<std::uint32_t>(capacities_.size() - 1);
}

RouteId TaskGraph::add_route(std::span<const LinkUse> links, double cap) {
  routes_.push_back({static_cast<std::uint32_t>(route_links_.size()),
                     static_cast<std::uint32_t>(links.size()), cap});
  route_links_.insert(route_links_.end(), links.begin(), links.end());
  return static_cast<RouteId>(routes_.size() - 1);
}

TaskId TaskGraph::add_delay(Picoseconds duration) {
  tasks_.push_back({.amount = 0, .duration = duration, .route = kNoRoute});
  return static_cast<TaskId>(tasks_.size() - 1);
}

TaskId TaskGraph::add_transfer(double amount, RouteId route, Picoseconds latency) {
  tasks_.push_back({.amount = amount, .duration = latency, .route = route});
  return static_cast<TaskId>(tasks_.size() - 1);
}

void TaskGraph::reserve(std::size_t tasks, std::size_t edges) {
  tasks_.reserve(tasks);
  edges_.reserve(edges);
}

Picoseconds TaskGraph::alone(TaskId id) const {
  const Task& task = tasks_[id];
  if (task.route == kNoRoute) return task.duration;
  double rate = cap(task.route);
  for (const LinkUse& use : links(task.route))
    rate = std::min(rate, capacities_[use.link] / use.use);
  return std::llround(task.amount / rate * kPicosecondsPerSecond) + task.duration;
}

GraphRun run_graph(const TaskGraph& graph) { return Run(graph).run(); }

}  // namespace fastpath
