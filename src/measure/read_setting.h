/// How a file is read.
#pragma once

#include <cstdint>
#include <string_view>

namespace fastpath {

enum class ReadEngine : std::uint8_t { pread, io_uring, mmap };
std::string_view name_of(ReadEngine engine);

enum class ReadCache : std::uint8_t {
  direct,  ///< O_DIRECT; where the file system refuses it, `cold`, and the result says so
  cold,    ///< through the page cache, which is asked to drop the file before each repeat
  warm,    ///< through the page cache, which holds the file
};
std::string_view name_of(ReadCache cache);

struct ReadSetting {
  ReadEngine engine = ReadEngine::pread;
  ReadCache cache = ReadCache::direct;
  std::int64_t block = 4096;  ///< bytes; a multiple of 4096
  int depth = 1;              ///< reads under way of a thread: io_uring
  int threads = 1;
  bool sequential = false;
};

}  // namespace fastpath
