#include "validate/correction.h"

#include <algorithm>
#include <cmath>

namespace fastpath {
namespace {

// Standard deviations of the parts of the residual and lengths in octaves. Chosen once, for all
// kinds together, by the errors inside training folds (tools/ and docs/validation.md say how).
constexpr double kShared = 0.10;
constexpr double kFamily = 0.08;
constexpr double kDevice = 0.08;
constexpr double kNoise = 0.05;
constexpr double kLength = 1.4;
constexpr std::size_t kNeighbours = 48;
constexpr double kLargest = 0.5;  ///< of a residual that is learnt from, on the log scale

/// Solves A x = b in place, A symmetric positive definite, row-major n x n.
void solve_in_place(std::vector<double>& a, std::vector<double>& b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k)
        sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k)
      b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k)
      b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
}

double log_size(double value) { return std::log2(std::max(value, 1e-3)); }

}  // namespace

Correction::Point Correction::point_of(const CalibrationRow& row) {
  const OpShape& shape = row.measurement->parts.front();
  Point point;
  point.device = row.device;
  const double rows = shape.m > 0 ? shape.m : 1;
  if (shape.k > 0) {
    point.sizes = {log_size(rows), log_size(shape.n), log_size(shape.k), log_size(shape.batch),
                   log_size(shape.steps)};
    if (shape.kind == OpKind::attention) point.sizes[4] = log_size(shape.group);
  } else {
    point.sizes = {log_size(rows), log_size((shape.read + shape.write).base() / rows), 0, 0, 0};
  }
  return point;
}

std::string Correction::key_of(const CalibrationRow& row) {
  const Measurement& m = *row.measurement;
  return m.kind + '/' + m.format + '/' + m.library;
}

double Correction::covariance(const Point& a, const Point& b) {
  double distance = 0;
  for (std::size_t i = 0; i < kSizes; ++i) {
    const double d = (a.sizes[i] - b.sizes[i]) / kLength;
    distance += d * d;
  }
  double variance = kShared * kShared;
  if (a.device->family == b.device->family) variance += kFamily * kFamily;
  if (a.device == b.device) variance += kDevice * kDevice;
  return variance * std::exp(-0.5 * distance);
}

Correction::Correction(std::span<const CalibrationRow> rows, std::span<const double> log_ratios) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Point point = point_of(rows[i]);
    point.log_ratio = std::clamp(log_ratios[i], -kLargest, kLargest);
    points_[key_of(rows[i])].push_back(point);
  }
}

double Correction::factor(const CalibrationRow& row) const {
  const auto found = points_.find(key_of(row));
  if (found == points_.end()) return 1;
  const Point at = point_of(row);
  std::vector<std::pair<double, const Point*>> near;
  for (const Point& point : found->second) {
    const double k = covariance(at, point);
    if (k > 1e-5) near.emplace_back(k, &point);
  }
  const std::size_t n = std::min(near.size(), kNeighbours);
  std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(n), near.end(),
                    [](const auto& a, const auto& b) {
                      return a.first > b.first || (a.first == b.first && a.second < b.second);
                    });
  near.resize(n);
  std::vector<double> matrix(n * n);
  std::vector<double> weights(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j)
      matrix[i * n + j] = covariance(*near[i].second, *near[j].second);
    matrix[i * n + i] += kNoise * kNoise;
    weights[i] = near[i].second->log_ratio;
  }
  solve_in_place(matrix, weights);
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i)
    mean += near[i].first * weights[i];
  return std::clamp(std::exp(mean), 0.5, 2.0);
}

}  // namespace fastpath
