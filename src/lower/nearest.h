/// The nearest legal value, for hints.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fastpath {

/// The value nearest to `wanted`, at least 1 and at most `largest`, that `legal` accepts; 1 is
/// legal.
template <class Legal>
std::int64_t nearest_legal(std::int64_t wanted, std::int64_t largest, Legal legal) {
  for (std::int64_t distance = 0; distance <= std::max(wanted, largest); ++distance) {
    const std::int64_t below = wanted - distance;
    if (below >= 1 && below <= largest && legal(below)) return below;
    const std::int64_t above = wanted + distance;
    if (above <= largest && legal(above)) return above;
  }
  return 1;
}

}  // namespace fastpath
