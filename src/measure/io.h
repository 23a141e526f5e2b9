/// Reads of a file: random or sequential, by several engines, direct or through the page cache.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "measure/read_setting.h"
#include "measure/repeats.h"

namespace fastpath {

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
