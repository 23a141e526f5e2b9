#include "analyze/trace/trace_diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "analyze/trace/matched_modules.h"

namespace fastpath {
namespace {

using Ranks = std::vector<RankAnalysis>;

double seconds(Picoseconds time) { return static_cast<double>(time) * 1e-12; }

/// Devices of one side, at least 1.
double devices_of(const Ranks& ranks) {
  std::size_t count = 0;
  for (const RankAnalysis& rank : ranks)
    count += rank.devices.size();
  return static_cast<double>(std::max<std::size_t>(1, count));
}

constexpr std::array<std::string_view, 10> kParts{
    "compute",          "exposed communication", "exposed copies", "idle: host",
    "idle: sync",       "idle: input",           "idle: call",     "idle: queue",
    "idle: dependency", "idle: unknown"};

/// Mean time of a device by part; they add up to its total.
std::array<double, kParts.size()> parts_of(const Ranks& ranks) {
  std::array<double, kParts.size()> sums{};
  for (const RankAnalysis& rank : ranks) {
    for (const TimeBreakdown& time : rank.devices) {
      sums[0] += seconds(time.compute);
      sums[1] += seconds(time.exposed_communication);
      sums[2] += seconds(time.exposed_copies);
    }
    for (const IdleCauses& idle : rank.idle) {
      const std::array<Picoseconds, 7> causes{idle.host,  idle.sync,       idle.input,  idle.call,
                                              idle.queue, idle.dependency, idle.unknown};
      for (std::size_t i = 0; i < causes.size(); ++i)
        sums[3 + i] += seconds(causes[i]);
    }
  }
  for (double& sum : sums)
    sum /= devices_of(ranks);
  return sums;
}

Table difference_table(const Ranks& before, const Ranks& after) {
  Table table{"difference",
              "Mean time of a device",
              {{"part", Unit::none},
               {"before", Unit::seconds},
               {"after", Unit::seconds},
               {"change", Unit::seconds},
               {"share", Unit::ratio}},
              {}};
  const auto a = parts_of(before);
  const auto b = parts_of(after);
  double total_a = 0;
  double total_b = 0;
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    total_a += a[i];
    total_b += b[i];
  }
  const double change = total_b - total_a;
  const auto add = [&](std::string_view part, double x, double y) {
    table.rows.push_back(
        {std::string(part), x, y, y - x, change != 0 ? Cell{(y - x) / change} : Cell{}});
  };
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    if (a[i] != 0 || b[i] != 0) add(kParts[i], a[i], b[i]);
  }
  add("total", total_a, total_b);
  return table;
}

/// A step, mean over ranks. Without steps in the trace, all of it is one.
struct Step {
  std::string name;
  double time = 0;
};

std::vector<Step> steps_of(const Ranks& ranks) {
  std::vector<Step> steps;
  for (const RankAnalysis& rank : ranks) {
    if (rank.steps.empty()) return {{"all of it", 0}};
    if (steps.empty() || rank.steps.size() < steps.size()) steps.resize(rank.steps.size());
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steps[i].name = ranks.front().steps[i].name;
    for (const RankAnalysis& rank : ranks)
      steps[i].time += seconds(rank.steps[i].duration) / static_cast<double>(ranks.size());
  }
  return steps;
}

double mean_of(const std::vector<Step>& steps) {
  double sum = 0;
  for (const Step& step : steps)
    sum += step.time;
  return sum / static_cast<double>(std::max<std::size_t>(1, steps.size()));
}

/// Without steps: the mean total of a device.
void fill_whole(const Ranks& ranks, std::vector<Step>& steps) {
  if (steps.size() != 1 || steps[0].time > 0) return;
  for (const double part : parts_of(ranks))
    steps[0].time += part;
}

/// Step by step where both sides have as many, else their means.
Table step_table(const Ranks& before, const Ranks& after) {
  Table table{"steps",
              "Steps",
              {{"step_before", Unit::none},
               {"step_after", Unit::none},
               {"before", Unit::seconds},
               {"after", Unit::seconds},
               {"change", Unit::seconds}},
              {}};
  std::vector<Step> a = steps_of(before);
  std::vector<Step> b = steps_of(after);
  fill_whole(before, a);
  fill_whole(after, b);
  const auto mean = [](const std::vector<Step>& steps) {
    return steps.size() == 1
               ? steps
               : std::vector<Step>{{fmt::format("mean of {}", steps.size()), mean_of(steps)}};
  };
  if (a.size() != b.size()) {
    a = mean(a);
    b = mean(b);
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    table.rows.push_back({a[i].name, b[i].name, a[i].time, b[i].time, b[i].time - a[i].time});
  }
  return table;
}

Table module_table(const Ranks& before, const Ranks& after, std::size_t top) {
  const std::vector<MatchedModule> matched = match_modules(before, after);
  const std::size_t count = top == 0 ? matched.size() : std::min(top, matched.size());
  Table table{"modules",
              count < matched.size() ? fmt::format("Modules with the largest changes ({} of {})",
                                                   count, matched.size())
                                     : std::string("Modules with the largest changes"),
              {{"module_before", Unit::none},
               {"module_after", Unit::none},
               {"before", Unit::seconds},
               {"after", Unit::seconds},
               {"change", Unit::seconds}},
              {}};
  const auto text = [](const std::string& path) { return path.empty() ? Cell{} : Cell{path}; };
  for (std::size_t i = 0; i < count; ++i) {
    const MatchedModule& one = matched[i];
    table.rows.push_back(
        {text(one.path[0]), text(one.path[1]), one.time[0], one.time[1], one.change()});
  }
  return table;
}

