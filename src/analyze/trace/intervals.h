/// Algebra of stretches of time.
#pragma once

#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// From `start` up to, not including, `end`.
struct Interval {
  Picoseconds start = 0;
  Picoseconds end = 0;
};

/// Sorted, disjoint and not empty, where a function says `Intervals`.
using Intervals = std::vector<Interval>;

/// The union of any intervals, in any order; empty ones vanish, ones that touch are joined.
Intervals united(std::vector<Interval> any);

Picoseconds length(const Intervals& intervals);

Intervals intersection(const Intervals& a, const Intervals& b);

/// |a and b|
Picoseconds overlap(const Intervals& a, const Intervals& b);

/// |a without b|
inline Picoseconds length_without(const Intervals& a, const Intervals& b) {
  return length(a) - overlap(a, b);
}

/// What lies within a window.
Intervals within(const Intervals& intervals, Interval window);

}  // namespace fastpath
