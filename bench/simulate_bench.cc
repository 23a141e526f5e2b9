// Task completions a second of the event core, and collectives message by message.
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "fastpath/fastpath.h"

#include "engine/simulate/task_graph.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

/// `lanes` ranks that compute and send to the next one in turn, each on a port of its own or all
/// neighbours on one.
TaskGraph lanes_of(std::uint32_t lanes, std::uint32_t steps, std::uint32_t lanes_per_port) {
  TaskGraph graph;
  graph.reserve(2UL * lanes * steps, 4UL * lanes * steps);
  std::vector<RouteId> routes;
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    if (lane % lanes_per_port == 0) graph.add_link(1e11);
    const LinkUse port{lane / lanes_per_port, 1};
    routes.push_back(graph.add_route({&port, 1}));
  }
  std::vector<TaskId> sent(lanes, 0);
  for (std::uint32_t step = 0; step < steps; ++step) {
    std::vector<TaskId> next(lanes);
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      // Times that do not repeat: lanes drift apart.
      const TaskId work = graph.add_delay(1'000'000 + (7919 * lane + 104'729 * step) % 500'000);
      const TaskId send = graph.add_transfer(1e5, routes[lane], 1'000'000);
      graph.add_edge(work, send);
      if (step > 0) {
        graph.add_edge(sent[lane], work);
        graph.add_edge(sent[(lane + 1) % lanes], work);
      }
      next[lane] = send;
    }
    sent.swap(next);
  }
  return graph;
}

void completions(benchmark::State& state) {
  const auto lanes = static_cast<std::uint32_t>(state.range(0));
  const TaskGraph graph =
      lanes_of(lanes, 500'000 / lanes, static_cast<std::uint32_t>(state.range(1)));
  for (auto _ : state)
    benchmark::DoNotOptimize(run_graph(graph).makespan);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(graph.size()));
}
BENCHMARK(completions)
    ->Name("simulate/task_completions/lanes/lanes_per_port")
    ->Args({16, 1})
    ->Args({256, 1})
    ->Args({256, 4})
    ->Unit(benchmark::kMillisecond);

void ring(benchmark::State& state) {
  const System system = testing::round_system(state.range(0));
  CollectiveJob job;
  job.payload = Bytes{16.0 * 1024 * 1024};
  job.ranks.resize(static_cast<std::size_t>(state.range(0)));
  std::iota(job.ranks.begin(), job.ranks.end(), 0);
  std::int64_t messages = 0;
  double error = 0;
  for (auto _ : state) {
    const auto result = simulate_collectives(system, {job});
    messages += result->front().messages;
    error = std::abs(result->front().time / result->front().alone - 1);
  }
  state.SetItemsProcessed(messages);
  state.counters["off_closed_form"] = error;
}
BENCHMARK(ring)
    ->Name("simulate/ring_all_reduce_by_message/ranks")
    ->Arg(256)
    ->Arg(1024)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fastpath
