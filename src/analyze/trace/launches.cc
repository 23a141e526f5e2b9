#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "analyze/trace/rank_analysis.h"

namespace fastpath {
namespace {

constexpr double kSecondsPerPicosecond = 1e-12;
/// HTA's limits of what is worth a look.
constexpr double kSlowCall = 50e-6;
constexpr double kLongDelay = 100e-6;

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const double part = at - static_cast<double>(below);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

struct StreamKey {
  std::int64_t device = 0;
  std::int64_t stream = 0;
  auto operator<=>(const StreamKey&) const = default;
};

StreamKey stream_of(const TraceIndex& index, const Work& work) {
  const TraceLane& lane = index.trace->lanes[index.event(work.event).lane];
  return {lane.device, lane.stream};
}

}  // namespace

Summary summary_of(std::vector<double> values) {
  Summary d;
  if (values.empty()) return d;
  std::sort(values.begin(), values.end());
  d.count = static_cast<std::int64_t>(values.size());
  for (const double value : values)
    d.sum += value;
  d.mean = d.sum / static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values)
    squares += (value - d.mean) * (value - d.mean);
  if (values.size() > 1) d.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  d.least = values.front();
  d.lower_quartile = quantile(values, 0.25);
  d.median = quantile(values, 0.5);
  d.upper_quartile = quantile(values, 0.75);
  d.most = values.back();
  return d;
}

std::vector<QueueLength> queue_lengths(const TraceIndex& index) {
  struct Change {
    Picoseconds time = 0;
    int by = 0;
  };
  std::map<StreamKey, std::vector<Change>> changes;
  for (const Work& work : index.work) {
    if (work.launch == kNone) continue;
    std::vector<Change>& list = changes[stream_of(index, work)];
    list.push_back({index.event(work.launch).start, 1});
    list.push_back({index.event(work.event).start, -1});
  }
  std::vector<QueueLength> rows;
  for (auto& [key, list] : changes) {
    std::stable_sort(list.begin(), list.end(),
                     [](const Change& a, const Change& b) { return a.time < b.time; });
    std::vector<double> lengths;
    int now = 0;
    for (const Change& change : list)
      lengths.push_back(now += change.by);
    rows.push_back({key.device, key.stream, summary_of(std::move(lengths))});
  }
  return rows;
}

LaunchStatistics launch_statistics(const TraceIndex& index) {
  LaunchStatistics statistics;
  std::vector<double> calls;
  std::vector<double> works;
  std::vector<double> delays;
  std::unordered_map<std::uint32_t, int> fan_out;
  for (const Work& work : index.work) {
    if (work.launch == kNone) continue;
    const TraceEvent& call = index.event(work.launch);
    const TraceEvent& event = index.event(work.event);
    calls.push_back(static_cast<double>(call.duration) * kSecondsPerPicosecond);
    works.push_back(static_cast<double>(event.duration) * kSecondsPerPicosecond);
    delays.push_back(static_cast<double>(std::max<Picoseconds>(0, event.start - call.end())) *
                     kSecondsPerPicosecond);
    if (works.back() < calls.back()) ++statistics.short_work;
    if (calls.back() > kSlowCall) ++statistics.slow_calls;
    if (delays.back() > kLongDelay) ++statistics.long_delays;
    if (++fan_out[work.launch] == 2) ++statistics.graph_launches;
  }
  statistics.call = summary_of(std::move(calls));
  statistics.work = summary_of(std::move(works));
  statistics.delay = summary_of(std::move(delays));
  return statistics;
}

std::vector<StreamIdle> explain_stream_idle(const TraceIndex& index) {
  constexpr Picoseconds kKernelWait = 30'000'000;  // 30 us, HTA's default
  std::map<StreamKey, StreamIdle> rows;
  std::map<StreamKey, Picoseconds> ends;
  for (const Work& work : index.work) {
    const TraceEvent& event = index.event(work.event);
    const StreamKey key = stream_of(index, work);
    StreamIdle& row = rows[key];
    row.device = key.device;
    row.stream = key.stream;
    const auto [end, first] = ends.try_emplace(key, event.start);
    const Picoseconds gap = event.start - end->second;
    if (gap > 0) {
      const bool late = work.launch != kNone && index.event(work.launch).start > end->second;
      (late ? row.host_wait : gap < kKernelWait ? row.kernel_wait : row.other) += gap;
    }
    end->second = std::max(end->second, event.end());
  }
  std::vector<StreamIdle> out;
  out.reserve(rows.size());
  for (const auto& [key, row] : rows)
    out.push_back(row);
  return out;
}

}  // namespace fastpath
