#include "validate/cross_validate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "validate/baseline.h"
#include "validate/correction.h"
#include "validate/folds.h"
#include "validate/intervals.h"

namespace fastpath {
namespace {

/// More for rows: a device's few values of m should fall into different folds.
std::uint32_t folds_of(Folding folding) {
  switch (folding) {
    case Folding::shapes: return 10;
    case Folding::rows: return 20;
    case Folding::devices: break;
  }
  return 0;  // one each
}

/// A row may beat a data sheet by its clock's tolerance and the resolution of its print.
constexpr double kTolerance = 0.97;
/// Convolutions by transforms need fewer multiplications than counted: F(4x4, 3x3) 4 times.
constexpr double kTransformGain = 4;

/// Without the library: its neighbour's time would tell much of a row's.
std::string configuration(const CalibrationRow& row) {
  const Measurement& m = *row.measurement;
  std::string text = fmt::format("{}|{}|{}", m.device, m.kind, m.format);
  for (const OpShape& part : m.parts) {
    text += fmt::format("|{:g},{:g},{:g},{:g},{:g},{:g},{:g}", part.m, part.n, part.k, part.batch,
                        part.group, part.steps, (part.read + part.write).base());
  }
  return text;
}

std::vector<std::string> ties_of(const CalibrationRow& row, Folding folding) {
  const Measurement& m = *row.measurement;
  if (folding == Folding::devices) return {m.device};
  const OpShape& shape = m.parts.front();
  std::vector<std::string> ties = {configuration(row)};
  if (m.kernel_class == KernelClass::matmul) {
    ties.push_back(folding == Folding::shapes
                       ? fmt::format("{}|{}|{:g}|{:g}", m.device, m.format, shape.n, shape.k)
                       : fmt::format("{}|{:g}", m.device, shape.m));
  }
  return ties;
}

/// Gives the matmuls of each device's next larger m the next fold, so that no fold lacks two
/// neighbouring m of a device (nor any two, where it has at most `folds` of them).
void leave_one_row_count_out(std::span<const CalibrationRow> rows, std::uint32_t folds,
                             std::vector<std::uint32_t>& fold_of) {
  const auto is_matmul = [](const CalibrationRow& row) {
    return row.measurement->kernel_class == KernelClass::matmul;
  };
  std::map<std::string_view, std::set<double>> sizes;
  for (const CalibrationRow& row : rows) {
    if (is_matmul(row)) sizes[row.measurement->device].insert(row.measurement->parts.front().m);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!is_matmul(rows[i])) continue;
    const std::string& device = rows[i].measurement->device;
    const std::set<double>& of_device = sizes[device];
    const auto at = of_device.find(rows[i].measurement->parts.front().m);
    const auto rank = static_cast<std::uint64_t>(std::distance(of_device.begin(), at));
    fold_of[i] = static_cast<std::uint32_t>((stable_hash(device) + rank) % folds);
  }
}

struct FoldRows {
  std::vector<CalibrationRow> training;
  std::vector<std::size_t> tests;
};

FoldRows fold_rows(std::span<const CalibrationRow> rows, std::span<const std::uint32_t> folds,
                   std::uint32_t fold) {
  FoldRows result;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (folds[i] == fold) {
      result.tests.push_back(i);
    } else {
      result.training.push_back(rows[i]);
    }
  }
  return result;
}

ScoredRow scored(const CalibrationRow& row, Seconds predicted) {
  const Measurement& m = *row.measurement;
  ScoredRow result;
  result.id = m.id;
  result.kind = m.kind;
  result.device = m.device;
  result.source = m.source;
  result.format = m.format;
  result.measured = m.time;
  result.predicted = predicted;
  result.naive = naive_roofline(row);
  return result;
}

void predict_fold(std::span<const CalibrationRow> rows, const FoldRows& fold,
                  CrossValidation& result) {
  const Calibration calibration(fold.training);
  std::vector<double> residuals;
  for (const CalibrationRow& row : fold.training) {
    residuals.push_back(
        std::log(row.measurement->time / predicted_time(row, calibration.parameters(row))));
  }
  const Correction correction(fold.training, residuals);
  const PooledBaseline baseline(fold.training);
  for (const std::size_t i : fold.tests) {
    const Seconds physics = predicted_time(rows[i], calibration.parameters(rows[i]));
    result.physics[i] = physics;
    result.rows[i] = scored(rows[i], physics * correction.factor(rows[i]));
    result.rows[i].pooled = baseline.predict(rows[i]);
  }
}

/// Narrow formats have kernels, and errors, of their own.
std::string_view precision_class(std::string_view format) {
  const bool wide = format == "16" || format == "16 as fp32" || format == "fp32" ||
                    format == "tf32" || format == "fp64";
  return wide ? "wide format" : "narrow format";
}

