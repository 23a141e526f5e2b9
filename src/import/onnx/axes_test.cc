#include "import/onnx/axes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastpath::onnx_import {
namespace {

using ::testing::ElementsAre;

std::vector<std::int64_t> sizes(const Axes& axes, const std::vector<AxisId>& list) {
  std::vector<std::int64_t> result;
  for (const AxisId leaf : axes.leaves(list))
    result.push_back(axes.size(leaf));
  return result;
}

TEST(Axes, tied_axes_are_one) {
  Axes axes;
  const AxisId a = axes.add(4);
  const AxisId b = axes.add(4);
  EXPECT_TRUE(axes.tie(a, b));
  EXPECT_EQ(axes.leaves(a), axes.leaves(b));
}

TEST(Axes, axes_of_different_size_are_never_tied) {
  Axes axes;
  EXPECT_FALSE(axes.tie(axes.add(4), axes.add(5)));
}

TEST(Axes, axes_that_are_kept_apart_stay_so_through_others) {
  Axes axes;
  const AxisId a = axes.add(4);
  const AxisId b = axes.add(4);
  const AxisId c = axes.add(4);
  axes.keep_apart({a, b});
  EXPECT_TRUE(axes.tie(a, c));
  EXPECT_FALSE(axes.tie(c, b));
}

TEST(Axes, a_reshape_parts_an_axis_into_the_factors_of_the_other_side) {
  Axes axes;
  const AxisId hidden = axes.add(32);
  const AxisId heads = axes.add(4);
  const AxisId width = axes.add(8);
  axes.tie_reshaped({hidden}, {heads, width});
  EXPECT_EQ(axes.leaves({hidden}), axes.leaves({heads, width}));
}

TEST(Axes, two_factorisations_meet_in_a_common_refinement) {
  Axes axes;
  const AxisId a = axes.composite({axes.add(4), axes.add(6)});
  const AxisId b = axes.composite({axes.add(12), axes.add(2)});
  EXPECT_TRUE(axes.tie(a, b));
  EXPECT_THAT(sizes(axes, {a}), ElementsAre(4, 3, 2));
  EXPECT_EQ(axes.leaves(a), axes.leaves(b));
}

TEST(Axes, factors_that_do_not_fit_leave_a_reshape_untied) {
  Axes axes;
  const std::vector<AxisId> from{axes.add(4), axes.add(9)};
  const std::vector<AxisId> to{axes.add(6), axes.add(6)};
  axes.tie_reshaped(from, to);
  EXPECT_NE(axes.leaves(from), axes.leaves(to));
}

TEST(Axes, the_leading_axis_is_kept_even_if_it_is_one) {
  Axes axes;
  const AxisId batch = axes.add(1);
  const AxisId other = axes.add(1);
  axes.tie_reshaped({batch, axes.add(6)}, {other, axes.add(2), axes.add(3)});
  EXPECT_EQ(axes.leaves(batch), axes.leaves(other));
}

}  // namespace
}  // namespace fastpath::onnx_import
