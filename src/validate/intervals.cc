#include "validate/intervals.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace fastpath {
namespace {

/// How much wider, on the log scale, an interval gets where not even the widest regime has enough
/// rows for its quantiles.
constexpr double kWidening = 1.25;

/// 95 % quantile of Student's t over that of the normal distribution, times sqrt(1 + 1 / groups):
/// how much farther off a new group may be than `groups` known ones show. Source: Abramowitz and
/// Stegun, 26.7.5 (expansion in 1 / degrees of freedom).
double new_group_factor(double groups) {
  constexpr double kZ = 1.6449;
  constexpr double kMost = 4;
  if (groups < 2) return kMost;
  const double v = groups - 1;
  const double z3 = kZ * kZ * kZ;
  const double z5 = z3 * kZ * kZ;
  const double t = kZ + (z3 + kZ) / (4 * v) + (5 * z5 + 16 * z3 + 3 * kZ) / (96 * v * v);
  return std::min(t / kZ * std::sqrt(1 + 1 / groups), kMost);
}

/// Widens the spread between groups by what few groups leave unknown, not that within them.
double group_widening(const std::vector<std::pair<std::uint32_t, double>>& values) {
  struct Sums {
    double n = 0;
    double sum = 0;
    double squares = 0;
  };
  std::map<std::uint32_t, Sums> groups;
  for (const auto& [group, value] : values) {
    Sums& sums = groups[group];
    ++sums.n;
    sums.sum += value;
    sums.squares += value * value;
  }
  const double g = static_cast<double>(groups.size());
  const double n = static_cast<double>(values.size());
  if (n <= g) return 1;
  double mean = 0;
  double within = 0;
  for (const auto& [group, sums] : groups) {
    mean += sums.sum / sums.n / g;
    within += sums.squares - sums.sum * sums.sum / sums.n;
  }
  within = std::max(within / (n - g), 1e-12);
  double between = 0;
  for (const auto& [group, sums] : groups) {
    const double distance = sums.sum / sums.n - mean;
    between += distance * distance / std::max(g - 1, 1.0);
  }
  between = std::max(between - within * g / n, 0.0);
  const double factor = new_group_factor(g);
  return std::sqrt((between * factor * factor + within) / (between + within));
}

std::size_t groups_of(const std::vector<std::pair<std::uint32_t, double>>& members) {
  std::set<std::uint32_t> groups;
  for (const auto& [group, value] : members)
    groups.insert(group);
  return groups.size();
}

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
  std::vector<std::pair<std::uint32_t, double>> members;
  std::vector<double> values;
  for (std::size_t level = 0; level < regimes.size(); ++level) {
    const auto found = by_regime_.find(regimes[level]);
    if (found == by_regime_.end()) continue;
    members.clear();
    values.clear();
    for (const Entry& entry : found->second) {
      if (left_out != kNone && entry.group == left_out) continue;
      members.emplace_back(entry.group, entry.log_ratio);
      values.push_back(entry.log_ratio);
    }
    const bool last = level + 1 == regimes.size();
    const bool enough = values.size() >= kEnoughRows && groups_of(members) >= kEnoughGroups;
    if (!enough && (!last || values.empty())) continue;
    const double n = static_cast<double>(values.size());
    const double rank = std::ceil((n + 1) * 0.95);
    const double middle = order_statistic(values, std::ceil(n / 2));
    const double widening = group_widening(members) * (values.size() < kEnoughRows ? kWidening : 1);
    double low = middle - widening * (middle - order_statistic(values, n + 1 - rank));
    double high = middle + widening * (order_statistic(values, rank) - middle);
    if (enough) {  // no farther than any row ever was
      low = std::max(low, values.front());
      high = std::min(high, values.back());
    }
    return {std::exp(low), std::exp(high), values.size(), regimes[level], level > 0};
  }
  return {1.0 / 3, 3, 0, "no residuals", true};
}

std::string size_class(Seconds time) {
  if (time < 10.0_us) return "tiny";
  if (time < 100.0_us) return "small";
  return time < 1.0_ms ? "medium" : "large";
}

}  // namespace fastpath
