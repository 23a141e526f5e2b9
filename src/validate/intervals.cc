#include "validate/intervals.h"

#include <algorithm>
#include <cmath>

namespace fastpath {
namespace {

/// How much wider, on the log scale, an interval gets where not even the widest regime has enough
/// rows for its quantiles.
constexpr double kWidening = 1.25;

/// The k-th smallest (from 1) of `sorted`, clamped to its ends.
double order_statistic(const std::vector<double>& sorted, double k) {
  const double last = static_cast<double>(sorted.size());
  return sorted[static_cast<std::size_t>(std::clamp(k, 1.0, last)) - 1];
}

}  // namespace

ResidualIntervals::ResidualIntervals(std::span<const Residual> residuals) {
  for (const Residual& residual : residuals) {
    for (const std::string& regime : residual.regimes)
      by_regime_[regime].push_back({residual.log_ratio, residual.group});
  }
  for (auto& [regime, entries] : by_regime_) {
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.log_ratio < b.log_ratio; });
  }
}

Interval ResidualIntervals::interval(std::span<const std::string> regimes,
                                     std::uint32_t left_out) const {
  std::vector<double> values;
  for (std::size_t level = 0; level < regimes.size(); ++level) {
    const auto found = by_regime_.find(regimes[level]);
    values.clear();
    if (found != by_regime_.end()) {
      for (const Entry& entry : found->second) {
        if (left_out == kNone || entry.group != left_out) values.push_back(entry.log_ratio);
      }
    }
    const bool last = level + 1 == regimes.size();
    if (values.size() >= kEnoughRows || (last && !values.empty())) {
      const double n = static_cast<double>(values.size());
      const double rank = std::ceil((n + 1) * 0.95);
      const double widening = values.size() < kEnoughRows ? kWidening : 1;
      return {std::exp(widening * order_statistic(values, n + 1 - rank)),
              std::exp(widening * order_statistic(values, rank)), values.size(), regimes[level],
              level > 0};
    }
  }
  return {1.0 / 3, 3, 0, "no residuals", true};
}

std::string size_class(Seconds time) {
  if (time < 10.0_us) return "tiny";
  if (time < 100.0_us) return "small";
  return time < 1.0_ms ? "medium" : "large";
}

}  // namespace fastpath
