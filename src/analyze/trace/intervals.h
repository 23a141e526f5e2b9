/// Algebra of stretches of time.
#pragma once

#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// From `start` up to, not including, `end`.
struct TimeRange {
  Picoseconds start = 0;
  Picoseconds end = 0;
};

/// Sorted, disjoint and not empty, where a function says `TimeRanges`.
using TimeRanges = std::vector<TimeRange>;

/// The union of any intervals, in any order; empty ones vanish, ones that touch are joined.
TimeRanges united(std::vector<TimeRange> any);

Picoseconds length(const TimeRanges& intervals);

TimeRanges intersection(const TimeRanges& a, const TimeRanges& b);

/// |a and b|
Picoseconds overlap(const TimeRanges& a, const TimeRanges& b);

/// |a without b|
inline Picoseconds length_without(const TimeRanges& a, const TimeRanges& b) {
  return length(a) - overlap(a, b);
}

/// What lies within a window.
TimeRanges within(const TimeRanges& intervals, TimeRange window);

}  // namespace fastpath
