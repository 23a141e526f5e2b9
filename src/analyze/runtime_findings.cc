#include "analyze/runtime_findings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

namespace fastpath {
namespace {

Seconds median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const bool even = values.size() % 2 == 0;
  return Seconds{even ? (values[middle - 1] + values[middle]) / 2 : values[middle]};
}

/// Of short times a mean, since the profiler cuts them to whole microseconds.
Seconds quiet_time(std::vector<double> values) {
  constexpr double kLong = 20e-6;
  std::sort(values.begin(), values.end());
  if (values.front() >= kLong) return Seconds{values.front()};
  values.resize((values.size() + 1) / 2);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return Seconds{sum / static_cast<double>(values.size())};
}

std::uint64_t last_run(const std::vector<RuntimeEvent>& events) {
  std::uint64_t last = 0;
  for (const RuntimeEvent& event : events)
    last = std::max(last, event.run);
  return last;
}

/// The first execution that counts.
std::uint64_t first_run(const std::vector<RuntimeEvent>& events, std::size_t warm_ups) {
  return warm_ups <= last_run(events) ? warm_ups : 0;
}

bool holds_others(const RuntimeEvent& event) {
  return event.op_type == "If" || event.op_type == "Loop" || event.op_type == "Scan";
}

/// Each event's time without that of the events inside it.
std::vector<Seconds> own_times(const std::vector<RuntimeEvent>& events) {
  std::vector<Seconds> own;
  std::vector<std::size_t> holders;
  for (std::size_t i = 0; i < events.size(); ++i) {
    own.push_back(events[i].duration);
    if (holds_others(events[i])) holders.push_back(i);
  }
  // The inner ones first.
  std::stable_sort(holders.begin(), holders.end(), [&](std::size_t a, std::size_t b) {
    return events[a].duration < events[b].duration;
  });
  std::vector<bool> done(events.size(), false);
  for (const std::size_t holder : holders) {
    const RuntimeEvent& outer = events[holder];
    const auto first =
        std::lower_bound(events.begin(), events.end(), outer.start,
                         [](const RuntimeEvent& e, Seconds start) { return e.start < start; });
    for (auto i = static_cast<std::size_t>(first - events.begin()); i < events.size(); ++i) {
      const RuntimeEvent& inner = events[i];
      if (inner.start > outer.start + outer.duration) break;
      const bool inside = inner.start + inner.duration <= outer.start + outer.duration;
      // Of equally long ones, those that are done are inside.
      if (i == holder || !inside || (holds_others(inner) && !done[i])) continue;
      own[holder] -= own[i];
    }
    own[holder] = std::max(own[holder], Seconds{});
    done[holder] = true;
  }
  return own;
}

Seconds total(const std::vector<RuntimeOperator>& operators) {
  return std::accumulate(operators.begin(), operators.end(), Seconds{},
                         [](Seconds sum, const RuntimeOperator& one) { return sum + one.median; });
}

double share(Seconds part, Seconds whole) { return whole > Seconds{} ? part / whole : 0; }

}  // namespace

std::vector<RuntimeOperator> operators_of(const std::vector<RuntimeEvent>& events,
                                          std::size_t warm_ups) {
  const std::uint64_t first = first_run(events, warm_ups);
  std::vector<RuntimeOperator> operators;
  std::map<std::string, std::size_t> place;
  std::vector<std::map<std::uint64_t, double>> times;
  const std::vector<Seconds> own = own_times(events);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const RuntimeEvent& event = events[i];
    if (event.run < first) continue;
    const auto [found, added] = place.try_emplace(event.name, operators.size());
    if (added) {
      operators.push_back(
          {event.name, event.op_type, event.shapes, 0, {}, {}, holds_others(event)});
      times.emplace_back();
    }
    times[found->second][event.run] += own[i].base();
  }
  for (std::size_t i = 0; i < operators.size(); ++i) {
    std::vector<double> values;
    for (const auto& [run, time] : times[i])
      values.push_back(time);
    operators[i].runs = values.size();
    operators[i].quiet = quiet_time(values);
    operators[i].median = median_of(std::move(values));
  }
  return operators;
}

