#include "validate/edge_fit.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

#include "validate/score.h"

namespace fastpath {
namespace {

using Eigen::Index;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr double kNoise = 0.12;
constexpr int kSteps = 12;
constexpr int kRounds = 8;
constexpr double kConverged = 1e-4;
constexpr auto kKinds = static_cast<Index>(kCpuWorks);

/// Where the search for typical times begins: billions of multiply-accumulates a second,
/// activations at a slow memory's rate, 20 us a layer. They do not stay.
constexpr std::array<double, kCpuWorks> kStart{1e-9,  2e-10, 2e-10, 2.5e-10, 5e-10, 1e-9,    1e-9,
                                               5e-10, 5e-9,  2e-5,  2e-10,   2e-10, 2.5e-10, 1e-9};

/// Shares of the kinds in the predicted time of each timing, and its log.
struct Shares {
  Matrix of;
  Vector log_times;
};

Shares shares_at(std::span<const Timing> timings, const Vector& logs) {
  const auto rows = static_cast<Index>(timings.size());
  Shares shares{Matrix(rows, kKinds), Vector(rows)};
  const Vector units = logs.array().exp();
  for (Index i = 0; i < rows; ++i) {
    const CpuWork& work = *timings[static_cast<std::size_t>(i)].work;
    double sum = 0;
    for (Index k = 0; k < kKinds; ++k) {
      shares.of(i, k) = work[static_cast<std::size_t>(k)] * units[k];
      sum += shares.of(i, k);
    }
    shares.of.row(i) /= sum;
    shares.log_times[i] = std::log(sum);
  }
  return shares;
}

Vector measured(std::span<const Timing> timings) {
  Vector logs(static_cast<Index>(timings.size()));
  for (std::size_t i = 0; i < timings.size(); ++i)
    logs[static_cast<Index>(i)] = timings[i].log_time;
  return logs;
}

/// The speed at which the typical departures fit best: the start of the search.
double first_speed(std::span<const Timing> timings, const TypicalTimes& typical,
                   const UnitPrior& prior) {
  if (timings.empty()) return prior.speed;
  const Shares shares = shares_at(timings, typical.logs + prior.departures);
  std::vector<double> off;
  for (std::size_t i = 0; i < timings.size(); ++i)
    off.push_back(timings[i].log_time - shares.log_times[static_cast<Index>(i)]);
  const double variance = prior.speed_spread * prior.speed_spread;
  const double weight = variance / (variance + kNoise * kNoise / static_cast<double>(off.size()));
  return prior.speed + weight * (quantile(off, 0.5) - prior.speed);
}

}  // namespace

double log_time(const CpuWork& work, const TypicalTimes& typical, const UnitTimes& times) {
  const Timing timing{&work, 0};
  return times.speed + shares_at({&timing, 1}, typical.logs + times.departures).log_times[0];
}

UnitPrior wide_prior(const TypicalTimes& typical) {
  UnitPrior prior;
  prior.departures = Vector::Zero(kKinds);
  prior.spreads = typical.spreads;
  return prior;
}

UnitTimes fit_setting(std::span<const Timing> timings, const TypicalTimes& typical,
                      const UnitPrior& prior) {
  Vector at(kKinds + 1);
  at << first_speed(timings, typical, prior), prior.departures;
  Vector centre(kKinds + 1);
  centre << prior.speed, prior.departures;
  Vector precision(kKinds + 1);
  precision << 1 / (prior.speed_spread * prior.speed_spread),
      prior.spreads.array().square().inverse().matrix();
  const Vector logs = measured(timings);
  Matrix normal;
  for (int i = 0; i < kSteps; ++i) {
    const Shares shares = shares_at(timings, typical.logs + at.tail(kKinds));
    const Vector errors = (logs - shares.log_times).array() - at[0];
    Matrix slopes(errors.size(), kKinds + 1);
    slopes << Vector::Ones(errors.size()), shares.of;
    const Vector scaled = errors / kNoise;
    const Vector weights = (1 + scaled.array().square()).rsqrt() / (kNoise * kNoise);
    normal = slopes.transpose() * weights.asDiagonal() * slopes;
    normal.diagonal() += precision;
    const Vector gradient =
        slopes.transpose() * weights.cwiseProduct(errors) - precision.cwiseProduct(at - centre);
    const Vector move = normal.ldlt().solve(gradient).cwiseMax(-1).cwiseMin(1);
    at += move;
    if (move.cwiseAbs().maxCoeff() < kConverged) break;
  }
  const Vector variances = normal.ldlt().solve(Matrix::Identity(kKinds + 1, kKinds + 1)).diagonal();
  return {at[0], variances[0], at.tail(kKinds), variances.tail(kKinds)};
}

TypicalTimes fit_typical(std::span<const std::vector<Timing>> settings) {
  constexpr double kFirstSpread = 0.7;
  constexpr double kLeastSpread = 0.05;
  constexpr double kMostSpread = 1;
  TypicalTimes typical{Vector(kKinds), Vector::Constant(kKinds, kFirstSpread)};
  for (Index k = 0; k < kKinds; ++k)
    typical.logs[k] = std::log(kStart[static_cast<std::size_t>(k)]);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<UnitTimes> fitted;
    Vector mean = Vector::Zero(kKinds);
    for (const std::vector<Timing>& timings : settings) {
      if (timings.empty()) continue;
      fitted.push_back(fit_setting(timings, typical, wide_prior(typical)));
      mean += fitted.back().departures;
    }
    if (fitted.empty()) break;
    mean /= static_cast<double>(fitted.size());
    Vector variance = Vector::Zero(kKinds);
    for (const UnitTimes& times : fitted)
      variance += (times.departures - mean).array().square().matrix() + times.variances;
    variance /= static_cast<double>(fitted.size());
    typical.logs += mean;
    typical.spreads = variance.array().sqrt().max(kLeastSpread).min(kMostSpread);
  }
  return typical;
}

}  // namespace fastpath
