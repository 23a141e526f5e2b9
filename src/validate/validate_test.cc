#include <cmath>

#include <gtest/gtest.h>

#include "validate/baseline.h"
#include "validate/calibrate.h"
#include "validate/catalog_entries.h"
#include "validate/correction.h"
#include "validate/cross_validate.h"
#include "validate/folds.h"
#include "validate/intervals.h"
#include "validate/score.h"

namespace fastpath {
namespace {

ScoredRow row(double predicted, double measured, double low = 0, double high = 0) {
  ScoredRow result;
  result.predicted = Seconds{predicted};
  result.measured = Seconds{measured};
  result.low = Seconds{low};
  result.high = Seconds{high};
  return result;
}

TEST(Score, errors_are_shares_of_the_measured_time) {
  const std::vector<ScoredRow> rows = {row(1.1, 1), row(0.8, 1), row(3, 1)};
  const Score result = score(rows, 1);
  EXPECT_NEAR(result.median, 0.2, 1e-12);
  EXPECT_NEAR(result.mean, (0.1 + 0.2 + 2) / 3, 1e-12);
  EXPECT_NEAR(result.bias, (0.1 - 0.2 + 2) / 3, 1e-12);
  EXPECT_EQ(result.worst, std::vector<std::size_t>{2});
}

TEST(Score, no_rows_score_nothing) { EXPECT_EQ(score({}).rows, 0u); }

TEST(Score, an_interval_pays_for_width_and_for_missing) {
  EXPECT_NEAR(interval_score(row(1, 1, 0.9, 1.1)), 0.2, 1e-12);
  EXPECT_NEAR(interval_score(row(1, 2, 0.9, 1.1)), 0.1 + 20 * 0.45, 1e-12);
}

TEST(Score, binomial_limits_hold_95_per_cent) {
  // 100 draws at 0.9: P(X < 84) = 2.1 %, P(X > 95) = 2.4 % (exact binomial).
  const ShareLimits limits = binomial_limits(100, 0.9);
  EXPECT_NEAR(limits.low, 0.84, 1e-12);
  EXPECT_NEAR(limits.high, 0.95, 1e-12);
}

TEST(Folds, rows_that_share_any_tie_stay_together_in_any_order) {
  const std::vector<std::vector<std::string>> ties = {{"a"}, {"b"}, {"a", "c"}, {"c"}, {"d"}};
  const auto folds = fold_of_rows(ties, 3);
  EXPECT_EQ(folds[0], folds[2]);
  EXPECT_EQ(folds[2], folds[3]);
  const std::vector<std::vector<std::string>> mirrored(ties.rbegin(), ties.rend());
  const auto again = fold_of_rows(mirrored, 3);
  for (std::size_t i = 0; i < ties.size(); ++i)
    EXPECT_EQ(folds[i], again[ties.size() - 1 - i]) << i;
  EXPECT_EQ(fold_count(fold_of_rows(ties, 0)), 3u);
}

TEST(Intervals, hold_at_least_nine_of_ten_of_their_own_residuals) {
  std::vector<Residual> residuals;
  for (int i = 0; i < 200; ++i)
    residuals.push_back({std::sin(i * 1.7), {"r"}, static_cast<std::uint32_t>(i)});
  const ResidualIntervals intervals(residuals);
  const std::vector<std::string> regimes = {"r"};
  const Interval interval = intervals.interval(regimes);
  int inside = 0;
  for (const Residual& residual : residuals) {
    const double factor = std::exp(residual.log_ratio);
    if (interval.low <= factor && factor <= interval.high) ++inside;
  }
  EXPECT_GE(inside, 180);
  EXPECT_FALSE(interval.extrapolating);
}

TEST(Intervals, without_residuals_are_wide_and_say_so) {
  const ResidualIntervals intervals({});
  const std::vector<std::string> regimes = {"unknown"};
  EXPECT_TRUE(intervals.interval(regimes).extrapolating);
  EXPECT_GE(intervals.interval(regimes).high, 2);
}

/// Matmuls whose times the model itself made with other parameters.
struct Synthetic {
  DeviceFacts device;
  std::vector<Measurement> measurements;
  std::vector<CalibrationRow> rows;
  KernelParameters truth = default_kernel_parameters();

  Synthetic() {
    device.id = "test";
    device.family = "family";
    device.rates.peaks.fill(FlopsPerSecond{300e12});
    device.rates.bandwidth = BytesPerSecond{2e12};
    device.rates.units = 100;
    truth[KernelParameter::launch] = 7e-6;
    truth[KernelParameter::compute] = 0.7;
    truth[KernelParameter::memory] = 0.6;
    for (double m = 1; m <= 8192; m *= 4) {
      for (double n = 1024; n <= 16384; n *= 4)
        add(m, n, 4096);
    }
    for (const Measurement& measurement : measurements)
      rows.push_back({&measurement, &device});
  }

