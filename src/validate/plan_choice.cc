#include "validate/plan_choice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "validate/score.h"

namespace fastpath {
namespace {

std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]])
      ++end;
    const double mean = 0.5 * static_cast<double>(first + end - 1);
    for (std::size_t i = first; i < end; ++i)
      ranks[order[i]] = mean;
    first = end;
  }
  return ranks;
}

/// The plans of one work, repeats as one.
struct Alternatives {
  std::vector<double> predicted;
  std::vector<double> measured;
};

using Times = std::pair<std::vector<double>, std::vector<double>>;

Alternatives medians(const std::map<std::string, Times>& by_plan) {
  Alternatives all;
  for (const auto& [plan, times] : by_plan) {
    all.predicted.push_back(quantile(times.first, 0.5));
    all.measured.push_back(quantile(times.second, 0.5));
  }
  return all;
}

double mean_of(std::span<const double> values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

}  // namespace

double rank_correlation(std::span<const double> a, std::span<const double> b) {
  const std::vector<double> x = ranks_of(a);
  const std::vector<double> y = ranks_of(b);
  const double middle = mean_of(x);
  double xy = 0;
  double xx = 0;
  double yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

PlanChoice plan_choice(std::span<const MeasuredPlan> plans, std::size_t least) {
  std::map<std::string, std::map<std::string, Times>> works;
  for (const MeasuredPlan& one : plans) {
    Times& times = works[one.work][one.plan];
    times.first.push_back(one.predicted.base());
    times.second.push_back(one.measured.base());
  }
  PlanChoice choice;
  std::vector<double> correlations;
  std::vector<double> regrets;
  std::vector<double> random;
  for (const auto& [work, by_plan] : works) {
    if (by_plan.size() < least) continue;
    const Alternatives all = medians(by_plan);
    const double best = *std::min_element(all.measured.begin(), all.measured.end());
    const auto chosen = std::min_element(all.predicted.begin(), all.predicted.end());
    const auto index = static_cast<std::size_t>(chosen - all.predicted.begin());
    correlations.push_back(rank_correlation(all.predicted, all.measured));
    regrets.push_back(all.measured[index] / best - 1);
    random.push_back(mean_of(all.measured) / best - 1);
    choice.plans += by_plan.size();
  }
  choice.works = regrets.size();
  choice.mean_regret = mean_of(regrets);
  choice.random_regret = mean_of(random);
  choice.median_correlation = quantile(std::move(correlations), 0.5);
  choice.regret_of_90 = quantile(std::move(regrets), 0.9);
  return choice;
}

}  // namespace fastpath