Seconds profiler_cost(const std::vector<RuntimeOperator>& operators, Seconds whole) {
  Seconds sum;
  double count = 0;
  for (const RuntimeOperator& one : operators) {
    if (one.holds_others) continue;
    sum += one.quiet;
    count += 1;
  }
  return sum <= whole ? Seconds{} : (sum - whole) / count;
}

Seconds without_profiler(Seconds time, Seconds cost) {
  constexpr double kLeastShare = 0.1;
  return std::max(time - cost, kLeastShare * time);
}

Table runtime_types_table(const std::vector<RuntimeOperator>& operators) {
  struct Sum {
    double count = 0;
    Seconds time;
  };
  std::map<std::string, Sum> sums;
  for (const RuntimeOperator& one : operators) {
    sums[one.op_type].count += 1;
    sums[one.op_type].time += one.median;
  }
  std::vector<std::pair<std::string, Sum>> order(sums.begin(), sums.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second.time > b.second.time; });
  const Seconds whole = total(operators);
  Table table{"operator_types",
              "Where the time of an execution goes, by the runtime's operators",
              {{"type"}, {"count", Unit::count}, {"time", Unit::seconds}, {"share", Unit::ratio}},
              {}};
  for (const auto& [type, sum] : order)
    table.rows.push_back({type, sum.count, sum.time.base(), share(sum.time, whole)});
  return table;
}

Table runtime_operators_table(const std::vector<RuntimeOperator>& operators, std::size_t top) {
  std::vector<RuntimeOperator> order = operators;
  std::stable_sort(
      order.begin(), order.end(),
      [](const RuntimeOperator& a, const RuntimeOperator& b) { return a.median > b.median; });
  const Seconds whole = total(operators);
  order.resize(std::min(top, order.size()));
  Table table{"operators",
              fmt::format("Longest operators ({} of {})", order.size(), operators.size()),
              {{"operator"},
               {"type"},
               {"shapes"},
               {"time", Unit::seconds},
               {"quiet", Unit::seconds},
               {"share", Unit::ratio}},
              {}};
  for (const RuntimeOperator& one : order) {
    table.rows.push_back({one.name, one.op_type, one.shapes, one.median.base(), one.quiet.base(),
                          share(one.median, whole)});
  }
  return table;
}

Timeline timeline_of(const std::vector<RuntimeEvent>& events, std::size_t warm_ups,
                     const std::string& title) {
  constexpr double kPicoseconds = 1e12;
  std::map<std::uint64_t, double> totals;
  const std::uint64_t first = first_run(events, warm_ups);
  const std::vector<Seconds> own = own_times(events);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const RuntimeEvent& event = events[i];
    if (event.run >= first) totals[event.run] += own[i].base();
  }
  std::vector<std::pair<double, std::uint64_t>> order;
  order.reserve(totals.size());
  for (const auto& [run, time] : totals)
    order.emplace_back(time, run);
  std::sort(order.begin(), order.end());
  Timeline timeline;
  timeline.origin = Origin::measured;
  timeline.title = title;
  timeline.lanes.push_back({title, "operators"});
  if (order.empty()) return timeline;
  const std::uint64_t chosen = order[order.size() / 2].second;
  std::map<std::string, std::uint32_t> names;
  const auto name_of = [&](const std::string& name) {
    const auto [found, added] =
        names.try_emplace(name, static_cast<std::uint32_t>(timeline.names.size()));
    if (added) timeline.names.push_back(name);
    return found->second;
  };
  const auto picoseconds = [](Seconds time) {
    return static_cast<Picoseconds>(std::llround(time.base() * kPicoseconds));
  };
  std::optional<Seconds> base;
  for (const RuntimeEvent& event : events) {
    if (event.run != chosen) continue;
    if (!base) base = event.start;
    timeline.spans.push_back({0, name_of(event.name), name_of(event.op_type),
                              picoseconds(event.start - *base), picoseconds(event.duration),
                              Bound::compute});
  }
  return timeline;
}

}  // namespace fastpath
