#include "validate/edge_prior.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <Eigen/Cholesky>

#include "base/text.h"
#include "validate/score.h"

namespace fastpath {
namespace {

using Eigen::Index;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr std::size_t kFeatures = 25;
constexpr double kCore = 0.3;    ///< spread among core designs beyond their data sheets
constexpr double kDevice = 0.2;  ///< and among devices of one core
constexpr double kOther = 0.05;  ///< and of a setting
constexpr double kDepartureScale = 0.25;

/// Spread of each feature's coefficient before data: an effect of about 1.5 times is usual.
constexpr std::array<double, kFeatures> kScales{10,  1,   0.5, 0.3, 0.7, 0.3, 0.5, 0.3, 0.4,
                                                0.4, 0.4, 0.4, 0.4, 0.5, 0.4, 0.3, 0.4, 0.4,
                                                0.3, 0.4, 0.4, 0.4, 0.4, 0.5, 0.3};

/// Cores that issue in order, by their makers' manuals.
constexpr std::array<std::string_view, 10> kInOrder{
    "Cortex-A5",   "Cortex-A7", "Cortex-A53", "Cortex-A55", "Cortex-A510",
    "Cortex-A520", "C906",      "KNC",        "X60",        "FTC310"};

Vector features_of(const CpuSetting& setting) {
  const CpuFacts& cpu = *setting.cpu;
  const auto has = [&](std::string_view word) {
    return cpu.instructions.find(word) != std::string::npos;
  };
  const auto flag = [](bool set) { return set ? 1.0 : 0.0; };
  const bool x86 = has("avx") || has("sse");
  const bool arm = has("neon");
  const bool other = has("mips") || has("loong") || has("sw_64") || has("rv64");
  const bool in_order = std::find(kInOrder.begin(), kInOrder.end(), setting.core) != kInOrder.end();
  const double cores = std::log(setting.used);
  const double one = setting.newer >= 1 ? 1 : 0;
  const double two = setting.newer >= 2 ? 1 : 0;
  const std::array<double, kFeatures> values{
      1,
      std::log(setting.clock.base() / 2e9),
      std::log(setting.flops_per_cycle.value_or(8) / 8),
      flag(!setting.flops_per_cycle),
      cores,
      cores * cores / 2,
      std::log(static_cast<double>(setting.threads) / setting.used),
      cpu.bandwidth ? std::log(cpu.bandwidth->base() / 20e9) : 0,
      flag(has("dotprod")),
      flag(has("fp16")),
      flag(x86),
      flag(has("avx2") || has("avx512")),
      flag(has("avx512")),
      flag(other),
      flag(in_order),
      flag(setting.mixed),
      flag(has("vnni")),
      flag(has("i8mm")),
      arm ? 0 : cores,
      two,
      one,
      arm ? 0 : two,
      arm ? 0 : one,
      std::max(0.0, cores - std::log(8)),
      flag(setting.allowed >= 16)};
  return Eigen::Map<const Vector>(values.data(), static_cast<Index>(kFeatures));
}

}  // namespace

std::optional<CpuSetting> cpu_setting(const CpuFacts& cpu, int threads, int powersave) {
  std::vector<const CoreCluster*> cores;
  for (const CoreCluster& cluster : cpu.clusters)
    cores.insert(cores.end(), static_cast<std::size_t>(cluster.cores), &cluster);
  if (cores.empty()) return std::nullopt;
  std::stable_sort(cores.begin(), cores.end(),
                   [](const auto* a, const auto* b) { return a->clock > b->clock; });
  const Hertz middle = 0.5 * (cores.front()->clock + cores.back()->clock);
  if (powersave != 0 && cores.front()->clock > cores.back()->clock) {
    std::erase_if(cores, [&](const CoreCluster* core) {
      return (core->clock >= middle) != (powersave == 2);
    });
  }
  CpuSetting setting;
  setting.cpu = &cpu;
  setting.threads = threads;
  setting.allowed = static_cast<int>(cores.size());
  setting.used = std::min(threads, setting.allowed);
  const CoreCluster& slowest = *cores[static_cast<std::size_t>(setting.used) - 1];
  setting.core = slowest.core;
  setting.clock = slowest.clock;
  setting.mixed = slowest.core != cores.front()->core;
  return setting;
}

EdgePrior::EdgePrior(std::vector<const CpuSetting*> settings, std::vector<const UnitTimes*> times,
                     const TypicalTimes& typical)
    : settings_(std::move(settings)) {
  for (const CpuSetting* setting : settings_)
    features_.push_back(features_of(*setting));
  const auto rows = static_cast<Index>(times.size());
  Vector values(rows);
  Vector variances(rows);
  for (Index i = 0; i < rows; ++i) {
    values[i] = times[static_cast<std::size_t>(i)]->speed;
    variances[i] = times[static_cast<std::size_t>(i)]->speed_variance;
  }
  const double centre = quantile({values.begin(), values.end()}, 0.5);
  const Vector scales = Eigen::Map<const Vector>(kScales.data(), static_cast<Index>(kFeatures));
  speed_ = regress(values, variances, scales, 1, centre);
  for (Index kind = 0; kind < typical.spreads.size(); ++kind) {
    for (Index i = 0; i < rows; ++i) {
      values[i] = times[static_cast<std::size_t>(i)]->departures[kind];
      variances[i] = times[static_cast<std::size_t>(i)]->variances[kind];
    }
    const double scale = typical.spreads[kind] / 0.5;
    Vector small = Vector::Constant(static_cast<Index>(kFeatures), kDepartureScale * scale);
    small[0] = kCore * scale;
    departures_.push_back(regress(values, variances, small, scale, 0));
  }
}

EdgePrior::Regression EdgePrior::regress(const Vector& values, const Vector& variances,
                                         Vector scales, double group_scale, double centre) const {
  constexpr int kReweightings = 4;
  Regression result{std::move(scales), group_scale, centre, {}, {}};
  const Index rows = values.size();
  Matrix prior(rows, rows);
  for (Index i = 0; i < rows; ++i)
    prior.col(i) = covariances(result, *settings_[static_cast<std::size_t>(i)]);
  const Vector own = variances.array() + kOther * kOther;
  Vector extra = Vector::Zero(rows);
  const Vector off = values.array() - centre;
  for (int i = 0; i <= kReweightings; ++i) {
    Matrix sum = prior;
    sum.diagonal() += own + extra;
    result.inverse = sum.llt().solve(Matrix::Identity(rows, rows));
    result.weights = result.inverse * off;
    // Residuals and variances of each row from the others (Rasmussen and Williams, eq. 5.12): what
    // a row is farther off than its standard deviation is taken as noise of its own.
    const Vector precision = result.inverse.diagonal();
    const Vector residual = result.weights.array() / precision.array();
    extra = (residual.array().square() - precision.array().inverse()).max(0);
  }
  return result;
}

Vector EdgePrior::covariances(const Regression& regression, const CpuSetting& setting) const {
  const Vector scaled = features_of(setting).cwiseProduct(regression.scales.cwiseAbs2());
  const double group = regression.group_scale * regression.group_scale;
  Vector result(static_cast<Index>(settings_.size()));
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    double covariance = scaled.dot(features_[i]);
    if (settings_[i]->core == setting.core) covariance += group * kCore * kCore;
    if (settings_[i]->cpu->device == setting.cpu->device) covariance += group * kDevice * kDevice;
    result[static_cast<Index>(i)] = covariance;
  }
  return result;
}

