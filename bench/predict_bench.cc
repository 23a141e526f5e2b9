// Predictions a second of a 96-layer model under tensor, pipeline and data parallelism.
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "fastpath/fastpath.h"

#include "support/tiny_models.h"

namespace fastpath {
namespace {

/// GPT-3's shape (arXiv 2005.14165, table 2.1).
Workload large_decoder() {
  return testing::decoder({.batch = 1536,
                           .seq = 2048,
                           .hidden = 12288,
                           .heads = 96,
                           .kv_heads = 96,
                           .head_dim = 128,
                           .ffn = 49152,
                           .vocab = 51200,
                           .layers = 96});
}

/// Plans as a search meets them: each differs from the one before.
std::vector<Plan> many_plans() {
  std::vector<Plan> plans;
  for (const int tensor : {1, 2, 4, 8}) {
    for (const int pipeline : {2, 4, 8, 16}) {
      for (const int rows : {1, 2, 4}) {
        for (const Recompute recompute : {Recompute::none, Recompute::full}) {
          Plan plan;
          plan.tensor_parallel = tensor;
          plan.pipeline_parallel = pipeline;
          plan.data_parallel = 1024 / tensor / pipeline;
          plan.micro_batch = rows;
          plan.recompute = recompute;
          plan.sequence_parallel = tensor > 1;
          if (1536 % (plan.data_parallel * rows) == 0) plans.push_back(plan);
        }
      }
    }
  }
  return plans;
}

void predict_plans(benchmark::State& state, bool remember) {
  const Workload workload = large_decoder();
  const System system = testing::round_system(8, 128);
  const std::vector<Plan> plans = many_plans();
  Predictor predictor(workload, system);
  for (const Plan& plan : plans)
    benchmark::DoNotOptimize(predictor.predict(plan));
  std::size_t next = 0;
  std::int64_t predictions = 0;
  for (auto _ : state) {
    if (!remember) {
      state.PauseTiming();
      predictor = Predictor(workload, system);
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(predictor.predict(plans[next]));
    next = (next + 1) % plans.size();
    ++predictions;
  }
  state.SetItemsProcessed(predictions);
}

void warm(benchmark::State& state) { predict_plans(state, true); }
void cold(benchmark::State& state) { predict_plans(state, false); }

BENCHMARK(warm)->Name("predict/96_layers/blocks_remembered");
BENCHMARK(cold)->Name("predict/96_layers/blocks_lowered_afresh");

}  // namespace
}  // namespace fastpath