std::vector<std::string> regimes_of(const ScoredRow& row, std::string_view seen) {
  const std::string_view precision = precision_class(row.format);
  return {fmt::format("{}, {}, {}, {}", row.kind, precision, size_class(row.predicted), seen),
          fmt::format("{}, {}, {}", row.kind, precision, seen),
          fmt::format("{}, {}", row.kind, seen), std::string(seen)};
}

void set_intervals(CrossValidation& result, Folding folding) {
  const std::string_view seen = folding == Folding::devices ? "device not seen" : "device seen";
  std::vector<Residual> residuals;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const ScoredRow& row = result.rows[i];
    residuals.push_back(
        {std::log(row.measured / row.predicted), regimes_of(row, seen), result.folds[i]});
  }
  const ResidualIntervals intervals(residuals);
  const std::vector<std::string> everything = {std::string(seen)};
  std::map<std::uint32_t, Interval> global;  // by fold
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    ScoredRow& row = result.rows[i];
    const Interval interval = intervals.interval(residuals[i].regimes, result.folds[i]);
    row.low = interval.low * row.predicted;
    row.high = interval.high * row.predicted;
    row.regime = interval.regime + (interval.extrapolating ? ", extrapolating" : "");
    const auto [of_all, fresh] = global.try_emplace(result.folds[i]);
    if (fresh) of_all->second = intervals.interval(everything, result.folds[i]);
    row.global_low = of_all->second.low * row.predicted;
    row.global_high = of_all->second.high * row.predicted;
  }
}

/// Empty if the row obeys physics.
std::string broken_rule(const CalibrationRow& row) {
  const Measurement& m = *row.measurement;
  if (m.cache_resident) return "its source marks it as cache-resident";
  const DeviceRates& rates = row.device->rates;
  Seconds compute;
  Seconds memory;
  Bytes footprint;
  for (const OpShape& part : m.parts) {
    const double gain = part.kind == OpKind::convolution ? kTransformGain : 1;
    compute += part.work / (gain * rates.peak(part.compute_format));
    const Bytes bytes = part.steps > 1 ? part.weights : part.read + part.write;
    memory += bytes / rates.bandwidth;
    footprint += bytes;
  }
  if (m.time < kTolerance * compute) return "beats the peak";
  if (m.time < kTolerance * memory && footprint > rates.cache) return "beats the bandwidth";
  return {};
}

}  // namespace

std::string_view name_of(Folding folding) {
  switch (folding) {
    case Folding::shapes: return "shapes";
    case Folding::rows: return "rows";
    case Folding::devices: return "devices";
  }
  return {};
}

Usable usable_rows(std::span<const Measurement> measurements, const DeviceTable& devices) {
  Usable usable;
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    const Measurement& m = measurements[i];
    const auto device = devices.find(m.device);
    if (device == devices.end()) {
      usable.left_out.push_back({m.id, m.device, "its device has no data sheet"});
      continue;
    }
    const CalibrationRow row{&m, &device->second};
    if (std::string rule = broken_rule(row); !rule.empty()) {
      usable.left_out.push_back({m.id, m.device, std::move(rule)});
      continue;
    }
    usable.rows.push_back(row);
    usable.measurements.push_back(i);
  }
  return usable;
}

std::vector<std::uint32_t> folds_of_rows(std::span<const CalibrationRow> rows, Folding folding,
                                         std::uint32_t folds) {
  std::vector<std::vector<std::string>> ties;
  for (const CalibrationRow& row : rows)
    ties.push_back(ties_of(row, folding));
  std::vector<std::uint32_t> result = fold_of_rows(ties, folding == Folding::devices ? 0 : folds);
  if (folding == Folding::rows) leave_one_row_count_out(rows, folds, result);
  return result;
}

CrossValidation cross_validate(std::span<const CalibrationRow> rows, Folding folding,
                               const std::function<void(std::size_t, std::size_t)>& progress,
                               unsigned threads) {
  CrossValidation result;
  result.folds = folds_of_rows(rows, folding, folds_of(folding));
  result.rows.resize(rows.size());
  result.physics.resize(rows.size());
  const std::uint32_t folds = fold_count(result.folds);
  const std::uint32_t workers =
      std::max(threads > 0 ? threads : std::thread::hardware_concurrency(), 1U);
  for (std::uint32_t first = 0; first < folds; first += workers) {
    const std::uint32_t end = std::min(first + workers, folds);
    std::vector<std::thread> running;  // each writes the rows of its own fold
    for (std::uint32_t fold = first; fold < end; ++fold) {
      running.emplace_back([&rows, &result, fold] {
        predict_fold(rows, fold_rows(rows, result.folds, fold), result);
      });
    }
    for (std::thread& thread : running)
      thread.join();
    if (progress) progress(end, folds);
  }
  set_intervals(result, folding);
  return result;
}

}  // namespace fastpath
