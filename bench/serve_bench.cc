// A request stream of 20,000 on 8 replicas, with the lengths of the Azure conversation trace
// (Microsoft Azure, AzurePublicDataset: medians of about 1,020 and 129 tokens), from nothing: the
// table of predictions is part of the time.
#include <memory>

#include <benchmark/benchmark.h>

#include "serve/capacity.h"
#include "serve/load.h"
#include "serve/serve.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

StepSource steps_of(const System& system, const Plan& plan) {
  return [system, plan](const StepShape& shape) {
    const Workload workload = testing::decoder({.batch = shape.batch,
                                                .seq = shape.sequence,
                                                .hidden = 4096,
                                                .heads = 32,
                                                .kv_heads = 8,
                                                .head_dim = 128,
                                                .ffn = 14336,
                                                .vocab = 128256,
                                                .layers = 32,
                                                .phase = shape.phase});
    return step_parts(workload, system, plan);
  };
}

void serve_azure(benchmark::State& state) {
  Load load;
  load.count = 20'000;
  load.rate = static_cast<double>(state.range(0));
  load.input = {20, 2300};
  load.output = {20, 400};
  const RequestStream stream = stream_of(load);
  Plan plan;
  plan.execution = Execution::graph;
  for ([[maybe_unused]] auto _ : state) {
    Deployment deployment;
    deployment.serving.count = 8;
    deployment.serving.table =
        std::make_shared<StepTable>(steps_of(testing::round_system(8), plan), 1);
    deployment.serving.pool = {25'000, 0, 512};
    deployment.routing = Routing::least_loaded;
    benchmark::DoNotOptimize(serve(stream, deployment));
  }
  state.SetItemsProcessed(state.iterations() * load.count);
}
BENCHMARK(serve_azure)->Arg(5)->Arg(60)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fastpath
