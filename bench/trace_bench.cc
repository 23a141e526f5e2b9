// Reading a trace and all its analyses: bytes of JSON and events a second of one core, on a
// generated training step with the events and arguments of Kineto's.
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "analyze/trace/rank_analysis.h"
#include "import/trace/trace.h"

namespace fastpath {
namespace {

/// One operator: its span, its launch with a flow, its kernel.
std::string operator_events(int i) {
  const double host = 1'700'000'000'000'000.0 + 12.0 * i;
  const double device = host + 20;
  return fmt::format(
      R"(  {{
    "ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 25738, "tid": 25738,
    "ts": {0:.3f}, "dur": 9.125,
    "args": {{
      "External id": {1}, "Record function id": 0, "Sequence number": {1}, "Fwd thread id": 0,
      "Ev Idx": {1}, "Input Dims": [[4096, {2}], [{2}, 4096]], "Input type": ["c10::BFloat16", "c10::BFloat16"]
    }}
  }},
  {{
    "ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 25738, "tid": 25738,
    "ts": {3:.3f}, "dur": 5.250,
    "args": {{
      "External id": {1}, "cbid": 211, "correlation": {1}
    }}
  }},
  {{
    "ph": "s", "id": {1}, "pid": 25738, "tid": 25738, "ts": {3:.3f},
    "cat": "ac2g", "name": "ac2g"
  }},
  {{
    "ph": "X", "cat": "kernel", "name": "nvjet_tst_128x256_64x4_1x2_h_bz_coopA_NTN_{4}", "pid": 0, "tid": 7,
    "ts": {5:.3f}, "dur": 11.500,
    "args": {{
      "External id": {1}, "queued": 0, "device": 0, "context": 1, "stream": 7, "correlation": {1},
      "registers per thread": 168, "shared memory": 213248, "blocks per SM": 0.969697,
      "warps per SM": 11.636364, "grid": [128, 1, 1], "block": [384, 1, 1],
      "est. achieved occupancy %": 18
    }}
  }},
  {{
    "ph": "f", "id": {1}, "pid": 0, "tid": 7, "ts": {5:.3f},
    "cat": "ac2g", "name": "ac2g", "bp": "e"
  }})",
      host, i, 1024 + 64 * (i % 32), host + 3, i % 40, device);
}

std::string generated_trace(int operators) {
  std::string text =
      "{\"deviceProperties\": [{\"id\": 0, \"name\": \"NVIDIA H100\"}], \"traceEvents\": [\n";
  for (int i = 0; i < operators; ++i)
    text += operator_events(i) + (i + 1 < operators ? ",\n" : "\n");
  return text + "]}";
}

void analyze(benchmark::State& state) {
  const std::string text = generated_trace(static_cast<int>(state.range(0)));
  std::int64_t events = 0;
  for (auto _ : state) {
    const auto trace = parse_trace(text, "rank 0");
    events += trace->value.json_events;
    benchmark::DoNotOptimize(analyze_rank(trace->value));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.SetItemsProcessed(events);
}

void read(benchmark::State& state) {
  const std::string text = generated_trace(static_cast<int>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(parse_trace(text, "rank 0"));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

BENCHMARK(read)->Name("trace/read/operators")->Arg(30'000)->Unit(benchmark::kMillisecond);
BENCHMARK(analyze)
    ->Name("trace/read_and_analyze/operators")
    ->Arg(30'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fastpath
