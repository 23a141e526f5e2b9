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
  const std::vector<RuntimePoint> points = probe_points(probes, events, 1);
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].m, 64);
  EXPECT_EQ(points[0].n, 32);
  EXPECT_EQ(points[0].k, 144);
  EXPECT_DOUBLE_EQ(points[0].time.base(), 2);
  EXPECT_EQ(points[1].m, 4 * 3 * 1024);
  EXPECT_EQ(points[2].kernel, RuntimeKernel::reorder);
  EXPECT_DOUBLE_EQ(points[2].time.base(), 3);
}

}  // namespace
}  // namespace fastpath
