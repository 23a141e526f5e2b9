// Plans a second on one core, over the legal plans of a 175B model on 64 devices in the order of a
// search: each of them bounded (memory, and a lower bound of the time), or evaluated in full.
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/plan_evaluator.h"
#include "search/space.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

/// GPT-3's shape (arXiv 2005.14165, table 2.1).
Workload large_decoder() {
  return testing::decoder({.batch = 512,
                           .seq = 2048,
                           .hidden = 12288,
                           .heads = 96,
                           .kv_heads = 96,
                           .head_dim = 128,
                           .ffn = 49152,
                           .vocab = 51200,
                           .layers = 96});
}

std::vector<Plan> legal_plans(const PlanEvaluator& evaluator) {
  const Result<Space> space = Space::parse(
      "tp=1..32*2 pp=1..64*2 micro_batch=1..8*2 sp=false,true recompute=none,full zero=0,1 "
      "schedule=1f1b,interleaved:2 overlap=true,false",
      64, {.file = "space"});
  std::vector<Plan> plans;
  for (std::int64_t i = 0; i < space->size(); ++i) {
    const Point point = space->at(i);
    if (point.kind == PointKind::plan && evaluator.mistakes(point.plan).empty()) {
      plans.push_back(point.plan);
    }
  }
  return plans;
}

/// A device that everything fits into, so that nothing ends early.
System roomy() {
  System system = testing::round_system(8, 8);
  system.device.memories[0].capacity->value = Bytes{1e15};
  return system;
}

void over_all_plans(benchmark::State& state, PlanFigures (PlanEvaluator::*ask)(const Plan&)) {
  PlanEvaluator evaluator(large_decoder(), roomy());
  const std::vector<Plan> plans = legal_plans(evaluator);
  std::int64_t asked = 0;
  for (auto _ : state) {
    for (const Plan& plan : plans)
      benchmark::DoNotOptimize((evaluator.*ask)(plan));
    asked += static_cast<std::int64_t>(plans.size());
  }
  state.SetItemsProcessed(asked);
}

void bound(benchmark::State& state) { over_all_plans(state, &PlanEvaluator::bound); }
void evaluate(benchmark::State& state) { over_all_plans(state, &PlanEvaluator::evaluate); }

BENCHMARK(bound)->Name("search/175b_on_64/bound")->Unit(benchmark::kMillisecond);
BENCHMARK(evaluate)->Name("search/175b_on_64/evaluate")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fastpath
