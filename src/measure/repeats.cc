#include "measure/repeats.h"

#include <algorithm>
#include <cmath>

namespace fastpath {
namespace {

/// By linear interpolation; `values` in order, not empty.
double at_share(const std::vector<double>& values, double share) {
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

/// Nothing is gained by another repeat, or there are enough of them.
bool is_known(const std::vector<Repeat>& repeats, const RepeatLimits& limits) {
  if (repeats.size() >= limits.most) return true;
  const Repeated so_far = summarise(repeats, limits);
  return !so_far.noisy && so_far.kept >= limits.least && so_far.spread <= limits.spread;
}

}  // namespace

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
  if (result.median > 0) {
    result.spread = (at_share(used, 0.9) - at_share(used, 0.1)) / 2 / result.median;
  }
  return result;
}

Repeated repeat(const std::function<Repeat()>& measure, const RepeatLimits& limits) {
  std::vector<Repeat> repeats;
  while (!is_known(repeats, limits))
    repeats.push_back(measure());
  return summarise(repeats, limits);
}

std::vector<Repeated> repeat_in_turns(const std::vector<std::function<Repeat()>>& figures,
                                      const RepeatLimits& limits) {
  std::vector<std::vector<Repeat>> repeats(figures.size());
  bool more = true;
  while (more) {
    more = false;
    for (std::size_t i = 0; i < figures.size(); ++i) {
      if (is_known(repeats[i], limits)) continue;
      repeats[i].push_back(figures[i]());
      more = true;
    }
  }
  std::vector<Repeated> results;
  results.reserve(figures.size());
  for (const std::vector<Repeat>& one : repeats)
    results.push_back(summarise(one, limits));
  return results;
}

bool agree(const Repeated& one, const Repeated& other) {
  return std::abs(one.median - other.median) <=
         one.spread * one.median + other.spread * other.median;
}

}  // namespace fastpath
