#include "analyze/runtime_difference.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(rank_correlation, is_of_the_order_alone) {
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3, 4}, {1, 20, 300, 4000}), 1);
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3, 4}, {4, 3, 2, 1}), -1);
  EXPECT_EQ(rank_correlation({1, 2}, {1, 2}), 0);
  EXPECT_EQ(rank_correlation({1, 1, 1}, {1, 2, 3}), 0);
}

TEST(runtime_difference, pairs_operators_by_what_they_write) {
  const std::vector<PredictedOperator> predicted{{"n0", "r0", false, Seconds{4}},
                                                 {"n1", "r1", false, Seconds{1}},
                                                 {"n0.reorder", "r0.plain", true, Seconds{2}},
                                                 {"gone", "r9", false, Seconds{3}}};
  const std::vector<RuntimeOperator> measured{
      {"r0_nchwc", "Conv", "", 1, Seconds{5}, Seconds{5}},
      {"r1_bn_nchwc", "Conv", "", 1, Seconds{2}, Seconds{2}},
      {"ReorderOutput_token_1", "ReorderOutput", "", 1, Seconds{3}, Seconds{3}},
      {"other", "Add", "", 1, Seconds{1}, Seconds{1}}};
  const RuntimeDifference difference = runtime_difference(predicted, measured, 10);
  EXPECT_EQ(difference.matched, 2u);
  const Table& types = difference.tables[0];
  ASSERT_EQ(types.rows.size(), 4u);
  EXPECT_EQ(std::get<std::string>(types.rows[0][0]), "Conv");
  EXPECT_DOUBLE_EQ(std::get<double>(types.rows[0][2]), 5);
  EXPECT_DOUBLE_EQ(std::get<double>(types.rows[0][3]), 7);
}

TEST(runtime_difference, pairs_fused_operators_by_the_part_that_names_them) {
  const std::vector<PredictedOperator> predicted{{"mul", "y", false, Seconds{4}}};
  const std::vector<RuntimeOperator> measured{
      {"mul/LayerNormFusion/", "LayerNormalization", "", 1, Seconds{5}, Seconds{5}}};
  const auto pairs = runtime_pairs(predicted, measured);
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_NE(pairs[0].predicted, nullptr);
}

}  // namespace
}  // namespace fastpath
