#include "validate/runtime_calibration.h"

#include <cmath>
#include <functional>
#include <string>
#include <utility>

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

Lessons all_of(Lesson lesson) {
  Lessons lessons{};
  lessons.fill(lesson);
  return lessons;
}

Lesson of_windows(const Lessons& lessons) {
  return lessons[static_cast<std::size_t>(RuntimeKernel::window)];
}

TEST(runtime_calibration, operators_that_equal_the_prediction_change_nothing) {
  const Runtime before = regular();
  for (const Lesson lesson : {Lesson::nothing, Lesson::factor, Lesson::points}) {
    const Runtime after =
        taught_by(before, {ran(100, 32, 99, 1), ran(64, 16, 16, 1)}, all_of(lesson));
    for (const double m : {50.0, 100.0, 700.0, 5000.0}) {
      const RuntimeWork work{RuntimeKernel::window, m, 48, 99, 2};
      EXPECT_NEAR(*runtime_time(after, work) / *runtime_time(before, work), 1, 1e-6);
    }
  }
}

TEST(runtime_calibration, predicts_the_added_operators_nearer) {
  const Runtime before = regular();
  const std::vector<RanOperator> operators{ran(100, 32, 99, 1.6), ran(3000, 128, 300, 0.7)};
  const Runtime after = taught_by(before, operators, all_of(Lesson::points));
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
      taught_by(before, {ran(64, 16, 16, 2), ran(64, 16, 16, 3, 4), ran(64, 16, 16, 9)},
                all_of(Lesson::points));
  EXPECT_EQ(after.points.size(), before.points.size());
  EXPECT_NEAR(after.points.back().time.base(), 3e-9 * 64 * 16 * 16, 1e-12);
}

TEST(runtime_calibration, a_model_without_pairs_or_points_is_an_error) {
  EXPECT_FALSE(calibrate_runtime(regular(), {{"empty", {}}}).has_value());
  const RanOperator map{{RuntimeKernel::map, 1024, 1, 1, 1}, Seconds{1e-6}};
  EXPECT_FALSE(calibrate_runtime(regular(), {{"maps", {map}}}).has_value());
}

TEST(runtime_calibration, a_factor_is_the_median_of_the_operators_by_their_time) {
  const Runtime before = regular();
  const std::vector<RanOperator> operators{ran(64, 16, 16, 9), ran(64, 16, 128, 9),
                                           ran(1024, 256, 512, 1.5)};
  const Runtime after = taught_by(before, operators, all_of(Lesson::factor));
  ASSERT_EQ(after.points.size(), before.points.size());
  for (std::size_t i = 0; i < after.points.size(); ++i)
    EXPECT_NEAR(after.points[i].time / before.points[i].time, 1.5, 1e-9);
}

/// Operators of other sizes than the points', each `slower(m)` than predicted.
RanModel model_of(std::string name, double first, const std::function<double(double)>& slower) {
  RanModel model{std::move(name), {}};
  for (double m = first; m < 4000; m *= 1.7)
    model.operators.push_back(ran(m, 48, 99, slower(m)));
  return model;
}

TEST(runtime_calibration, a_kernel_learns_what_predicts_other_models) {
  const Runtime before = regular();
  // All slower by as much: one factor says it, with points it fades between and beyond them.
  const auto slow = [](double) { return 1.6; };
  EXPECT_EQ(of_windows(choose_lessons(before, {model_of("a", 30, slow), model_of("b", 37, slow)})),
            Lesson::factor);
  // Slower the larger it is: points say it.
  const auto by_size = [](double m) { return std::pow(m / 300, 0.3); };
  EXPECT_EQ(
      of_windows(choose_lessons(before, {model_of("a", 30, by_size), model_of("b", 37, by_size)})),
      Lesson::points);
  // One slow and one fast: neither helps the other.
  const auto fast = [](double) { return 0.6; };
  EXPECT_EQ(of_windows(choose_lessons(before, {model_of("a", 30, slow), model_of("b", 37, fast)})),
            Lesson::nothing);
  // One model teaches what it says of its own other shapes; one shape says nothing.
  EXPECT_EQ(of_windows(choose_lessons(before, {model_of("a", 30, slow)})), Lesson::factor);
  EXPECT_EQ(of_windows(choose_lessons(before, {{"a", {ran(100, 32, 99, 2)}}})), Lesson::nothing);
}

TEST(runtime_calibration, a_model_is_judged_by_the_others_alone) {
  const auto slow = [](double) { return 2.0; };
  const auto both =
      calibrate_runtime(regular(), {model_of("slow", 30, slow), model_of("slow too", 37, slow)});
  ASSERT_TRUE(both.has_value());
  const auto alone = calibrate_runtime(regular(), {model_of("slow", 30, slow)});
  ASSERT_TRUE(alone.has_value());
  const auto error_after = [](const RuntimeCalibration& calibration) {
    return std::get<double>(calibration.tables[1].rows[0].back());
  };
  EXPECT_NEAR(error_after(*alone), -0.5, 1e-6);
  EXPECT_NEAR(error_after(*both), 0, 1e-6);
}

}  // namespace
}  // namespace fastpath
