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

constexpr double kCore = 0.3;    ///< spread among core designs beyond their data sheets
constexpr double kDevice = 0.2;  ///< and among devices of one core
constexpr double kOther = 0.05;  ///< and of a setting
constexpr double kDepartureScale = 0.25;

/// Cores that issue in order, by their makers' manuals.
constexpr std::array<std::string_view, 10> kInOrder{
    "Cortex-A5",   "Cortex-A7", "Cortex-A53", "Cortex-A55", "Cortex-A510",
    "Cortex-A520", "C906",      "KNC",        "X60",        "FTC310"};

/// Of a core whose width no data sheet tells: one vector of multiply-adds a cycle.
double width_of(const CpuSetting& setting) {
  const CpuKernels& kernels = setting.kernels;
  if (!setting.flops_per_cycle) return 2.0 * kernels.lanes;
  const double filled = static_cast<double>(kernels.lanes) / kernels.offered_lanes;
  return *setting.flops_per_cycle * std::min(1.0, filled);
}

/// log(1 + bytes wanted / bytes delivered a second): small where cores are what is short, then the
/// log of how short memory is.
double shortage_of_memory(const CpuSetting& setting) {
  // Weights and activations of the middle network, once, are 0.03 bytes an operation (0.01 to 0.2);
  // windows and transforms read them about three times.
  constexpr double kBytesPerFlop = 0.1;
  // Where the data sheet names none: as a 32-bit LPDDR4 of four cores has.
  constexpr double kBytesOfCore = 3e9;
  const auto& stated = setting.cpu->bandwidth;
  const double delivered = stated ? stated->base() : kBytesOfCore * setting.allowed;
  return std::log1p(usable_peak(setting).base() * kBytesPerFlop / delivered);
}

/// What times may depart from the usable peak by.
struct Feature {
  double value = 0;
  double scale = 0;  ///< spread of its coefficient before data: effects of 1.5 times are usual
};

constexpr std::size_t kFeatures = 23;

std::array<Feature, kFeatures> features(const CpuSetting& setting) {
  constexpr double kNew = 2026;
  constexpr double kMiddle = 2023;
  const CpuKernels& kernels = setting.kernels;
  const auto flag = [](bool set) { return set ? 1.0 : 0.0; };
  const bool in_order = std::find(kInOrder.begin(), kInOrder.end(), setting.core) != kInOrder.end();
  const double cores = std::log(setting.used);
  const double others = kernels.arm ? 0 : 1;
  const double age = ((setting.recorded > 0 ? setting.recorded : kNew) - kMiddle) / 2;
  const int places = setting.allowed * kernels.siblings;
  const double shared = static_cast<double>(std::min(setting.threads, places)) / setting.used;
  const double waiting = static_cast<double>(setting.threads) / (setting.used * kernels.siblings);
  return {{{1, 10},
           {std::log(setting.clock.base() / 2e9), 0.4},
           {std::log(width_of(setting) / 8), 0.3},
           {flag(!setting.flops_per_cycle), 0.3},
           {cores, 0.4},
           {cores * cores / 2, 0.3},
           {std::log(std::max(1.0, shared)), 0.3},
           {std::log(std::max(1.0, waiting)), 0.5},
           {shortage_of_memory(setting), 0.5},
           {flag(kernels.fp16), 0.4},
           {flag(kernels.dotprod), 0.4},
           {flag(kernels.i8mm), 0.4},
           {flag(kernels.vnni), 0.4},
           {flag(kernels.x86), 0.4},
           {flag(kernels.avx2), 0.4},
           {flag(kernels.avx512), 0.4},
           {flag(kernels.arm32), 0.4},
           {flag(!kernels.x86 && !kernels.arm), 0.5},
           {flag(in_order), 0.4},
           {flag(setting.mixed), 0.3},
           {others * cores, 0.3},
           {age, 0.3},
           {others * age, 0.3}}};
}

Vector values_of(const std::array<Feature, kFeatures>& features) {
  Vector values(static_cast<Index>(kFeatures));
  for (std::size_t i = 0; i < kFeatures; ++i)
    values[static_cast<Index>(i)] = features[i].value;
  return values;
}

Vector feature_scales() {
  const CpuFacts none;
  CpuSetting any;
  any.cpu = &none;
  Vector scales(static_cast<Index>(kFeatures));
  Index next = 0;
  for (const Feature& feature : features(any))
    scales[next++] = feature.scale;
  return scales;
}

/// log of how slow the usable peak makes a setting, with that of four little cores at 2 GHz as 1.
double expected_speed(const CpuSetting& setting) {
  return -std::log(usable_peak(setting).base() / 64e9);
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
  const bool boosted = slowest.clock == cores.front()->clock && cpu.boost > slowest.clock;
  setting.clock = boosted ? *cpu.boost : slowest.clock;
  setting.mixed = slowest.core != cores.front()->core;
  setting.kernels = cpu_kernels(cpu.instructions, {});
  return setting;
}

FlopsPerSecond usable_peak(const CpuSetting& setting) {
  const double halves = setting.kernels.fp16 ? 2 : 1;
  return FlopsPerSecond{setting.used * setting.clock.base() * width_of(setting) * halves};
}

EdgePrior::EdgePrior(std::vector<const CpuSetting*> settings, std::vector<const UnitTimes*> times,
                     const TypicalTimes& typical)
    : settings_(std::move(settings)) {
  for (const CpuSetting* setting : settings_)
    features_.push_back(values_of(features(*setting)));
  const auto rows = static_cast<Index>(times.size());
  Vector values(rows);
  Vector variances(rows);
  for (Index i = 0; i < rows; ++i) {
    const auto row = static_cast<std::size_t>(i);
    values[i] = times[row]->speed - expected_speed(*settings_[row]);
    variances[i] = times[row]->speed_variance;
  }
  const double centre = quantile({values.begin(), values.end()}, 0.5);
  const Vector scales = feature_scales();
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
  const Vector scaled = values_of(features(setting)).cwiseProduct(regression.scales.cwiseAbs2());
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
  const Vector scaled = values_of(features(setting)).cwiseProduct(regression.scales);
  const double own = scaled.squaredNorm() + group * (kCore * kCore + kDevice * kDevice);
  const double variance = own - covariance.dot(regression.inverse * covariance);
  return {regression.centre + covariance.dot(regression.weights),
          std::max(variance, 1e-6) + kOther * kOther};
}

UnitPrior EdgePrior::prior(const CpuSetting& setting) const {
  UnitPrior prior;
  const Estimate speed = estimate(speed_, setting);
  prior.speed = expected_speed(setting) + speed.mean;
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
