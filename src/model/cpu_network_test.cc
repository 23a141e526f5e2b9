#include "model/cpu_network.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace fastpath {
namespace {

double of(const CpuWork& work, std::string_view name) {
  for (std::size_t i = 0; i < kCpuWorks; ++i) {
    if (cpu_work_name(i) == name) return work[i];
  }
  ADD_FAILURE() << name;
  return 0;
}

EdgeLayer convolution(double in, int kernel, int stride, double groups, double out, double side) {
  EdgeLayer layer;
  layer.in_channels = in;
  layer.kernel = kernel;
  layer.stride = stride;
  layer.groups = groups;
  layer.out_channels = out;
  layer.out_height = layer.out_width = side;
  layer.macs = in * out / groups * kernel * kernel * side * side;
  return layer;
}

TEST(CpuWork, winograd_saves_a_factor_of_four_on_whole_tiles) {
  const std::vector<EdgeLayer> layers = {convolution(64, 3, 1, 1, 64, 56)};
  const CpuWork work = cpu_work(layers, {"n", 1, 0, 1}, false);
  EXPECT_DOUBLE_EQ(of(work, "winograd"), layers[0].macs / 4);
  EXPECT_DOUBLE_EQ(of(work, "winograd transform"), 14 * 14 * 36 * 128);
}

TEST(CpuWork, partial_tiles_count_whole) {
  const CpuWork work =
      cpu_work(std::vector{convolution(16, 3, 1, 1, 16, 5)}, {"n", 1, 0, 1}, false);
  EXPECT_DOUBLE_EQ(of(work, "winograd"), 2 * 2 * 36 * 16 * 16);
}

TEST(CpuWork, every_layer_is_of_one_kind) {
  const std::vector<EdgeLayer> layers = {
      convolution(3, 3, 2, 1, 32, 112), convolution(32, 3, 1, 32, 32, 112),
      convolution(32, 1, 1, 1, 64, 112), convolution(64, 3, 2, 1, 128, 56),
      convolution(64, 3, 1, 8, 64, 56)};
  const CpuWork work = cpu_work(layers, {"n", 5, 7, 1}, false);
  EXPECT_EQ(of(work, "first convolution"), layers[0].macs);
  EXPECT_EQ(of(work, "depthwise"), layers[1].macs);
  EXPECT_EQ(of(work, "pointwise"), layers[2].macs);
  EXPECT_EQ(of(work, "other convolution"), layers[3].macs);
  EXPECT_EQ(of(work, "grouped"), layers[4].macs);
  EXPECT_EQ(of(work, "layers"), 5);
  EXPECT_EQ(of(work, "activations"), 7);
}

TEST(CpuWork, quantised_convolutions_are_kinds_of_their_own) {
  const CpuWork work =
      cpu_work(std::vector{convolution(32, 1, 1, 1, 64, 14)}, {"n", 1, 0, 1}, true);
  EXPECT_EQ(of(work, "pointwise"), 0);
  EXPECT_GT(of(work, "pointwise int8"), 0);
}

}  // namespace
}  // namespace fastpath
