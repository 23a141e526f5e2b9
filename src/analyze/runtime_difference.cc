#include "analyze/runtime_difference.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

namespace fastpath {
namespace {

constexpr std::string_view kBlocked = "_nchwc";

std::string plain_name(std::string name) {
  // "mul/LayerNormFusion/"
  constexpr std::string_view kFused = "Fusion/";
  if (name.ends_with(kFused)) {
    const std::size_t slash = name.rfind('/', name.size() - kFused.size());
    if (slash != std::string::npos) name.resize(slash);
  }
  if (!name.ends_with(kBlocked)) return name;
  name.resize(name.size() - kBlocked.size());
  // Norms and products by channel that became convolutions.
  for (const std::string_view ending : {"_bn", "_mul"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return name;
}

std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]])
      ++end;
    const double mean = static_cast<double>(i + end - 1) / 2;
    for (; i < end; ++i)
      ranks[order[i]] = mean;
  }
  return ranks;
}

struct Sum {
  double count = 0;
  Seconds predicted;
  Seconds measured;
};

Cell ratio_of(Seconds predicted, Seconds measured) {
  return measured > Seconds{} ? Cell{predicted / measured - 1} : Cell{};
}

Table types_table(const std::vector<RuntimePair>& pairs,
                  const std::vector<PredictedOperator>& predicted,
                  const std::vector<RuntimeOperator>& measured) {
  std::map<std::string, Sum> sums;
  for (const RuntimePair& pair : pairs) {
    const std::string type = pair.measured == nullptr    ? "(predicted, not run)"
                             : pair.predicted == nullptr ? "(run, not predicted)"
                                                         : pair.measured->op_type;
    Sum& sum = sums[type];
    sum.count += 1;
    if (pair.predicted != nullptr) sum.predicted += pair.predicted->time;
    if (pair.measured != nullptr) sum.measured += pair.measured->quiet;
  }
  for (const RuntimeOperator& one : measured) {
    if (!is_reorder(one)) continue;
    sums["changes of layout"].count += 1;
    sums["changes of layout"].measured += one.quiet;
  }
  for (const PredictedOperator& one : predicted) {
    if (one.reorder) sums["changes of layout"].predicted += one.time;
  }
  std::vector<std::pair<std::string, Sum>> order(sums.begin(), sums.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::max(a.second.measured, a.second.predicted) >
           std::max(b.second.measured, b.second.predicted);
  });
  Table table{
      "against_types",
      "Predicted against measured (the shorter half of each operator's executions), by type",
      {{"type"},
       {"count", Unit::count},
       {"predicted", Unit::seconds},
       {"measured", Unit::seconds},
       {"error", Unit::ratio}},
      {}};
  for (const auto& [type, sum] : order) {
    table.rows.push_back({type, sum.count, sum.predicted.base(), sum.measured.base(),
                          ratio_of(sum.predicted, sum.measured)});
  }
  return table;
}

Table operators_table(std::vector<RuntimePair> pairs, std::size_t top) {
  const auto times = [](const RuntimePair& pair) {
    return std::pair{pair.predicted == nullptr ? Seconds{} : pair.predicted->time,
                     pair.measured == nullptr ? Seconds{} : pair.measured->quiet};
  };
  const auto gap = [&](const RuntimePair& pair) {
    const auto [predicted, measured] = times(pair);
    return std::abs((predicted - measured).base());
  };
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](const RuntimePair& a, const RuntimePair& b) { return gap(a) > gap(b); });
  pairs.resize(std::min(top, pairs.size()));
  Table table{"against_operators",
              fmt::format("Largest differences ({})", pairs.size()),
              {{"operator"},
               {"type"},
               {"shapes"},
               {"predicted", Unit::seconds},
               {"measured", Unit::seconds},
               {"change", Unit::seconds}},
              {}};
  for (const RuntimePair& pair : pairs) {
    const auto [predicted, measured] = times(pair);
    const bool run = pair.measured != nullptr;
    const bool known = !run || !pair.measured->holds_others;
    table.rows.push_back({run ? pair.measured->name : pair.predicted->name,
                          run ? pair.measured->op_type : "(not run)",
                          run ? pair.measured->shapes : "", predicted.base(),
                          known ? Cell{measured.base()} : Cell{},
                          known ? Cell{(measured - predicted).base()} : Cell{}});
  }
  return table;
}

}  // namespace

bool is_reorder(const RuntimeOperator& one) {
  return one.op_type == "ReorderInput" || one.op_type == "ReorderOutput";
}

std::vector<RuntimePair> runtime_pairs(const std::vector<PredictedOperator>& predicted,
                                       const std::vector<RuntimeOperator>& measured) {
  std::map<std::string, const PredictedOperator*> known;
  for (const PredictedOperator& one : predicted) {
    if (one.reorder) continue;
    known.emplace(one.name, &one);
    known.emplace(one.output, &one);
  }
  std::map<const PredictedOperator*, bool> used;
  std::vector<RuntimePair> pairs;
  for (const RuntimeOperator& one : measured) {
    if (is_reorder(one)) continue;
    const auto found = known.find(plain_name(one.name));
    const bool fresh = found != known.end() && !used[found->second];
    if (fresh) used[found->second] = true;
    pairs.push_back({&one, fresh ? found->second : nullptr});
  }
  for (const PredictedOperator& one : predicted) {
    if (!one.reorder && !used[&one]) pairs.push_back({nullptr, &one});
  }
  return pairs;
}

double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size() || a.size() < 3) return 0;
  const std::vector<double> x = ranks_of(a);
  const std::vector<double> y = ranks_of(b);
  const double mean = static_cast<double>(a.size() - 1) / 2;
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
    xy += (x[i] - mean) * (y[i] - mean);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

RuntimeDifference runtime_difference(const std::vector<PredictedOperator>& predicted,
                                     const std::vector<RuntimeOperator>& measured,
                                     std::size_t top) {
  const std::vector<RuntimePair> pairs = runtime_pairs(predicted, measured);
  std::vector<double> a;
  std::vector<double> b;
  for (const RuntimePair& pair : pairs) {
    if (pair.predicted == nullptr || pair.measured == nullptr) continue;
    if (pair.measured->holds_others) continue;
    a.push_back(pair.predicted->time.base());
    b.push_back(pair.measured->quiet.base());
  }
  RuntimeDifference difference;
  difference.matched = a.size();
  difference.rank_correlation = rank_correlation(a, b);
  difference.tables = {types_table(pairs, predicted, measured), operators_table(pairs, top)};
  return difference;
}

}  // namespace fastpath
