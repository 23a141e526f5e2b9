#include "validate/calibrate.h"

#include <algorithm>
#include <cmath>

#include "validate/score.h"

namespace fastpath {
namespace {

using Vector = std::array<double, kKernelParameters>;
using Matrix = std::array<Vector, kKernelParameters>;

/// Spread of log residuals within a well-fitted group: repeat noise and library choice.
constexpr double kNoise = 0.06;
/// Share of a parameter's prior spread that remains from one level to the next.
constexpr std::array<double, 5> kLevelSpread = {1, 1, 1, 0.5, 0.3};
/// The widest groups say roughly the same from a part of their rows.
constexpr std::size_t kMostRows = 300;
constexpr int kIterations = 15;

KernelParameters parameters_of(const Vector& logs) {
  KernelParameters parameters;
  for (std::size_t i = 0; i < kKernelParameters; ++i)
    parameters.values[i] = std::exp(logs[i]);
  return parameters;
}

Vector clamped(Vector logs) {
  for (std::size_t i = 0; i < kKernelParameters; ++i) {
    const KernelParameterInfo& range = info(static_cast<KernelParameter>(i));
    logs[i] = std::clamp(logs[i], std::log(range.low), std::log(range.high));
  }
  return logs;
}

/// Solves A x = b for a symmetric positive definite A (Cholesky).
Vector solve(Matrix a, Vector b) {
  for (std::size_t i = 0; i < kKernelParameters; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k)
        sum -= a[i][k] * a[j][k];
      a[i][j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / a[j][j];
    }
  }
  for (std::size_t i = 0; i < kKernelParameters; ++i) {
    for (std::size_t k = 0; k < i; ++k)
      b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = kKernelParameters; i-- > 0;) {
    for (std::size_t k = i + 1; k < kKernelParameters; ++k)
      b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

/// The fit of one group.
class Fit {
 public:
  Fit(std::span<const CalibrationRow> rows, const Vector& prior, double spread_share)
      : rows_(rows), prior_(prior) {
    for (std::size_t i = 0; i < kKernelParameters; ++i) {
      const double spread = info(static_cast<KernelParameter>(i)).spread * spread_share;
      precision_[i] = 1 / (spread * spread);
    }
  }

  Vector run() const {
    Vector best = clamped(prior_);
    std::vector<double> residuals = residuals_at(best);
    double cost = cost_of(best, residuals);
    double damping = 1e-2;
    for (int i = 0; i < kIterations; ++i) {
      const Vector next = clamped(step(best, residuals, damping));
      std::vector<double> next_residuals = residuals_at(next);
      const double next_cost = cost_of(next, next_residuals);
      if (!(next_cost < cost)) {
        damping *= 8;
        if (damping > 1e6) break;
        continue;
      }
      const bool done = cost - next_cost < 1e-4 * (1 + cost);
      best = next;
      residuals = std::move(next_residuals);
      cost = next_cost;
      damping = std::max(damping / 5, 1e-6);
      if (done) break;
    }
    return best;
  }

  /// log(predicted / measured) / noise.
  std::vector<double> residuals_at(const Vector& logs) const {
    const KernelParameters parameters = parameters_of(logs);
    std::vector<double> residuals;
    residuals.reserve(rows_.size());
    for (const CalibrationRow& row : rows_)
      residuals.push_back(std::log(predicted_time(row, parameters) / row.measurement->time) /
                          kNoise);
    return residuals;
  }

 private:
  double cost_of(const Vector& logs, std::span<const double> residuals) const {
    double cost = 0;
    for (const double r : residuals)
      cost += std::sqrt(1 + r * r) - 1;
    for (std::size_t i = 0; i < kKernelParameters; ++i) {
      const double distance = logs[i] - prior_[i];
      cost += 0.5 * precision_[i] * distance * distance;
    }
    return cost;
  }

  /// A Gauss-Newton step of the reweighted squares, damped.
  Vector step(const Vector& at, std::span<const double> residuals, double damping) const {
    constexpr double kDifference = 1e-3;
    std::array<std::vector<double>, kKernelParameters> slopes;
    for (std::size_t i = 0; i < kKernelParameters; ++i) {
      Vector moved = at;
      // Inwards at the upper end of the range.
      const double top = std::log(info(static_cast<KernelParameter>(i)).high);
      const double h = at[i] + kDifference > top ? -kDifference : kDifference;
      moved[i] += h;
      slopes[i] = residuals_at(moved);
      for (std::size_t r = 0; r < slopes[i].size(); ++r)
        slopes[i][r] = (slopes[i][r] - residuals[r]) / h;
    }
    Matrix normal{};
    Vector gradient{};
    for (std::size_t i = 0; i < kKernelParameters; ++i) {
      for (std::size_t r = 0; r < residuals.size(); ++r) {
        const double weight = 1 / std::sqrt(1 + residuals[r] * residuals[r]);
        gradient[i] -= weight * slopes[i][r] * residuals[r];
        for (std::size_t j = 0; j <= i; ++j)
          normal[i][j] += weight * slopes[i][r] * slopes[j][r];
      }
      gradient[i] -= precision_[i] * (at[i] - prior_[i]);
      normal[i][i] += precision_[i];
    }
    for (std::size_t i = 0; i < kKernelParameters; ++i) {
      normal[i][i] *= 1 + damping;
      for (std::size_t j = 0; j < i; ++j)
        normal[j][i] = normal[i][j];
    }
    Vector next = solve(normal, gradient);
    for (std::size_t i = 0; i < kKernelParameters; ++i)
      next[i] = at[i] + std::clamp(next[i], -1.0, 1.0);
    return next;
  }

  std::span<const CalibrationRow> rows_;
  Vector prior_;
  Vector precision_{};
};

Vector logs_of(const KernelParameters& parameters) {
  Vector logs{};
  for (std::size_t i = 0; i < kKernelParameters; ++i)
    logs[i] = std::log(parameters.values[i]);
  return logs;
}

/// At most kMostRows of them, evenly.
std::vector<CalibrationRow> sample(const std::vector<CalibrationRow>& rows) {
  if (rows.size() <= kMostRows) return rows;
  std::vector<CalibrationRow> some;
  for (std::size_t i = 0; i < kMostRows; ++i)
    some.push_back(rows[i * rows.size() / kMostRows]);
  return some;
}

CalibrationNode fit_node(const std::vector<CalibrationRow>& all, const KernelParameters& prior,
                         double spread) {
  const std::vector<CalibrationRow> rows = sample(all);
  const Fit fit(rows, logs_of(prior), spread);
  const Vector logs = fit.run();
  std::vector<double> errors = fit.residuals_at(logs);
  for (double& error : errors)
    error = std::abs(error) * kNoise;
  return {parameters_of(logs), quantile(std::move(errors), 0.5),
          static_cast<std::uint32_t>(all.size())};
}

}  // namespace

std::array<std::string, 5> group_names(const CalibrationRow& row, Libraries libraries) {
  const Measurement& m = *row.measurement;
  std::array<std::string, 5> names;
  names[0] = name_of(m.kernel_class);
  names[1] = names[0] + '/' + m.format;
  names[2] = names[1] + "/any";
  if (libraries == Libraries::apart) {
    names[2] = names[1] + '/' + m.library;
    // Classes of several kinds of kernel: a map of one input is not one of two.
    const bool several = m.kernel_class == KernelClass::elementwise ||
                         m.kernel_class == KernelClass::convolution ||
                         m.kernel_class == KernelClass::recurrent;
    if (several) names[2] += ':' + m.kind;
  }
  names[3] = names[2] + '/' + row.device->family;
  names[4] = names[3] + '/' + row.device->id;
  return names;
}

Seconds predicted_time(const CalibrationRow& row, const KernelParameters& parameters) {
  Seconds time{parameters[KernelParameter::launch]};
  for (const OpShape& part : row.measurement->parts)
    time += kernel_time(row.device->rates, parameters, part).busy;
  return time;
}

Seconds naive_roofline(const CalibrationRow& row) {
  Seconds time;
  for (const OpShape& part : row.measurement->parts) {
    const DeviceRates& rates = row.device->rates;
    time += std::max(part.work / rates.peak(part.compute_format),
                     (part.read + part.write) / rates.bandwidth);
  }
  return time;
}

Calibration::Calibration(std::span<const CalibrationRow> rows, Libraries libraries)
    : libraries_(libraries) {
  std::array<std::map<std::string, std::vector<CalibrationRow>>, 5> levels;
  std::map<std::string, std::string> parents;
  for (const CalibrationRow& row : rows) {
    const std::array<std::string, 5> names = group_names(row, libraries_);
    for (std::size_t level = 0; level < names.size(); ++level) {
      levels[level][names[level]].push_back(row);
      if (level > 0) parents[names[level]] = names[level - 1];
    }
  }
  for (std::size_t level = 0; level < levels.size(); ++level) {
    for (const auto& [name, members] : levels[level]) {
      const KernelParameters prior =
          level == 0 ? default_kernel_parameters() : nodes_.at(parents.at(name)).parameters;
      nodes_[name] = fit_node(members, prior, kLevelSpread[level]);
    }
  }
}

const KernelParameters& Calibration::parameters(const CalibrationRow& row) const {
  static const KernelParameters standard = default_kernel_parameters();
  const std::array<std::string, 5> names = group_names(row, libraries_);
  for (std::size_t level = names.size(); level-- > 0;) {
    const auto found = nodes_.find(names[level]);
    if (found != nodes_.end()) return found->second.parameters;
  }
  return standard;
}

}  // namespace fastpath
