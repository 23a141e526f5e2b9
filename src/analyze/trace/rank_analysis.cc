#include "analyze/trace/rank_analysis.h"

#include <algorithm>
#include <limits>
#include <map>

namespace fastpath {
namespace {

/// The window that the critical path covers: an annotation, or all.
TimeRange window_of(const TraceIndex& index, const AnalyzeOptions& options) {
  TimeRange window{std::numeric_limits<Picoseconds>::min(),
                   std::numeric_limits<Picoseconds>::max()};
  if (options.window.empty()) return window;
  std::vector<std::uint32_t> found;
  for (const std::uint32_t i : index.host) {
    if (index.event(i).kind != EventKind::runtime && index.name(i) == options.window) {
      found.push_back(i);
    }
  }
  std::stable_sort(found.begin(), found.end(), [&](std::uint32_t a, std::uint32_t b) {
    return index.event(a).start < index.event(b).start;
  });
  if (options.instance < 0 || options.instance >= static_cast<std::int64_t>(found.size())) {
    return {0, -1};
  }
  const TraceEvent& event = index.event(found[static_cast<std::size_t>(options.instance)]);
  return {event.start, event.end()};
}

void add_sample(MemoryPeak& peak, Picoseconds time, Bytes allocated, TimeRange window) {
  constexpr std::size_t kParts = 20;
  peak.samples.resize(kParts, {window.start, Bytes{-1}});
  const double share = static_cast<double>(time - window.start) /
                       static_cast<double>(std::max<Picoseconds>(1, window.end - window.start));
  const auto part = std::min(kParts - 1, static_cast<std::size_t>(share * kParts));
  auto& [at, most] = peak.samples[part];
  if (allocated > most) {
    at = time;
    most = allocated;
  }
}

}  // namespace

std::vector<MemoryPeak> memory_peaks(const Trace& trace) {
  std::map<std::int64_t, MemoryPeak> peaks;
  std::vector<MemoryEvent> events = trace.memory;
  std::stable_sort(events.begin(), events.end(),
                   [](const MemoryEvent& a, const MemoryEvent& b) { return a.time < b.time; });
  if (events.empty()) return {};
  const TimeRange window{events.front().time, events.back().time};
  for (const MemoryEvent& event : events) {
    MemoryPeak& peak = peaks[event.device];
    peak.device = event.device;
    ++peak.events;
    peak.relative = event.allocated < Bytes{};
    peak.last = peak.relative ? peak.last + event.change : event.allocated;
    if (peak.last > peak.allocated) {
      peak.allocated = peak.last;
      peak.peak_time = event.time;
    }
    peak.reserved = std::max(peak.reserved, event.reserved);
    add_sample(peak, event.time, peak.last, window);
  }
  std::vector<MemoryPeak> out;
  for (auto& [device, peak] : peaks) {
    std::erase_if(peak.samples, [](const auto& sample) { return sample.second < Bytes{}; });
    out.push_back(std::move(peak));
  }
  return out;
}

RankAnalysis analyze_rank(const Trace& trace, const AnalyzeOptions& options) {
  const TraceIndex index = index_trace(trace, options.index);
  RankAnalysis rank;
  rank.title = trace.title;
  rank.rank = trace.rank;
  rank.world_size = trace.world_size;
  rank.device_name = trace.device_name;
  rank.base_nanoseconds = trace.base_nanoseconds;
  rank.epoch_base = trace.epoch_base;
  rank.predicted = trace.predicted;
  rank.text_bytes = trace.text_bytes;
  rank.json_events = trace.json_events;
  for (const TraceEvent& event : trace.events)
    ++rank.events[static_cast<std::size_t>(event.kind)];
  rank.unlinked = index.unlinked;
  rank.left_out = index.left_out;
  rank.overlaps = index.overlaps;
  rank.nesting_violations = index.nesting_violations;
  rank.devices = break_down_time(index);
  rank.kernels = rank_kernels(index, options.index.rules);
  rank.operators = rank_operators(index);
  rank.modules = rank_modules(index);
  rank.idle = explain_idle(index);
  rank.stream_idle = explain_stream_idle(index);
  rank.queues = queue_lengths(index);
  rank.launches = launch_statistics(index);
  rank.copies = sum_copies(index);
  rank.collectives = find_collectives(index);
  rank.memory = memory_peaks(trace);
  rank.steps = find_steps(index);
  const TimeRange window = window_of(index, options);
  rank.path = critical_path(index, window.start, window.end);
  return rank;
}

}  // namespace fastpath