EdgePrior::Estimate EdgePrior::estimate(const Regression& regression,
                                        const CpuSetting& setting) const {
  const Vector covariance = covariances(regression, setting);
  const double group = regression.group_scale * regression.group_scale;
  const Vector scaled = features_of(setting).cwiseProduct(regression.scales);
  const double own = scaled.squaredNorm() + group * (kCore * kCore + kDevice * kDevice);
  const double variance = own - covariance.dot(regression.inverse * covariance);
  return {regression.centre + covariance.dot(regression.weights),
          std::max(variance, 1e-6) + kOther * kOther};
}

UnitPrior EdgePrior::prior(const CpuSetting& setting) const {
  UnitPrior prior;
  const Estimate speed = estimate(speed_, setting);
  prior.speed = speed.mean;
  prior.speed_spread = std::sqrt(speed.variance);
  const auto kinds = static_cast<Index>(departures_.size());
  prior.departures = Vector(kinds);
  prior.spreads = Vector(kinds);
  for (Index k = 0; k < kinds; ++k) {
    const Estimate departure = estimate(departures_[static_cast<std::size_t>(k)], setting);
    prior.departures[k] = departure.mean;
    prior.spreads[k] = std::sqrt(departure.variance);
  }
  return prior;
}

}  // namespace fastpath
