#include "import/catalog/framework_factors.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

constexpr std::string_view kHeader =
    "stack,generation,contraction,memory,network,experts,quantise,launch [us],step [ms],spread,low,"
    "high,rows,source,date\n";

TEST(framework_factors, the_most_specific_row_counts) {
  const std::string text = std::string(kHeader) +
                           ",,1,1,1,1,1,10,1,0.1,0.8,1.2,100,s,2026-11-25\n"
                           "stack,,2,1,1,1,1,20,2,0.1,0.8,1.2,50,s,2026-11-25\n"
                           "stack,hopper,3,1,1,1,1,30,3,0.1,0.8,1.2,20,s,2026-11-25\n";
  const auto factors = FrameworkFactors::parse(text, "factors.csv");
  ASSERT_TRUE(factors.has_value());
  EXPECT_EQ(factors->find("other", "hopper")->contraction.value, 1);
  EXPECT_EQ(factors->find("stack", "ampere")->contraction.value, 2);
  const Framework& exact = *factors->find("stack", "hopper");
  EXPECT_EQ(exact.contraction.value, 3);
  EXPECT_DOUBLE_EQ(exact.launch.value.base(), 30e-6);
  EXPECT_DOUBLE_EQ(exact.step.value.base(), 3e-3);
  EXPECT_EQ(exact.rows, 20u);
}

TEST(framework_factors, a_missing_figure_is_told_with_its_place) {
  const std::string text =
      std::string(kHeader) + "stack,,2,,1,1,1,20,2,0.1,0.8,1.2,50,s,2026-11-25\n";
  const auto factors = FrameworkFactors::parse(text, "factors.csv");
  ASSERT_FALSE(factors.has_value());
  EXPECT_EQ(factors.error()[0].what, "a row needs a value for 'memory'");
  EXPECT_EQ(factors.error()[0].place.line, 2);
}

TEST(framework_factors, the_programs_own_table_has_a_row_for_any_stack) {
  const auto factors = FrameworkFactors::embedded();
  ASSERT_TRUE(factors.has_value());
  const Framework* any = factors->find("nobody's", "unheard of");
  ASSERT_NE(any, nullptr);
  EXPECT_GT(any->rows, 0u);
  EXPECT_LT(any->low, any->high);
}

}  // namespace
}  // namespace fastpath
