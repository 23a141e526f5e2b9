#include "whatif/what_if.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "analyze/trace/intervals.h"
#include "whatif/kernel_scales.h"

namespace fastpath {
namespace {

double seconds(Picoseconds time) { return static_cast<double>(time) * 1e-12; }

/// Time in which something runs, summed over devices.
Picoseconds busy(const TraceIndex& index, const ReplayedTimes& times) {
  std::map<std::int64_t, std::vector<TimeRange>> by_device;
  for (const Work& work : index.work) {
    const std::uint32_t i = work.event;
    by_device[index.trace->lanes[index.event(i).lane].device].push_back(
        {times.start[i], times.end[i]});
  }
  Picoseconds sum = 0;
  for (auto& [device, ranges] : by_device)
    sum += length(united(std::move(ranges)));
  return sum;
}

std::vector<ChangedClass> classes_of(const TraceIndex& index, const KernelScales& scales) {
  std::map<std::string, ChangedClass> classes;
  for (const Work& work : index.work) {
    const std::uint32_t i = work.event;
    ChangedClass& row = classes[scales.class_of[i]];
    row.name = scales.class_of[i];
    const auto before = static_cast<double>(index.event(i).duration);
    const double after = before * scales.times.work[i];
    ++row.count;
    row.by_shape += scales.by_shape[i] ? 1 : 0;
    row.by_class += scales.by_class[i] ? 1 : 0;
    row.before += index.event(i).duration;
    row.after += static_cast<Picoseconds>(std::llround(after));
    row.low += after * scales.interval[i].low;
    row.high += after * scales.interval[i].high;
  }
  std::vector<ChangedClass> sorted;
  sorted.reserve(classes.size());
  for (auto& [name, row] : classes)
    sorted.push_back(std::move(row));
  std::stable_sort(sorted.begin(), sorted.end(), [](const ChangedClass& a, const ChangedClass& b) {
    return a.before > b.before;
  });
  return sorted;
}

/// Kernels of a class err together, classes do not.
void set_interval(WhatIf& result) {
  double late = 0;
  double early = 0;
  double sum = 0;
  for (const ChangedClass& row : result.classes) {
    late += std::pow(row.high - static_cast<double>(row.after), 2);
    early += std::pow(static_cast<double>(row.after) - row.low, 2);
    sum += static_cast<double>(row.after);
  }
  const double overlap = sum > 0 ? static_cast<double>(result.busy_after) / sum : 1;
  const auto middle = static_cast<double>(result.busy_after);
  result.busy_low = std::max(0.0, middle - overlap * std::sqrt(early));
  result.busy_high = middle + overlap * std::sqrt(late);
}

void forget_events(ReplayedTimes& times) {
  times.start = {};
  times.end = {};
}

constexpr std::array<std::string_view, kPathCauses> kCauses{
    "host", "device", "launch", "between kernels", "order", "waiting for a device"};

Table summary_of(const std::vector<WhatIf>& ranks) {
  Table table{"summary",
              "Before and after",
              {{"rank", Unit::count},
               {"before", Unit::seconds},
               {"after", Unit::seconds},
               {"change", Unit::ratio},
               {"busy_before", Unit::seconds},
               {"busy_after", Unit::seconds},
               {"busy_low", Unit::seconds},
               {"busy_high", Unit::seconds},
               {"busy_change", Unit::ratio}},
              {}};
  const auto change = [](Picoseconds before, Picoseconds after) {
    return before > 0 ? Cell{static_cast<double>(after) / static_cast<double>(before) - 1} : Cell{};
  };
  for (const WhatIf& one : ranks) {
    table.rows.push_back({static_cast<double>(one.rank), seconds(one.before), seconds(one.after),
                          change(one.before, one.after), seconds(one.busy_before),
                          seconds(one.busy_after), one.busy_low * 1e-12, one.busy_high * 1e-12,
                          change(one.busy_before, one.busy_after)});
  }
  return table;
}

Table class_table(const std::vector<WhatIf>& ranks) {
  Table table{"classes",
              "Work of the devices by class",
              {{"rank", Unit::count},
               {"class", Unit::none},
               {"count", Unit::count},
               {"before", Unit::seconds},
               {"after", Unit::seconds},
               {"low", Unit::seconds},
               {"high", Unit::seconds},
               {"by_shape", Unit::count},
               {"by_class", Unit::count}},
              {}};
  for (const WhatIf& one : ranks) {
    for (const ChangedClass& row : one.classes) {
      table.rows.push_back({static_cast<double>(one.rank), row.name, static_cast<double>(row.count),
                            seconds(row.before), seconds(row.after), row.low * 1e-12,
                            row.high * 1e-12, static_cast<double>(row.by_shape),
                            static_cast<double>(row.by_class)});
    }
  }
  return table;
}

/// What the time goes by in, on the chain of dependencies that ends last.
Table path_table(const std::vector<WhatIf>& ranks) {
  Table table{"chain",
              "What sets the time, followed back from the last event",
              {{"rank", Unit::count},
               {"cause", Unit::none},
               {"before", Unit::seconds},
               {"after", Unit::seconds}},
              {}};
  for (const WhatIf& one : ranks) {
    for (std::size_t i = 0; i < kCauses.size(); ++i) {
      if (one.original.by_cause[i] == 0 && one.changed.by_cause[i] == 0) continue;
      table.rows.push_back({static_cast<double>(one.rank), std::string(kCauses[i]),
                            seconds(one.original.by_cause[i]), seconds(one.changed.by_cause[i])});
    }
    table.rows.push_back({static_cast<double>(one.rank), std::string("no event of the trace"),
                          seconds(one.original.unexplained), seconds(one.changed.unexplained)});
  }
  return table;
}

}  // namespace

Result<WhatIf> what_if(const TraceIndex& index, const Edits& edits, const SwapDevices& devices,
                       const std::vector<KernelRule>& rules) {
  const Result<KernelScales> scales = kernel_scales(index, edits, devices, rules);
  if (!scales) return failure(scales.error());
  const std::size_t events = index.trace->events.size();
  const TraceReplay replay(index);
  WhatIf result;
  result.rank = index.trace->rank;
  result.original = replay.run(
      {.work = std::vector<double>(events, 1.0), .fused = std::vector<bool>(events, false)});
  result.changed = replay.run(scales->times);
  result.before = result.original.length;
  result.after = result.changed.length;
  result.busy_before = busy(index, result.original);
  result.busy_after = busy(index, result.changed);
  result.classes = classes_of(index, *scales);
  set_interval(result);
  forget_events(result.original);
  forget_events(result.changed);
  return result;
}

Findings findings_of(const std::vector<WhatIf>& ranks, const std::string& edits) {
  Findings findings;
  findings.title = fmt::format("What if {}", edits);
  findings.tables = {summary_of(ranks), class_table(ranks), path_table(ranks)};
  std::int64_t by_shape = 0;
  std::int64_t by_class = 0;
  for (const WhatIf& one : ranks) {
    for (const ChangedClass& row : one.classes) {
      by_shape += row.by_shape;
      by_class += row.by_class;
    }
  }
  if (by_shape + by_class > 0) {
    findings.notes.push_back(fmt::format(
        "{} pieces of work were scaled by the cost of their operator's shape, {} by an operator of "
        "their class that takes as long; communication, copies and the host keep their times.",
        by_shape, by_class));
    findings.notes.emplace_back(
        "low and high are a 90 % interval from the residuals of both devices' kernels.");
  }
  findings.notes.emplace_back(
      "The order of events stays; what the trace does not explain keeps its distance.");
  return findings;
}

}  // namespace fastpath
