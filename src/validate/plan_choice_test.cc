#include "validate/plan_choice.h"

#include <array>

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(rank_correlation, is_one_for_the_same_order_and_minus_one_against_it) {
  const std::array<double, 4> up{1, 2, 30, 400};
  const std::array<double, 4> down{9, 8, 7, 6};
  EXPECT_DOUBLE_EQ(rank_correlation(up, up), 1);
  EXPECT_DOUBLE_EQ(rank_correlation(up, down), -1);
}

TEST(rank_correlation, of_equal_values_shares_their_ranks) {
  const std::array<double, 4> tied{1, 1, 2, 3};
  const std::array<double, 4> apart{1, 2, 3, 4};
  // Ranks 0.5 0.5 2 3 against 0 1 2 3: 4.5 / sqrt(4.5 x 5).
  EXPECT_NEAR(rank_correlation(tied, apart), 0.948683, 1e-6);
  const std::array<double, 4> constant{5, 5, 5, 5};
  EXPECT_EQ(rank_correlation(constant, apart), 0);
}

TEST(plan_choice, regrets_what_the_predicted_best_takes_over_the_measured_best) {
  const std::vector<MeasuredPlan> plans{{"w", "a", Seconds{1}, Seconds{12}},
                                        {"w", "b", Seconds{2}, Seconds{10}},
                                        {"w", "c", Seconds{3}, Seconds{20}},
                                        {"w", "d", Seconds{4}, Seconds{40}},
                                        {"few", "a", Seconds{1}, Seconds{9}}};
  const PlanChoice choice = plan_choice(plans);
  EXPECT_EQ(choice.works, 1U);
  EXPECT_EQ(choice.plans, 4U);
  EXPECT_NEAR(choice.mean_regret, 0.2, 1e-12);
  EXPECT_NEAR(choice.random_regret, 20.5 / 10 - 1, 1e-12);
}

TEST(plan_choice, takes_repeats_of_a_plan_as_one) {
  const std::vector<MeasuredPlan> plans{{"w", "a", Seconds{1}, Seconds{10}},
                                        {"w", "a", Seconds{1}, Seconds{12}},
                                        {"w", "a", Seconds{1}, Seconds{11}},
                                        {"w", "b", Seconds{2}, Seconds{11}}};
  EXPECT_EQ(plan_choice(plans, 3).works, 0U);
  EXPECT_NEAR(plan_choice(plans, 2).mean_regret, 0, 1e-12);
}

}  // namespace
}  // namespace fastpath
