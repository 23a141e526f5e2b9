#include "model/device_model.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

Device device_with(std::vector<KernelEntry> kernels) {
  Device device;
  device.id = "test";
  device.kind = "gpu";
  device.units = "100 SM";
  device.peaks.push_back({NumberFormat::bf16, {}, {}});
  device.peaks.back().rate.value = FlopsPerSecond{1e14};
  Memory memory;
  memory.bandwidth = Figure<BytesPerSecond>{};
  memory.bandwidth->value = BytesPerSecond{1e12};
  device.memories.push_back(memory);
  device.kernels = std::move(kernels);
  return device;
}

KernelEntry entry_of(double low, double high, Seconds shortest, Seconds longest) {
  return {KernelClass::matmul,
          "16",
          {},
          default_kernel_parameters(),
          0.05,
          40,
          low,
          high,
          shortest,
          longest};
}

OpShape matmul(double size) {
  OpShape shape;
  shape.kind = OpKind::matmul;
  shape.m = shape.n = shape.k = size;
  shape.work = Flops{2 * size * size * size};
  shape.weights = Bytes{2 * size * size};
  shape.read = 2 * shape.weights;
  shape.write = shape.weights;
  return shape;
}

TEST(RelativeInterval, is_that_of_the_entry_which_gave_the_time) {
  const DeviceModel model(
      device_with({entry_of(0.9, 1.2, 1.0_us, Seconds{1}), entry_of(0.5, 2, 1.0_us, Seconds{1})}),
      Execution::graph);
  const RelativeInterval interval = model.relative_interval(matmul(4096));
  EXPECT_EQ(interval.low, 0.9);
  EXPECT_EQ(interval.high, 1.2);
  EXPECT_EQ(interval.rows, 40u);
  EXPECT_FALSE(interval.extrapolating);
}

TEST(RelativeInterval, widens_beyond_what_was_measured_and_says_so) {
  const DeviceModel model(device_with({entry_of(0.9, 1.2, 10.0_us, 100.0_us)}), Execution::graph);
  const RelativeInterval inside = model.relative_interval(matmul(1024));
  const RelativeInterval outside = model.relative_interval(matmul(16384));
  EXPECT_FALSE(inside.extrapolating);
  EXPECT_TRUE(outside.extrapolating);
  EXPECT_LT(outside.low, inside.low);
  EXPECT_GT(outside.high, inside.high);
}

TEST(RelativeInterval, of_what_nobody_measured_is_wide) {
  const DeviceModel nothing(device_with({}), Execution::graph);
  const DeviceModel unscored(device_with({entry_of(0, 0, {}, {})}), Execution::graph);
  for (const DeviceModel* model : {&nothing, &unscored}) {
    const RelativeInterval interval = model->relative_interval(matmul(4096));
    EXPECT_TRUE(interval.extrapolating);
    EXPECT_GE(interval.high / interval.low, 9 - 1e-9);
  }
}

TEST(DeviceModel, four_bit_floats_share_the_parameters_of_nvfp4) {
  KernelEntry entry = entry_of(0.9, 1.2, {}, {});
  entry.format = "nvfp4";
  entry.parameters[KernelParameter::launch] = 17e-6;
  const DeviceModel model(device_with({entry}), Execution::graph);
  for (const NumberFormat format : {NumberFormat::nvfp4, NumberFormat::mxfp4, NumberFormat::fp4}) {
    OpShape shape = matmul(4096);
    shape.compute_format = format;
    EXPECT_EQ(model.parameters(shape)[KernelParameter::launch], 17e-6);
  }
}

TEST(DeviceModel, depthwise_convolutions_have_those_of_convolutions_until_they_have_their_own) {
  OpShape shape = matmul(64);
  shape.kind = OpKind::convolution;
  shape.group = shape.n;
  KernelEntry entry = entry_of(0.9, 1.2, {}, {});
  entry.kernel_class = KernelClass::convolution;
  entry.format = format_key(shape.compute_format);
  entry.parameters[KernelParameter::launch] = 17e-6;
  const auto launch_of = [&](const std::vector<KernelEntry>& entries) {
    return DeviceModel(device_with(entries), Execution::graph)
        .parameters(shape)[KernelParameter::launch];
  };
  EXPECT_EQ(launch_of({entry}), 17e-6);
  KernelEntry own = entry;
  own.kernel_class = KernelClass::depthwise;
  own.format = "";
  own.parameters[KernelParameter::launch] = 19e-6;
  EXPECT_EQ(launch_of({entry, own}), 19e-6);
}

}  // namespace
}  // namespace fastpath
