// Operator costs a second on one core. The bar is 2 million.
#include <array>

#include <benchmark/benchmark.h>

#include "model/device_model.h"

namespace fastpath {
namespace {

Device accelerator() {
  Device device;
  device.kind = "gpu";
  device.units = "132 SM";
  device.peaks.push_back({NumberFormat::bf16, {}, {}});
  device.peaks.back().rate.value = FlopsPerSecond{989e12};
  Memory memory;
  memory.bandwidth = Figure<BytesPerSecond>{};
  memory.bandwidth->value = BytesPerSecond{3.35e12};
  device.memories.push_back(memory);
  device.kernels.push_back(
      {KernelClass::matmul, "16", {}, default_kernel_parameters(), 0, 1, 0, 0, {}, {}});
  device.kernels.push_back(
      {KernelClass::attention_decode, "16", {}, default_kernel_parameters(), 0, 1, 0, 0, {}, {}});
  return device;
}

/// A decoder layer's mix: matmuls, attention and maps.
std::array<OpShape, 8> layer(double m) {
  std::array<OpShape, 8> shapes;
  constexpr std::array<double, 4> kColumns = {6144, 4096, 28672, 4096};
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    OpShape& shape = shapes[i];
    shape.kind = OpKind::matmul;
    shape.m = m;
    shape.n = kColumns[i];
    shape.k = 4096;
    shape.work = Flops{2 * m * shape.n * shape.k};
    shape.weights = Bytes{2 * shape.n * shape.k};
    shape.read = shape.weights + Bytes{2 * m * shape.k};
    shape.write = Bytes{2 * m * shape.n};
  }
  OpShape& attention = shapes[4];
  attention.kind = OpKind::attention;
  attention.m = 1;
  attention.n = 2048;
  attention.k = 128;
  attention.batch = 32 * m;
  attention.group = 4;
  attention.work = Flops{4 * attention.batch * 2048 * 128};
  attention.read = Bytes{4 * m * 8 * 2048 * 128};
  for (std::size_t i = 5; i < shapes.size(); ++i) {
    shapes[i].kind = i == 5 ? OpKind::rms_norm : OpKind::elementwise;
    shapes[i].m = m;
    shapes[i].work = Flops{5 * m * 4096};
    shapes[i].read = shapes[i].write = Bytes{2 * m * 4096};
  }
  return shapes;
}

void operator_cost(benchmark::State& state) {
  const DeviceModel model(accelerator(), Execution::graph);
  const auto shapes = layer(static_cast<double>(state.range(0)));
  for (auto _ : state) {
    for (const OpShape& shape : shapes)
      benchmark::DoNotOptimize(model.cost(shape));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(shapes.size()));
}
BENCHMARK(operator_cost)->Arg(1)->Arg(64)->Arg(4096);

}  // namespace
}  // namespace fastpath
