/// Times of units of work on CPUs, fitted to networks' times by a hierarchy: all settings share
/// typical times, a setting (a device's cores and threads) has a speed, and each kind of work
/// departs from it by as much as kinds do among settings.
#pragma once

#include <span>
#include <vector>

#include <Eigen/Core>

#include "model/cpu_network.h"

namespace fastpath {

/// Logarithms: of the time of a unit of each kind. `speed` is common to all kinds.
struct UnitTimes {
  double speed = 0;  ///< log of a factor on all times
  double speed_variance = 0;
  Eigen::VectorXd departures;  ///< of each kind
  Eigen::VectorXd variances;   ///< of the departures
};

/// A network's work and the log of its measured time.
struct Timing {
  const CpuWork* work = nullptr;
  double log_time = 0;
};

/// What is known of a setting before its timings.
struct UnitPrior {
  double speed = 0;
  double speed_spread = 5;  ///< unknown
  Eigen::VectorXd departures;
  Eigen::VectorXd spreads;
};

/// Typical log times of units, and how far settings depart from them.
struct TypicalTimes {
  Eigen::VectorXd logs;
  Eigen::VectorXd spreads;
};

/// log of the predicted time.
double log_time(const CpuWork& work, const TypicalTimes& typical, const UnitTimes& times);

/// Most probable times of a setting, with residuals down-weighted as sqrt(1 + r^2) and a noise of
/// 12 % (repeats of a board between submissions: docs/validation.md).
UnitTimes fit_setting(std::span<const Timing> timings, const TypicalTimes& typical,
                      const UnitPrior& prior);

/// A prior that knows only how far settings depart.
UnitPrior wide_prior(const TypicalTimes& typical);

/// Typical times by expectation maximisation over the settings.
TypicalTimes fit_typical(std::span<const std::vector<Timing>> settings);

}  // namespace fastpath
