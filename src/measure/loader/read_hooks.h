/// Where errors can be put between the kernel and what reads samples.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace fastpath {

/// Called for each call of the kernel, from any thread; empty ones change nothing.
struct ReadHooks {
  /// Before a file is opened: 0, or the errno that the loader sees instead.
  std::function<int(const std::string& file)> open;
  /// After a read at `offset` that gave `got` bytes (or -errno) into `bytes`: what the loader sees
  /// instead, no more than `got`. May change the bytes.
  std::function<std::int64_t(const std::string& file, std::int64_t offset,
                             std::span<unsigned char> bytes, std::int64_t got)>
      read;
};

}  // namespace fastpath
