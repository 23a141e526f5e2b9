#include "validate/robust_fit.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "validate/score.h"

namespace fastpath {
namespace {

constexpr int kIterations = 15;
constexpr double kDifference = 1e-3;  ///< of a logarithm, for derivatives
constexpr double kMostDamping = 1e6;
constexpr double kConverged = 1e-4;

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

class Fit {
 public:
  Fit(std::span<const FitParameter> parameters, double noise, const LogResiduals& residuals)
      : parameters_(parameters), noise_(noise), residuals_(residuals) {
    const auto count = static_cast<Eigen::Index>(parameters.size());
    prior_ = low_ = high_ = precision_ = Vector(count);
    for (Eigen::Index i = 0; i < count; ++i) {
      const FitParameter& one = parameters[static_cast<std::size_t>(i)];
      low_[i] = std::log(one.low);
      high_[i] = std::log(one.high);
      prior_[i] = std::clamp(std::log(one.prior), low_[i], high_[i]);
      precision_[i] = 1 / (one.spread * one.spread);
    }
  }

  FitResult run() const {
    Vector best = prior_;
    Vector errors = errors_at(best);
    double cost = cost_of(best, errors);
    double damping = 1e-2;
    for (int i = 0; i < kIterations && damping <= kMostDamping; ++i) {
      const Vector next = step(best, errors, damping);
      const Vector next_errors = errors_at(next);
      const double next_cost = cost_of(next, next_errors);
      if (!(next_cost < cost)) {
        damping *= 8;
        continue;
      }
      const bool done = cost - next_cost < kConverged * (1 + cost);
      best = next;
      errors = next_errors;
      cost = next_cost;
      damping = std::max(damping / 5, 1e-6);
      if (done) break;
    }
    return result(best, errors);
  }

 private:
  /// Residuals over the noise.
  Vector errors_at(const Vector& logs) const {
    const std::vector<double> found =
        residuals_({logs.data(), static_cast<std::size_t>(logs.size())});
    return Eigen::Map<const Vector>(found.data(), static_cast<Eigen::Index>(found.size())) / noise_;
  }

  double cost_of(const Vector& logs, const Vector& errors) const {
    const double misfit = ((1 + errors.array().square()).sqrt() - 1).sum();
    return misfit + 0.5 * (precision_.array() * (logs - prior_).array().square()).sum();
  }

  Matrix slopes_at(const Vector& at, const Vector& errors) const {
    Matrix slopes(errors.size(), at.size());
    for (Eigen::Index i = 0; i < at.size(); ++i) {
      const double h = at[i] + kDifference > high_[i] ? -kDifference : kDifference;
      Vector moved = at;
      moved[i] += h;
      slopes.col(i) = (errors_at(moved) - errors) / h;
    }
    return slopes;
  }

  Vector step(const Vector& at, const Vector& errors, double damping) const {
    const Matrix slopes = slopes_at(at, errors);
    const Vector weights = (1 + errors.array().square()).rsqrt();
    Matrix normal = slopes.transpose() * weights.asDiagonal() * slopes;
    normal.diagonal() += precision_;
    normal.diagonal() *= 1 + damping;
    const Vector gradient =
        -(slopes.transpose() * weights.cwiseProduct(errors)) - precision_.cwiseProduct(at - prior_);
    const Vector move = normal.ldlt().solve(gradient).cwiseMax(-1).cwiseMin(1);
    return (at + move).cwiseMax(low_).cwiseMin(high_);
  }

  FitResult result(const Vector& logs, const Vector& errors) const {
    FitResult found;
    for (const double log : logs)
      found.values.push_back(std::exp(log));
    for (const double error : errors)
      found.residuals.push_back(error * noise_);
    return found;
  }

  std::span<const FitParameter> parameters_;
  double noise_;
  const LogResiduals& residuals_;
  Vector prior_;
  Vector low_;
  Vector high_;
  Vector precision_;
};

}  // namespace

FitResult robust_fit(std::span<const FitParameter> parameters, double noise,
                     const LogResiduals& residuals) {
  return Fit(parameters, noise, residuals).run();
}

double median_size(std::span<const double> residuals) {
  std::vector<double> sizes;
  sizes.reserve(residuals.size());
  for (const double residual : residuals)
    sizes.push_back(std::abs(residual));
  return quantile(std::move(sizes), 0.5);
}

}  // namespace fastpath
