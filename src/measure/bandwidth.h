/// Bandwidth of memory: threads that stream through arrays.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"

#include "measure/repeats.h"

namespace fastpath {

enum class MemoryStream : std::uint8_t {
  read,   ///< sums an array
  write,  ///< fills an array
  triad,  ///< a = b + s c over three arrays of double precision
};
inline constexpr std::array<MemoryStream, 3> kMemoryStreams{MemoryStream::read, MemoryStream::write,
                                                            MemoryStream::triad};
std::string_view name_of(MemoryStream stream);

/// Bytes a second of a thread on each of the cores together, each through arrays of its own of
/// `bytes` in all (64 B or more). They begin together. Bytes are those that the program reads and
/// writes: a line that a store first fetches is not counted, as in McCalpin, "Memory bandwidth and
/// machine balance", IEEE TCCA Newsletter, 1995. By the widest vectors that the CPU has.
Repeat stream_once(MemoryStream stream, std::size_t bytes, const std::vector<int>& cores,
                   Seconds length);

}  // namespace fastpath