/// Both sides of what matches; per device.
struct Pair {
  WorkRow row;
  std::array<double, 2> count{};
  std::array<double, 2> time{};

  double change() const { return time[1] - time[0]; }
};

using Key = std::tuple<std::string, std::string, std::string>;

/// Of one name, what only one side has: with other shapes, and called as often, it is the same
/// operator of a model of other sizes. In the order of time.
void join_reshaped(std::vector<Pair>& pairs) {
  std::map<std::pair<std::string, double>, std::array<std::vector<Pair*>, 2>> alone;
  for (Pair& pair : pairs) {
    if (pair.row.shapes.empty() || (pair.count[0] > 0 && pair.count[1] > 0)) continue;
    const std::size_t side = pair.count[0] > 0 ? 0 : 1;
    alone[{pair.row.name, pair.count[side]}][side].push_back(&pair);
  }
  for (auto& [key, sides] : alone) {
    if (sides[0].size() != sides[1].size()) continue;
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      std::stable_sort(
          sides[side].begin(), sides[side].end(),
          [side](const Pair* a, const Pair* b) { return a->time[side] > b->time[side]; });
    }
    for (std::size_t i = 0; i < sides[0].size(); ++i) {
      Pair& before = *sides[0][i];
      Pair& after = *sides[1][i];
      before.count[1] = after.count[1];
      before.time[1] = after.time[1];
      before.row.shapes += " -> " + after.row.shapes;
      if (before.row.types != after.row.types) before.row.types += " -> " + after.row.types;
      after.count[1] = 0;
    }
  }
  std::erase_if(pairs, [](const Pair& pair) { return pair.count[0] == 0 && pair.count[1] == 0; });
}

template <class KeyOf>
std::vector<Pair> paired(const Ranks& before, const Ranks& after,
                         std::vector<WorkRow> RankAnalysis::*list, const KeyOf& key_of) {
  std::map<Key, Pair> pairs;
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    const Ranks& ranks = side == 0 ? before : after;
    const double devices = devices_of(ranks);
    for (const RankAnalysis& rank : ranks) {
      for (const WorkRow& row : rank.*list) {
        Pair& pair = pairs.try_emplace(key_of(row), Pair{row, {}, {}}).first->second;
        pair.count[side] += static_cast<double>(row.count) / devices;
        pair.time[side] += seconds(row.time) / devices;
      }
    }
  }
  std::vector<Pair> sorted;
  sorted.reserve(pairs.size());
  for (auto& [key, pair] : pairs)
    sorted.push_back(std::move(pair));
  join_reshaped(sorted);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Pair& a, const Pair& b) {
    return std::abs(a.change()) > std::abs(b.change());
  });
  return sorted;
}

Table pair_table(std::string name, std::string_view title, std::vector<Column> names,
                 const std::vector<Pair>& pairs, std::size_t top) {
  const std::size_t count = top == 0 ? pairs.size() : std::min(top, pairs.size());
  Table table{std::move(name),
              count < pairs.size() ? fmt::format("{} ({} of {})", title, count, pairs.size())
                                   : std::string(title),
              std::move(names),
              {}};
  const std::size_t texts = table.columns.size();
  table.columns.insert(table.columns.end(), {{"count_before", Unit::count},
                                             {"count_after", Unit::count},
                                             {"before", Unit::seconds},
                                             {"after", Unit::seconds},
                                             {"change", Unit::seconds}});
  for (std::size_t i = 0; i < count; ++i) {
    const Pair& pair = pairs[i];
    const std::array<std::string, 3> words{
        pair.row.name, texts == 2 ? pair.row.group : pair.row.shapes, pair.row.types};
    std::vector<Cell> row;
    for (std::size_t k = 0; k < texts; ++k)
      row.push_back(words[k].empty() ? Cell{} : Cell{words[k]});
    row.insert(row.end(),
               {pair.count[0], pair.count[1], pair.time[0], pair.time[1], pair.change()});
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Findings compare_traces(const Ranks& before, const Ranks& after, std::size_t top) {
  Findings findings;
  findings.title = fmt::format("{} against {}", after.front().title, before.front().title);
  findings.tables.push_back(difference_table(before, after));
  findings.tables.push_back(step_table(before, after));
  findings.tables.push_back(module_table(before, after, top));
  std::vector<Pair> classes = paired(before, after, &RankAnalysis::kernels, [](const WorkRow& row) {
    return Key{row.group, {}, {}};
  });
  for (Pair& pair : classes)
    pair.row.name = pair.row.group;
  findings.tables.push_back(
      pair_table("classes", "Work of a device by class", {{"class", Unit::none}}, classes, 0));
  findings.tables.push_back(
      pair_table("operators", "Operators, by name and shapes, with the largest changes",
                 {{"operator", Unit::none}, {"shapes", Unit::none}, {"types", Unit::none}},
                 paired(before, after, &RankAnalysis::operators,
                        [](const WorkRow& row) {
                          return Key{row.name, row.shapes, row.types};
                        }),
                 top));
  findings.tables.push_back(pair_table("kernels", "Kernels and copies with the largest changes",
                                       {{"kernel", Unit::none}, {"class", Unit::none}},
                                       paired(before, after, &RankAnalysis::kernels,
                                              [](const WorkRow& row) {
                                                return Key{row.name, row.group, {}};
                                              }),
                                       top));
  std::erase_if(findings.tables, [](const Table& table) { return table.rows.empty(); });
  findings.notes.emplace_back(
      "Parts of the difference add up; times of classes, operators and kernels are sums, those "
      "that "
      "overlap included.");
  return findings;
}

}  // namespace fastpath
