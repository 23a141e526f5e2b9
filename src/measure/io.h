/// Reads of a file: random or sequential, by several engines, direct or through the page cache.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "measure/repeats.h"

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

struct ReadResult {
  ReadSetting setting;
  bool refused_direct = false;  ///< the file system has no O_DIRECT: measured `cold`
  Repeated reads;               ///< a second
  BytesPerSecond rate;
  Seconds median;  ///< latency, over all repeats
  Seconds p99;
  Seconds p999;
  double cpu = 0;            ///< CPU time over wall time
  double cached_before = 0;  ///< share of the file in the page cache as a repeat began, the most
};

struct ReadLimits {
  Seconds repeat{0.3};
  RepeatLimits repeats;
};

/// Fails on a file that cannot be opened, is too small for one block, or whose reads fail or come
/// short: no byte that was not read is counted.
Result<ReadResult> measure_reads(const std::string& path, const ReadSetting& setting,
                                 const ReadLimits& limits);

struct OpenResult {
  Repeated opens;  ///< files opened, read whole and closed a second
  BytesPerSecond rate;
  std::size_t files = 0;
  Seconds open;  ///< median time of an open alone
};

/// Opens, reads and closes the regular files of a folder in a random order, through the page cache
/// as it is.
Result<OpenResult> measure_small_files(const std::string& folder, int threads,
                                       const ReadLimits& limits);

/// A file of `bytes` pseudo-random bytes, synchronised to its store. Fails where it cannot be
/// written.
Result<void> write_test_file(const std::string& path, std::int64_t bytes);

}  // namespace fastpath
