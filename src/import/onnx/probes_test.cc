#include "import/onnx/probes.h"

#include <gtest/gtest.h>

#include "import/onnx/read.h"

namespace fastpath {
namespace {

TEST(probes, make_a_model_that_imports) {
  const RunnableModel model = probe_model(runtime_probes(), 1);
  ASSERT_FALSE(model.model.empty());
  const auto workload = read_onnx(model.model, "probes.onnx", {});
  ASSERT_TRUE(workload.has_value()) << workload.error().front().what;
  EXPECT_EQ(model.inputs.size(), runtime_probes().size());
}

TEST(probes, points_are_of_the_nodes_that_a_profile_names) {
  const std::vector<RuntimeProbe> probes{{RuntimeKernel::window, "Conv", 8, 16, 32, 3, 1},
                                         {RuntimeKernel::map, "Add", 8, 16, 16, 1, 1}};
  const Seconds at{0};
  const std::vector<RuntimeEvent> events{
      {"probe0_nchwc", "Conv", "1x16x8x8, 32x16x3x3 -> 1x32x8x8", at, Seconds{9}, 0},
      {"probe0_nchwc", "Conv", "1x16x8x8, 32x16x3x3 -> 1x32x8x8", at, Seconds{2}, 1},
      {"probe0_nchwc", "Conv", "1x16x8x8, 32x16x3x3 -> 1x32x8x8", at, Seconds{3}, 2},
      {"ReorderInput", "ReorderInput", "1x16x8x8 -> 1x16x8x8", at, Seconds{2}, 1},
      {"ReorderOutput", "ReorderOutput", "1x16x8x8 -> 1x16x8x8", at, Seconds{4}, 1},
      {"probe1.relu", "Relu", "", at, Seconds{1}, 1},
      {"probe1", "Add", "1x16x8x8, 1x16x8x8 -> 1x16x8x8", at, Seconds{1}, 1}};
  const std::vector<ProbePoint> points = probe_points(probes, events, 1);
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].point.m, 64);
  EXPECT_EQ(points[0].point.n, 32);
  EXPECT_EQ(points[0].point.k, 144);
  EXPECT_DOUBLE_EQ(points[0].point.time.base(), 2);
  EXPECT_EQ(points[1].point.m, 4 * 3 * 1024);
  EXPECT_EQ(points[2].point.kernel, RuntimeKernel::reorder);
  EXPECT_DOUBLE_EQ(points[2].point.time.base(), 3);
  EXPECT_EQ(points[1].probe, 1u);
  EXPECT_FALSE(points[2].probe.has_value());
}

/// Operators by type in what a model would execute.
std::size_t count_ops(const RunnableModel& model, OpKind kind) {
  const auto workload = read_onnx(model.model, "marginal.onnx", {.dims = {}, .as_executed = true});
  if (!workload) return 0;
  std::size_t count = 0;
  for (const Block& block : workload->value.blocks) {
    for (const Segment& segment : workload->value.segments) {
      if (&workload->value.blocks[segment.block] != &block) continue;
      for (const Op& op : block.ops)
        count += op.kind == kind ? static_cast<std::size_t>(segment.repeat) : 0;
    }
  }
  return count;
}

TEST(probes, marginal_models_differ_by_so_many_operators) {
  const auto matmul = marginal_models({RuntimeKernel::matmul, "MatMul", 10, 32, 64, 1, 1}, 1);
  ASSERT_TRUE(matmul.has_value());
  EXPECT_EQ(count_ops(matmul->with, OpKind::matmul), matmul->times);
  EXPECT_EQ(count_ops(matmul->without, OpKind::matmul), 0u);
  const auto window = marginal_models({RuntimeKernel::window, "Conv", 7, 16, 32, 3, 1}, 1);
  ASSERT_TRUE(window.has_value());
  const auto added = count_ops(window->with, OpKind::convolution) -
                     count_ops(window->without, OpKind::convolution);
  EXPECT_EQ(static_cast<double>(added), window->times);
  const auto line = marginal_models({RuntimeKernel::im2col, "Conv", 3, 32, 128, 3, 1}, 1);
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(static_cast<double>(count_ops(line->with, OpKind::convolution) -
                                count_ops(line->without, OpKind::convolution)),
            line->times);
  EXPECT_FALSE(marginal_models({RuntimeKernel::first, "Conv", 96, 3, 16, 3, 2}, 1).has_value());
}

TEST(probes, models_of_branches_differ_by_so_many_of_them) {
  for (const int operators : {1, 8}) {
    const MarginalModels models = branch_models(operators, 1);
    EXPECT_EQ(count_ops(models.with, OpKind::branch), models.times);
    EXPECT_EQ(count_ops(models.without, OpKind::branch), 0u);
    const auto sums = count_ops(models.with, OpKind::elementwise);
    EXPECT_EQ(sums, count_ops(models.without, OpKind::elementwise));
    EXPECT_GE(static_cast<double>(sums), operators * models.times);
  }
}

TEST(probes, a_transposed_convolution_scatters_the_products_of_a_matmul) {
  const RuntimeProbe probe{RuntimeKernel::scatter, "ConvTranspose", 8, 16, 32, 2, 2};
  EXPECT_EQ(product_of(probe).m, 64);
  EXPECT_EQ(product_of(probe).n, 128);
  EXPECT_EQ(product_of(probe).k, 16);
  const std::vector<RuntimeEvent> events{
      {"probe0", "ConvTranspose", "1x16x8x8, 16x32x2x2 -> 1x32x16x16", {}, Seconds{1}, 1}};
  const auto points = probe_points({probe}, events, 1);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].point.m, 4 * (64 * 128 + 256 * 32));
}

}  // namespace
}  // namespace fastpath