  void add(double m, double n, double k) {
    Measurement measurement;
    measurement.device = "test";
    measurement.kind = "gemm";
    measurement.format = "16";
    OpShape shape;
    shape.kind = OpKind::matmul;
    shape.m = m;
    shape.n = n;
    shape.k = k;
    shape.work = Flops{2 * m * n * k};
    shape.weights = Bytes{2 * n * k};
    shape.read = shape.weights + Bytes{2 * m * k};
    shape.write = Bytes{2 * m * n};
    measurement.parts = {shape};
    measurement.time = predicted_time({&measurement, &device}, truth);
    measurements.push_back(std::move(measurement));
  }
};

TEST(Calibration, finds_the_times_of_known_parameters) {
  const Synthetic data;
  const Calibration calibration(data.rows);
  for (const CalibrationRow& row : data.rows) {
    const Seconds predicted = predicted_time(row, calibration.parameters(row));
    EXPECT_NEAR(predicted / row.measurement->time, 1, 0.06);
  }
  const KernelParameters& fitted = calibration.parameters(data.rows.front());
  EXPECT_NEAR(fitted[KernelParameter::launch] / 7e-6, 1, 0.15);
  EXPECT_NEAR(fitted[KernelParameter::memory] / 0.6, 1, 0.15);
}

TEST(Calibration, does_not_move_for_one_wild_row) {
  Synthetic data;
  data.measurements[5].time = 50 * data.measurements[5].time;
  const Calibration calibration(data.rows);
  std::vector<double> errors;
  for (const CalibrationRow& row : data.rows) {
    errors.push_back(std::abs(
        std::log(predicted_time(row, calibration.parameters(row)) / row.measurement->time)));
  }
  EXPECT_LT(quantile(errors, 0.5), 0.06);
}

TEST(Calibration, is_the_same_every_time_and_inside_its_ranges) {
  const Synthetic data;
  const Calibration one(data.rows);
  const Calibration two(data.rows);
  ASSERT_EQ(one.nodes().size(), two.nodes().size());
  for (const auto& [name, node] : one.nodes()) {
    EXPECT_EQ(node.parameters, two.nodes().at(name).parameters);
    for (std::size_t i = 0; i < kKernelParameters; ++i) {
      const KernelParameterInfo& range = info(static_cast<KernelParameter>(i));
      EXPECT_GE(node.parameters.values[i], range.low * 0.999) << range.name;
      EXPECT_LE(node.parameters.values[i], range.high * 1.001) << range.name;
    }
  }
}

TEST(Correction, is_bounded_and_fades_away_from_measured_shapes) {
  Synthetic data;
  const std::vector<double> residuals(data.rows.size(), 5.0);
  const Correction correction(data.rows, residuals);
  EXPECT_GT(correction.factor(data.rows[3]), 1.0);
  EXPECT_LE(correction.factor(data.rows[3]), 2.0);
  Synthetic far;
  far.measurements[0].parts[0].k = 4e9;
  EXPECT_NEAR(correction.factor(far.rows[0]), 1, 1e-6);
}

TEST(PooledBaseline, finds_launch_and_efficiency) {
  Synthetic data;
  for (Measurement& m : data.measurements)
    m.time = 8.0_us + naive_roofline({&m, &data.device}) / 0.5;
  const PooledBaseline baseline(data.rows);
  for (const CalibrationRow& row : data.rows)
    EXPECT_NEAR(baseline.predict(row) / row.measurement->time, 1, 0.15);
}

TEST(CatalogEntries, say_how_far_off_they_were_on_what_they_had_not_seen) {
  Synthetic data;
  for (std::size_t i = 0; i < data.measurements.size(); ++i)
    data.measurements[i].time = (i % 2 == 0 ? 1.2 : 1 / 1.2) * data.measurements[i].time;
  const auto entries = catalog_entries(data.rows);
  ASSERT_EQ(entries.size(), 3u);
  for (const auto& [scope, entry] : entries) {
    EXPECT_LT(entry.low, entry.high) << scope;
    if (scope == "test") {  // without its only device, the others know nothing
      EXPECT_LE(entry.low, 0.9);
      EXPECT_GE(entry.high, 1.1);
    }
    EXPECT_GT(entry.shortest, Seconds{}) << scope;
    EXPECT_GT(entry.longest, entry.shortest) << scope;
    EXPECT_EQ(entry.rows, data.rows.size()) << scope;
  }
}

TEST(CatalogEntries, leave_out_what_a_host_launched) {
  Synthetic data;
  for (Measurement& m : data.measurements)
    m.library = "torch-eager";
  EXPECT_TRUE(catalog_entries(data.rows).empty());
}

TEST(CrossValidation, is_the_same_on_any_number_of_threads) {
  const Synthetic data;
  const CrossValidation one = cross_validate(data.rows, Folding::shapes, {}, 1);
  const CrossValidation four = cross_validate(data.rows, Folding::shapes, {}, 4);
  for (std::size_t i = 0; i < one.rows.size(); ++i) {
    EXPECT_EQ(one.rows[i].predicted, four.rows[i].predicted);
    EXPECT_EQ(one.rows[i].high, four.rows[i].high);
  }
}

TEST(Usable, rows_that_beat_physics_are_listed_and_not_used) {
  Synthetic data;
  data.measurements[2].time = Seconds{1e-9};
  data.measurements[3].cache_resident = true;
  data.measurements[4].device = "unknown";
  DeviceTable devices;
  devices["test"] = data.device;
  const Usable usable = usable_rows(data.measurements, devices);
  EXPECT_EQ(usable.left_out.size(), 3u);
  EXPECT_EQ(usable.rows.size() + 3, data.measurements.size());
}

TEST(CrossValidation, of_a_law_without_noise_is_nearly_exact) {
  const Synthetic data;
  const CrossValidation run = cross_validate(data.rows, Folding::shapes, {});
  EXPECT_LT(score(run.rows).median, 0.08);
}

}  // namespace
}  // namespace fastpath
