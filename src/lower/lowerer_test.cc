#include "lower/lowerer.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(stage_memory, draft_layers_are_not_loaded_and_idle_ones_are) {
  BlockMemory block;
  block.weights = Bytes{100};
  const std::vector<BlockMemory> blocks{block, block, block};
  const std::vector<StageBlock> stage{
      {0, 2, SegmentUse::executed}, {1, 1, SegmentUse::idle}, {2, 1, SegmentUse::draft}};
  EXPECT_DOUBLE_EQ(stage_memory(stage, blocks).weights.base(), 300);
}

}  // namespace
}  // namespace fastpath
