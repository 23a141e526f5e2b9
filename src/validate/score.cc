#include "validate/score.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace fastpath {
namespace {

double mean_of(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// log of n choose k.
double log_choose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

void score_global_intervals(std::span<const ScoredRow> rows, Score& result) {
  std::vector<double> widths;
  std::vector<double> scores;
  for (const ScoredRow& row : rows) {
    const ScoredRow global = with_global_interval(row);
    if (!(global.high > global.low)) continue;
    widths.push_back((global.high - global.low) / row.predicted);
    scores.push_back(interval_score(global));
  }
  result.global_winkler = mean_of(scores);
  result.global_width = quantile(std::move(widths), 0.5);
}

void score_intervals(std::span<const ScoredRow> rows, Score& result) {
  std::vector<double> widths;
  std::vector<double> scores;
  std::size_t inside = 0;
  for (const ScoredRow& row : rows) {
    if (!(row.high > row.low)) continue;
    if (row.low <= row.measured && row.measured <= row.high) ++inside;
    widths.push_back((row.high - row.low) / row.predicted);
    scores.push_back(interval_score(row));
  }
  result.intervals = widths.size();
  if (widths.empty()) return;
  result.coverage = static_cast<double>(inside) / static_cast<double>(widths.size());
  const ShareLimits limits = binomial_limits(widths.size(), 0.9);
  result.coverage_low = limits.low;
  result.coverage_high = limits.high;
  result.winkler = mean_of(scores);
  result.median_width = quantile(std::move(widths), 0.5);
  score_global_intervals(rows, result);
}

}  // namespace

double absolute_error(const ScoredRow& row) { return std::abs(row.predicted / row.measured - 1); }

double interval_score(const ScoredRow& row) {
  const double outside = std::max(
      {0.0, (row.low - row.measured) / row.measured, (row.measured - row.high) / row.measured});
  return (row.high - row.low) / row.measured + 20 * outside;
}

ScoredRow with_global_interval(ScoredRow row) {
  row.low = row.global_low;
  row.high = row.global_high;
  return row;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double share = at - static_cast<double>(below);
  return values[below] * (1 - share) + values[above] * share;
}

ShareLimits binomial_limits(std::size_t n, double p) {
  const auto size = static_cast<double>(n);
  ShareLimits limits{0, 1};
  double cumulated = 0;
  bool low_found = false;
  for (std::size_t k = 0; k <= n; ++k) {
    const auto hits = static_cast<double>(k);
    cumulated +=
        std::exp(log_choose(size, hits) + hits * std::log(p) + (size - hits) * std::log1p(-p));
    if (!low_found && cumulated > 0.025) {
      limits.low = hits / size;
      low_found = true;
    }
    if (cumulated >= 0.975) {
      limits.high = hits / size;
      return limits;
    }
  }
  return limits;
}

Score score(std::span<const ScoredRow> rows, std::size_t worst) {
  Score result;
  result.rows = rows.size();
  if (rows.empty()) return result;
  std::vector<double> errors;
  std::vector<double> signed_errors;
  std::vector<double> naive;
  std::vector<double> pooled;
  for (const ScoredRow& row : rows) {
    errors.push_back(absolute_error(row));
    signed_errors.push_back(row.predicted / row.measured - 1);
    if (row.naive > Seconds{}) naive.push_back(std::abs(row.naive / row.measured - 1));
    if (row.pooled > Seconds{}) pooled.push_back(std::abs(row.pooled / row.measured - 1));
  }
  result.mean = mean_of(errors);
  result.bias = mean_of(signed_errors);
  result.naive_mean = mean_of(naive);
  result.naive_median = quantile(std::move(naive), 0.5);
  result.pooled_mean = mean_of(pooled);
  result.pooled_median = quantile(std::move(pooled), 0.5);
  result.worst.resize(rows.size());
  std::iota(result.worst.begin(), result.worst.end(), std::size_t{0});
  std::stable_sort(result.worst.begin(), result.worst.end(),
                   [&](std::size_t a, std::size_t b) { return errors[a] > errors[b]; });
  result.worst.resize(std::min(worst, rows.size()));
  result.median = quantile(std::move(errors), 0.5);
  score_intervals(rows, result);
  return result;
}

std::vector<NamedScore> score_by(std::span<const ScoredRow> rows,
                                 const std::function<std::string(const ScoredRow&)>& key,
                                 std::size_t worst) {
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < rows.size(); ++i)
    groups[key(rows[i])].push_back(i);
  std::vector<NamedScore> scores;
  for (const auto& [name, members] : groups) {
    std::vector<ScoredRow> subset;
    for (const std::size_t i : members)
      subset.push_back(rows[i]);
    NamedScore named{name, score(subset, worst)};
    for (std::size_t& i : named.score.worst)
      i = members[i];  // of the whole, as documented for the caller's rows
    scores.push_back(std::move(named));
  }
  return scores;
}

}  // namespace fastpath
