#include "model/goodput.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace fastpath {
namespace {

constexpr FailureModel kModel{Seconds{10'000}, Seconds{60}, Seconds{300}};

TEST(goodput, of_a_job_that_never_fails_is_all_but_its_checkpoints) {
  const FailureModel model{Seconds{1e15}, Seconds{60}, Seconds{300}};
  EXPECT_NEAR(goodput(model, Seconds{3000}), 3000.0 / 3060, 1e-9);
  EXPECT_NEAR(goodput(model, best_interval(model)), 1, 1e-5);
}

TEST(goodput, is_largest_at_the_best_interval) {
  for (const double write : {0.1, 1.0, 60.0, 5000.0, 50'000.0}) {
    const FailureModel model{Seconds{10'000}, Seconds{write}, Seconds{300}};
    const Seconds best = best_interval(model);
    const double most = goodput(model, best);
    EXPECT_GT(most, 0);
    for (const double factor : {0.5, 0.9, 0.99, 1.01, 1.1, 2.0})
      EXPECT_LT(goodput(model, factor * best), most) << write << " " << factor;
  }
}

TEST(goodput, young_and_daly_approach_the_best_interval_for_short_writes) {
  const FailureModel model{Seconds{1e6}, Seconds{1}, Seconds{0}};
  const Seconds best = best_interval(model);
  EXPECT_NEAR(young_interval(model) / best, 1, 1e-2);
  EXPECT_NEAR(daly_interval(model) / best, 1, 1e-4);
  // Daly's is the better one where writes are long.
  const Seconds long_best = best_interval(kModel);
  EXPECT_LT(std::abs(daly_interval(kModel) / long_best - 1),
            std::abs(young_interval(kModel) / long_best - 1));
}

TEST(goodput, grows_with_the_mean_time_between_failures) {
  double before = 0;
  for (double mtbf = 1e3; mtbf < 1e9; mtbf *= 3) {
    const FailureModel model{Seconds{mtbf}, Seconds{60}, Seconds{300}};
    const double now = goodput(model, best_interval(model));
    EXPECT_GT(now, before);
    EXPECT_LT(now, 1);
    before = now;
  }
}

/// Plays a run of `segments` checkpoints; returns useful over all time.
double played(const FailureModel& model, double interval, int segments) {
  std::mt19937_64 engine(42);
  std::exponential_distribution<double> until_failure(1 / model.mtbf.base());
  double clock = 0;
  for (int done = 0; done < segments;) {
    const double failure = until_failure(engine);
    const double segment = interval + model.checkpoint.base();
    if (failure >= segment) {
      clock += segment;
      ++done;
      continue;
    }
    clock += failure;
    for (double again = until_failure(engine); again < model.restart.base();
         again = until_failure(engine))
      clock += again;
    clock += model.restart.base();
  }
  return segments * interval / clock;
}

TEST(goodput, is_what_a_played_run_reaches) {
  for (const double interval : {300.0, 1000.0, 4000.0}) {
    constexpr int kSegments = 400'000;
    EXPECT_NEAR(goodput(kModel, Seconds{interval}), played(kModel, interval, kSegments), 0.003);
  }
}

TEST(wait_for_node, shrinks_with_spares_and_is_none_without_repairs) {
  constexpr Seconds kRepair{86'400};
  EXPECT_EQ(wait_for_node(1e-4, Seconds{0}, 0), Seconds{});
  EXPECT_EQ(wait_for_node(1e-4, kRepair, 0), kRepair);
  Seconds before = kRepair;
  for (std::int64_t spares = 1; spares < 30; ++spares) {
    const Seconds now = wait_for_node(1e-4, kRepair, spares);
    EXPECT_LT(now, before);
    before = now;
  }
  EXPECT_LT(before, Seconds{1});
}

}  // namespace
}  // namespace fastpath
