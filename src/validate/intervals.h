/// 90 % intervals from the residuals of comparable measurements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// log(measured / predicted) of a row that the prediction had not seen.
struct Residual {
  double log_ratio = 0;
  /// Regimes from the finest to the coarsest, for example {"gemm/small/seen", "gemm/seen", "seen"}.
  std::vector<std::string> regimes;
  std::uint32_t group = 0;  ///< rows of one group are not independent: a fold
};

/// Factors on a prediction, and where they are from.
struct Interval {
  double low = 1;
  double high = 1;
  std::size_t rows = 0;
  std::string regime;
  bool extrapolating = false;  ///< the finest regime had too few rows: widened
};

/// Split-conformal quantiles of log residuals by regime: the ceil((n + 1) 0.95)-th smallest and its
/// mirror, so that at least 90 % of exchangeable new rows fall inside. Source: Lei et al.,
/// "Distribution-free predictive inference for regression", JASA 113(523), 2018, with both tails
/// apart. Rows of one group (a fold, a device) share an error: the spread between groups counts as
/// Student's t of as many groups as there are. A regime speaks for itself from kEnoughRows rows and
/// kEnoughGroups groups on; below that its coarser one does.
/// No interval goes beyond the farthest residual of its regime.
class ResidualIntervals {
 public:
  static constexpr std::size_t kEnoughRows = 20;   ///< fewer cannot hold 5 % in either tail
  static constexpr std::size_t kEnoughGroups = 4;  ///< fewer do not show how far groups differ

  explicit ResidualIntervals(std::span<const Residual> residuals);

  /// Intervals of a row with these regimes, finest first, without the residuals of `left_out`
  /// (kNone: all). No residuals at all: a factor of 3 either way, extrapolating.
  Interval interval(std::span<const std::string> regimes, std::uint32_t left_out = kNone) const;

  static constexpr std::uint32_t kNone = 0xffffffff;

 private:
  struct Entry {
    double log_ratio;
    std::uint32_t group;
  };
  std::map<std::string, std::vector<Entry>, std::less<>> by_regime_;  ///< sorted by log_ratio
};

/// Size classes of a measured or predicted time, for regimes: "tiny" below 10 us, "small" below
/// 100 us, "medium" below 1 ms, "large".
std::string size_class(Seconds time);

}  // namespace fastpath
