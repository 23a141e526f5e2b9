#include "cli/machine_system.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "fastpath/fastpath.h"

#include "import/yaml/no_parts.h"
#include "import/yaml/system.h"
#include "model/device_model.h"

namespace fastpath::cli {
namespace {

Repeated figure_of(double median) {
  Repeated figure;
  figure.median = median;
  figure.spread = 0.02;
  figure.kept = 6;
  return figure;
}

/// Kernels that reach nine tenths of `peak` once they take some microseconds; depthwise ones a
/// fifth of it.
MeasuredMachine machine_of(double peak) {
  MeasuredMachine machine;
  machine.cpu = "Test CPU";
  machine.cores = 2;
  machine.library = "kernels 1.0";
  machine.date = "2026-11-29";
  machine.call = figure_of(3e-7);
  MeasuredLevel cache;
  cache.capacity = Bytes{16 << 20};
  cache.bandwidths.fill(figure_of(9e10));
  MeasuredLevel memory;
  memory.capacity = Bytes{16e9};
  memory.main_memory = true;
  memory.bandwidths.fill(figure_of(3e10));
  machine.levels = {cache, memory};
  machine.memory_by_all = {figure_of(5e10), figure_of(2.5e10), figure_of(4e10)};
  const auto add = [&](const KernelSize& size, double share) {
    const Flops work = work_of(size);
    const double seconds = 2e-6 + work.base() / (share * peak);
    machine.kernels.push_back(
        {{NumberFormat::fp32, size, 2}, "any", figure_of(work.base() / seconds)});
    machine.kernels.push_back(
        {{NumberFormat::fp32, size, 1}, "any", figure_of(work.base() / seconds / 2)});
  };
  for (const std::int64_t size : {64, 128, 256, 512, 1024})
    add(MatmulSize{size, size, size}, 0.9);
  for (const std::int64_t channels : {32, 64, 128, 256, 512}) {
    add(ConvolutionSize{28, channels, channels, 3, 1, 1}, 0.9);
    add(ConvolutionSize{28, channels, channels, 3, 1, channels}, 0.2);
  }
  return machine;
}

Seconds predicted(const System& system, const OpShape& shape) {
  return DeviceModel(system.device, Execution::graph).cost(shape).time;
}

OpShape convolution(double channels, double groups) {
  OpShape shape;
  shape.kind = OpKind::convolution;
  shape.compute_format = NumberFormat::fp32;
  shape.m = 28 * 28;
  shape.n = channels;
  shape.k = 9 * channels / groups;
  shape.group = groups;
  shape.work = Flops{2 * shape.m * shape.n * shape.k};
  shape.weights = Bytes{4 * shape.n * shape.k};
  shape.read = Bytes{4 * shape.m * channels} + shape.weights;
  shape.write = Bytes{4 * shape.m * channels};
  return shape;
}

TEST(machine_system, peaks_are_the_fastest_kernels_and_memory_is_that_of_all_cores) {
  const MeasuredMachine machine = machine_of(4e11);
  const System system = system_of(machine, "mine");
  EXPECT_EQ(system.id, "mine");
  ASSERT_EQ(system.device.peaks.size(), 1u);
  double fastest = 0;
  for (const MeasuredKernel& one : machine.kernels)
    fastest = std::max(fastest, one.rate.median);
  EXPECT_NEAR(system.device.peaks[0].rate.value.base() / fastest, 1, 1e-3);
  ASSERT_EQ(system.device.memories.size(), 2u);
  EXPECT_EQ(system.device.memories[0].bandwidth->value, BytesPerSecond{5e10});
  EXPECT_NEAR(system.device.achieved.memory.value, 0.8, 1e-9);
  const double product = machine.kernels[8].rate.median;  // of 1024, on two threads
  EXPECT_NEAR(system.device.achieved.matmul.value, product / fastest, 1e-3);
}

TEST(machine_system, predicts_kernels_between_those_measured) {
  const double peak = 4e11;
  const System system = system_of(machine_of(peak), "mine");
  for (const double channels : {192.0, 320.0, 384.0}) {  // whole tiles of the operator model
    const OpShape dense = convolution(channels, 1);
    EXPECT_NEAR(predicted(system, dense) / Seconds{2e-6 + dense.work.base() / (0.9 * peak)}, 1, 0.2)
        << channels;
    const OpShape depthwise = convolution(channels, channels);
    EXPECT_NEAR(predicted(system, depthwise) / Seconds{2e-6 + depthwise.work.base() / (0.2 * peak)},
                1, 0.3)
        << channels;
  }
}

TEST(machine_system, is_read_back_as_it_was_written) {
  const System system = system_of(machine_of(4e11), "mine");
  const std::string text = write_system_yaml(system);
  NoParts parts;
  const auto again = read_system_yaml(text, "mine.yaml", parts);
  ASSERT_TRUE(again.has_value()) << text;
  EXPECT_EQ(write_system_yaml(*again), text);
  EXPECT_EQ(again->device.kernels.size(), 3u);  // matmul, convolution, depthwise
}

TEST(machine_system, without_kernels_has_no_parameters) {
  MeasuredMachine machine = machine_of(4e11);
  machine.kernels.clear();
  const System system = system_of(machine, "mine");
  EXPECT_TRUE(system.device.peaks.empty());
  EXPECT_TRUE(system.device.kernels.empty());
}

}  // namespace
}  // namespace fastpath::cli
