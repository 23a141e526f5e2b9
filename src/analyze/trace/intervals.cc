#include "analyze/trace/intervals.h"

#include <algorithm>

namespace fastpath {

TimeRanges united(std::vector<TimeRange> any) {
  const auto by_start = [](const TimeRange& a, const TimeRange& b) { return a.start < b.start; };
  if (!std::is_sorted(any.begin(), any.end(), by_start)) {
    std::sort(any.begin(), any.end(), by_start);
  }
  std::size_t count = 0;
  for (const TimeRange& next : any) {
    if (next.end <= next.start) continue;
    if (count > 0 && next.start <= any[count - 1].end) {
      any[count - 1].end = std::max(any[count - 1].end, next.end);
    } else {
      any[count++] = next;
    }
  }
  any.resize(count);
  return any;
}

Picoseconds length(const TimeRanges& intervals) {
  Picoseconds sum = 0;
  for (const TimeRange& interval : intervals)
    sum += interval.end - interval.start;
  return sum;
}

TimeRanges intersection(const TimeRanges& a, const TimeRanges& b) {
  TimeRanges common;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const Picoseconds start = std::max(a[i].start, b[j].start);
    const Picoseconds end = std::min(a[i].end, b[j].end);
    if (start < end) common.push_back({start, end});
    a[i].end < b[j].end ? ++i : ++j;
  }
  return common;
}

Picoseconds overlap(const TimeRanges& a, const TimeRanges& b) { return length(intersection(a, b)); }

TimeRanges within(const TimeRanges& intervals, TimeRange window) {
  TimeRanges inside;
  auto at = std::partition_point(intervals.begin(), intervals.end(),
                                 [&](const TimeRange& i) { return i.end <= window.start; });
  for (; at != intervals.end() && at->start < window.end; ++at)
    inside.push_back({std::max(at->start, window.start), std::min(at->end, window.end)});
  return inside;
}

}  // namespace fastpath
