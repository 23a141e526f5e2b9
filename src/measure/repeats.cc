#include "measure/repeats.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace fastpath {
namespace {

/// By linear interpolation; `values` in order, not empty.
double at_share(const std::vector<double>& values, double share) {
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

/// How many of the smallest and as many of the largest of `count` values may be left out so that
/// the others still enclose with 95 % the median that the values scatter about: each of them is as
/// likely below it as above it.
std::size_t outermost(std::size_t count) {
  constexpr double kMiss = 0.05;
  const auto values = static_cast<double>(count);
  double log_chance = -values;  // that exactly so many are below it, to base 2
  double at_most = std::exp2(log_chance);
  std::size_t left_out = 0;
  for (double below = 1; below < values / 2; ++below, ++left_out) {
    log_chance += std::log2((values - below + 1) / below);
    at_most += std::exp2(log_chance);
    if (2 * at_most > kMiss) break;
  }
  return left_out;
}

/// How far the interval that encloses the median lies from `median`; `values` in order, not empty.
double margin(const std::vector<double>& values, double median) {
  const std::size_t left_out = outermost(values.size());
  return std::max(median - values[left_out], values[values.size() - 1 - left_out] - median);
}

/// Nothing is gained by another repeat, or there are enough of them.
bool is_known(const std::vector<Repeat>& repeats, const RepeatLimits& limits) {
  if (repeats.size() >= limits.most) return true;
  const Repeated so_far = summarise(repeats, limits);
  return !so_far.noisy && so_far.kept >= limits.least && so_far.spread <= limits.spread;
}

}  // namespace

RepeatLimits round_limits(bool quick) {
  RepeatLimits limits;
  limits.least = quick ? 6 : 9;
  limits.most = quick ? 8 : 15;
  limits.spread = std::numeric_limits<double>::infinity();
  return limits;
}

Repeated summarise(const std::vector<Repeat>& repeats, const RepeatLimits& limits) {
  Repeated result;
  if (repeats.empty()) return result;
  std::vector<double> quiet;
  std::vector<double> all;
  std::vector<double> others;
  for (const Repeat& one : repeats) {
    all.push_back(one.value);
    others.push_back(one.others);
    if (one.others <= limits.most_others) quiet.push_back(one.value);
  }
  std::sort(others.begin(), others.end());
  result.others = at_share(others, 0.5);
  result.noisy = quiet.size() < limits.least;
  std::vector<double>& used = result.noisy ? all : quiet;
  std::sort(used.begin(), used.end());
  result.kept = used.size();
  result.discarded = repeats.size() - used.size();
  result.median = at_share(used, 0.5);
  if (result.median > 0) result.spread = margin(used, result.median) / result.median;
  return result;
}

Repeated repeat(const std::function<Repeat()>& measure, const RepeatLimits& limits) {
  std::vector<Repeat> repeats;
  while (!is_known(repeats, limits))
    repeats.push_back(measure());
  return summarise(repeats, limits);
}

Rounds::Rounds(std::vector<std::function<Repeat()>> figures, const RepeatLimits& limits)
    : figures_(std::move(figures)), repeats_(figures_.size()), limits_(limits) {}

bool Rounds::measure() {
  bool more = false;
  for (std::size_t i = 0; i < figures_.size(); ++i) {
    if (is_known(repeats_[i], limits_)) continue;
    repeats_[i].push_back(figures_[i]());
    more = true;
  }
  return more;
}

std::vector<Repeated> Rounds::results() const {
  std::vector<Repeated> results;
  results.reserve(repeats_.size());
  for (const std::vector<Repeat>& one : repeats_)
    results.push_back(summarise(one, limits_));
  return results;
}

bool agree(const Repeated& one, const Repeated& other) {
  return std::abs(one.median - other.median) <=
         one.spread * one.median + other.spread * other.median;
}

}  // namespace fastpath
