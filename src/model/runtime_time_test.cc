#include "model/runtime_time.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

/// Points of a kernel that takes a nanosecond for each unit of work.
Runtime regular() {
  Runtime runtime;
  for (const double m : {64.0, 256.0, 1024.0}) {
    for (const double n : {16.0, 64.0, 256.0}) {
      for (const double k : {16.0, 128.0, 512.0})
        runtime.points.push_back({RuntimeKernel::window, m, n, k, Seconds{1e-9 * m * n * k}});
    }
  }
  return runtime;
}

TEST(runtime_time, of_a_regular_kernel_is_exact_between_and_beyond_its_points) {
  const Runtime runtime = regular();
  for (const double m : {64.0, 100.0, 5000.0}) {
    const auto time = runtime_time(runtime, {RuntimeKernel::window, m, 48, 99, 2});
    ASSERT_TRUE(time.has_value());
    EXPECT_NEAR(time->base(), 2e-9 * m * 48 * 99, 1e-6 * time->base());
  }
}

TEST(runtime_time, counts_output_channels_in_whole_blocks) {
  const Runtime runtime = regular();
  const auto part = runtime_time(runtime, {RuntimeKernel::window, 64, 17, 99, 1});
  const auto whole = runtime_time(runtime, {RuntimeKernel::window, 64, 32, 99, 1});
  EXPECT_DOUBLE_EQ(part->base(), whole->base());
}

TEST(runtime_time, comes_from_what_stands_in_or_is_not_known) {
  const Runtime runtime = regular();
  EXPECT_TRUE(runtime_time(runtime, {RuntimeKernel::depthwise, 64, 64, 9, 1}).has_value());
  EXPECT_FALSE(runtime_time(runtime, {RuntimeKernel::map, 64, 1, 1, 1}).has_value());
}

TEST(runtime_time, left_out_points_of_a_regular_kernel_are_met) {
  const auto [low, high] = leave_one_out(regular());
  EXPECT_NEAR(low, 1, 1e-6);
  EXPECT_NEAR(high, 1, 1e-6);
}

/// A convolution of 56 x 56 places in fp32.
OpShape convolution(double in, double out, double taps, double groups) {
  OpShape shape;
  shape.kind = OpKind::convolution;
  shape.compute_format = NumberFormat::fp32;
  shape.m = 56 * 56;
  shape.n = out;
  shape.k = in / groups * taps;
  shape.group = groups;
  shape.weights = Bytes{4 * shape.n * shape.k};
  shape.read = Bytes{4 * in * shape.m} + shape.weights;
  shape.write = Bytes{4 * out * shape.m};
  return shape;
}

TEST(runtime_work, tells_kernels_by_what_a_convolution_reads) {
  EXPECT_EQ(runtime_work(convolution(64, 64, 1, 1)).kernel, RuntimeKernel::pointwise);
  EXPECT_EQ(runtime_work(convolution(64, 64, 9, 1)).kernel, RuntimeKernel::window);
  EXPECT_EQ(runtime_work(convolution(3, 64, 9, 1)).kernel, RuntimeKernel::first);
  EXPECT_EQ(runtime_work(convolution(64, 64, 9, 64)).kernel, RuntimeKernel::depthwise);
  OpShape line = convolution(64, 64, 3, 1);
  line.im2col = true;
  EXPECT_EQ(runtime_work(line).kernel, RuntimeKernel::im2col);
}

TEST(runtime_time, of_branches_and_calls_is_nothing_in_systems_without_them) {
  const Runtime none;
  EXPECT_EQ(runtime_time(none, {RuntimeKernel::branch, 8, 1, 1, 1}), Seconds{});
  EXPECT_EQ(runtime_time(none, {RuntimeKernel::call, 1, 1, 1, 1}), Seconds{});
}

TEST(runtime_time, of_a_convolution_has_what_it_adds) {
  Runtime runtime;
  runtime.points = {{RuntimeKernel::window, 64, 64, 576, Seconds{4}},
                    {RuntimeKernel::map, 4096, 1, 1, Seconds{1}}};
  OpShape shape = convolution(64, 64, 9, 1);
  const auto alone = runtime_time(runtime, shape);
  shape.summed = Bytes{4096};
  shape.read += shape.summed;
  const auto summed = runtime_time(runtime, shape);
  ASSERT_TRUE(alone && summed);
  EXPECT_NEAR((*summed - *alone).base(), 1, 1e-9);
}

TEST(runtime_work, tells_quotients_from_other_maps) {
  OpShape shape;
  shape.read = shape.write = Bytes{1024};
  EXPECT_EQ(runtime_work(shape).kernel, RuntimeKernel::map);
  shape.division = true;
  EXPECT_EQ(runtime_work(shape).kernel, RuntimeKernel::division);
}

TEST(runtime_work, a_map_that_adds_products_up_is_a_scatter) {
  OpShape shape;
  shape.kind = OpKind::elementwise;
  shape.compute_format = NumberFormat::fp32;
  shape.read = Bytes{4096};
  shape.write = Bytes{1024};
  EXPECT_EQ(runtime_work(shape).kernel, RuntimeKernel::map);
  shape.k = 4;
  EXPECT_EQ(runtime_work(shape).kernel, RuntimeKernel::scatter);
  EXPECT_EQ(runtime_work(shape).m, 5120);
}

}  // namespace
}  // namespace fastpath
