/// What a data sheet says of a CPU's times, from other CPUs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "fastpath/quantity.h"

#include "ir/cpu_cores.h"
#include "validate/edge_fit.h"
#include "validate/edge_kernels.h"

namespace fastpath {

/// Facts of a device's data sheet.
struct CpuFacts {
  std::string device;
  std::vector<CoreCluster> clusters;
  std::string instructions;  ///< "neon fp16 dotprod"
  bool has_peak = false;     ///< it prints a peak rate
  std::optional<BytesPerSecond> bandwidth;
  std::optional<Hertz> boost;  ///< of its fastest cores, where `clusters` tells their base clock
};

/// The cores that a number of threads runs on: the fastest of those that are allowed. Threads have
/// equal shares of the work, so the slowest of them counts.
struct CpuSetting {
  const CpuFacts* cpu = nullptr;
  int threads = 1;
  int used = 1;  ///< cores: at most as many as are allowed
  int allowed = 1;
  std::string core;  ///< the slowest of those used
  Hertz clock;       ///< its highest
  bool mixed = false;
  std::optional<double> flops_per_cycle;  ///< its, fp32
  CpuKernels kernels;
  double recorded = 0;  ///< year of its software; 0: not stated
};

/// Powersave: 0 all cores, 1 the little ones, 2 the big ones, as ncnn splits them: above or below
/// the mean of the fastest and the slowest clock. Nothing for a device that lists no cores.
std::optional<CpuSetting> cpu_setting(const CpuFacts& cpu, int threads, int powersave);

/// fp32 or fp16 operations a second of the cores used, as far as the kernels fill their vectors:
/// all of them as fast as the slowest, halves at twice the rate.
FlopsPerSecond usable_peak(const CpuSetting& setting);

/// A regression by Gaussian process of speeds and departures on data sheets. Times go by the usable
/// peak; what they depart from that is linear in clock, width, threads, bandwidth, instructions and
/// the software's age, with covariances of equal cores and of one device. Outliers count less.
class EdgePrior {
 public:
  /// `times` of `settings`, in parallel; `typical` they were fitted with.
  EdgePrior(std::vector<const CpuSetting*> settings, std::vector<const UnitTimes*> times,
            const TypicalTimes& typical);

  UnitPrior prior(const CpuSetting& setting) const;

 private:
  struct Regression {
    Eigen::VectorXd scales;  ///< of the features' coefficients
    double group_scale = 1;  ///< of equal cores and devices
    double centre = 0;
    Eigen::MatrixXd inverse;
    Eigen::VectorXd weights;
  };
  struct Estimate {
    double mean = 0;
    double variance = 0;
  };

  Regression regress(const Eigen::VectorXd& values, const Eigen::VectorXd& variances,
                     Eigen::VectorXd scales, double group_scale, double centre) const;
  Eigen::VectorXd covariances(const Regression& regression, const CpuSetting& setting) const;
  Estimate estimate(const Regression& regression, const CpuSetting& setting) const;

  std::vector<const CpuSetting*> settings_;
  std::vector<Eigen::VectorXd> features_;
  Regression speed_;
  std::vector<Regression> departures_;
};

}  // namespace fastpath
