/// Predictions beside published measurements: errors, bias and how well intervals hold.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// One measurement and what was predicted for it without having seen its group.
struct ScoredRow {
  std::string id;
  std::string kind;    ///< "gemm", "attention_decode", "all_reduce", ...
  std::string device;  ///< id of a device, or of a system
  std::string source;  ///< who published it
  std::string format;  ///< as the source names it: "fp8_block"
  std::string regime;  ///< whose residuals gave the interval
  Seconds measured;
  Seconds predicted;
  Seconds low;  ///< 90 % interval; equal to `high` where there is none
  Seconds high;
  Seconds naive;       ///< roofline at data-sheet rates; 0 = not computed
  Seconds pooled;      ///< launch + roofline / efficiency, by kind and format; 0 = not computed
  Seconds global_low;  ///< 90 % interval from the residuals of all kinds together
  Seconds global_high;
};

/// |predicted / measured - 1|.
double absolute_error(const ScoredRow& row);

/// Errors are shares of the measured time (0.1 = 10 %). All 0 for no rows.
struct Score {
  std::size_t rows = 0;
  double median = 0;
  double mean = 0;
  double bias = 0;          ///< mean of predicted / measured - 1
  double naive_median = 0;  ///< of the roofline, over the rows that have it
  double naive_mean = 0;
  double pooled_mean = 0;
  double pooled_median = 0;
  std::size_t intervals = 0;  ///< rows that have one
  double coverage = 0;        ///< share of `intervals` that hold the measured time
  double coverage_low = 0;    ///< 95 % limits of the coverage of `intervals` rows at 90 %
  double coverage_high = 0;
  double median_width = 0;  ///< (high - low) / predicted
  double winkler = 0;       ///< mean interval score over the measured time: smaller is better
  double global_width = 0;  ///< the same of one interval for all kinds
  double global_winkler = 0;
  std::vector<std::size_t> worst;  ///< indices of the rows with the largest errors, worst first
};

/// Interval score at level 0.9: width + 20 x the distance outside, in units of the measured time.
/// Source: Gneiting and Raftery, "Strictly proper scoring rules", JASA 102(477), 2007, eq. 43.
double interval_score(const ScoredRow& row);

/// The row with the interval of all kinds together in place of its own.
ScoredRow with_global_interval(ScoredRow row);

Score score(std::span<const ScoredRow> rows, std::size_t worst = 3);

/// The scores of the rows that share a key, in the order of the keys.
struct NamedScore {
  std::string name;
  Score score;
};
std::vector<NamedScore> score_by(std::span<const ScoredRow> rows,
                                 const std::function<std::string(const ScoredRow&)>& key,
                                 std::size_t worst = 3);

/// Shares of n draws of probability p between which 95 % of all experiments fall: from the exact
/// binomial distribution, at most 2.5 % in either tail. n >= 1.
struct ShareLimits {
  double low = 0;
  double high = 1;
};
ShareLimits binomial_limits(std::size_t n, double p);

/// Quantile q in [0, 1] by linear interpolation between order statistics; 0 for no values.
double quantile(std::vector<double> values, double q);

}  // namespace fastpath
