#include "validate/runtime_calibration.h"

#include <cmath>

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

RanOperator ran(double m, double n, double k, double slower, double times = 1) {
  return {{RuntimeKernel::window, m, n, k, times}, Seconds{slower * 1e-9 * m * n * k}};
}

TEST(runtime_calibration, operators_that_equal_the_prediction_change_nothing) {
  const Runtime before = regular();
  const Runtime after = with_operators(before, {ran(100, 32, 99, 1), ran(64, 16, 16, 1)});
  for (const double m : {50.0, 100.0, 700.0, 5000.0}) {
    const RuntimeWork work{RuntimeKernel::window, m, 48, 99, 2};
    EXPECT_NEAR(*runtime_time(after, work) / *runtime_time(before, work), 1, 1e-6);
  }
}

TEST(runtime_calibration, predicts_the_added_operators_nearer) {
  const Runtime before = regular();
  const std::vector<RanOperator> operators{ran(100, 32, 99, 1.6), ran(3000, 128, 300, 0.7)};
  const Runtime after = with_operators(before, operators);
  for (const RanOperator& one : operators) {
    const auto miss = [&](const Runtime& runtime) {
      return std::abs(std::log(*runtime_time(runtime, one.work) / one.time));
    };
    EXPECT_LT(miss(after), miss(before) / 10);
  }
}

TEST(runtime_calibration, a_shape_has_one_point_the_median_of_what_ran) {
  const Runtime before = regular();
  const Runtime after =
      with_operators(before, {ran(64, 16, 16, 2), ran(64, 16, 16, 3, 4), ran(64, 16, 16, 9)});
  EXPECT_EQ(after.points.size(), before.points.size());
  EXPECT_NEAR(after.points.back().time.base(), 3e-9 * 64 * 16 * 16, 1e-12);
}

TEST(runtime_calibration, a_model_without_pairs_or_points_is_an_error) {
  EXPECT_FALSE(calibrate_runtime(regular(), {{"empty", {}}}).has_value());
  const RanOperator map{{RuntimeKernel::map, 1024, 1, 1, 1}, Seconds{1e-6}};
  EXPECT_FALSE(calibrate_runtime(regular(), {{"maps", {map}}}).has_value());
}

TEST(runtime_calibration, a_model_is_judged_by_the_others_alone) {
  const auto both = calibrate_runtime(
      regular(), {{"slow", {ran(100, 32, 99, 2)}}, {"slow too", {ran(110, 32, 99, 2)}}});
  ASSERT_TRUE(both.has_value());
  const auto alone = calibrate_runtime(regular(), {{"slow", {ran(100, 32, 99, 2)}}});
  ASSERT_TRUE(alone.has_value());
  const auto error_after = [](const RuntimeCalibration& calibration) {
    return std::get<double>(calibration.tables[1].rows[0].back());
  };
  EXPECT_NEAR(error_after(*alone), -0.5, 1e-6);
  EXPECT_GT(error_after(*both), -0.4);
}

}  // namespace
}  // namespace fastpath
