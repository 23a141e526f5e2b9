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

/// A space as a search walks it: all divisions of 64 devices and their micro-batches (up to 1536),
/// chunks, recomputation and sharding, each plan once.
std::vector<Plan> space_of_64_devices() {
  std::vector<Plan> plans;
  for (int tensor = 1; tensor <= 32; tensor *= 2) {
    for (int pipeline = 1; tensor * pipeline <= 64; pipeline *= 2) {
      for (const int rows : {1, 2, 4, 8}) {
        for (int chunks = 1; chunks * pipeline <= 96; ++chunks) {
          for (int knobs = 0; knobs < 3 * 2 * 2 * 2 * 2; ++knobs) {
            Plan plan;
            plan.tensor_parallel = tensor;
            plan.pipeline_parallel = pipeline;
            plan.data_parallel = 64 / tensor / pipeline;
            plan.micro_batch = rows;
            plan.virtual_stages = chunks;
            if (chunks > 1) plan.schedule = Schedule::interleaved;
            plan.overlap_gradients = knobs % 2 == 0;
            plan.zero_stage = knobs / 2 % 2;
            plan.sequence_parallel = knobs / 4 % 2 == 0;
            plan.flash_attention = knobs / 8 % 2 == 0;
            plan.recompute = static_cast<Recompute>(knobs / 16);
            plans.push_back(plan);
          }
        }
      }
    }
  }
  return plans;
}

/// Mean of a walk, everything that a Predictor remembers built on the way.
void space(benchmark::State& state) {
  const Workload workload = large_decoder();
  const System system = testing::round_system(8, 8);
  const std::vector<Plan> plans = space_of_64_devices();
  std::int64_t legal = 0;
  for (auto _ : state) {
    Predictor predictor(workload, system);
    for (const Plan& plan : plans)
      legal += predictor.predict(plan).has_value() ? 1 : 0;
  }
  state.SetItemsProcessed(legal);
}

void warm(benchmark::State& state) { predict_plans(state, true); }
void cold(benchmark::State& state) { predict_plans(state, false); }

BENCHMARK(warm)->Name("predict/96_layers/blocks_remembered");
BENCHMARK(space)->Name("predict/96_layers/space_of_64_devices")->Unit(benchmark::kMillisecond);
BENCHMARK(cold)->Name("predict/96_layers/blocks_lowered_afresh");

}  // namespace
}  // namespace fastpath
