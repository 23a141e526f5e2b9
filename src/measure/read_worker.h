/// One thread's reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "measure/read_setting.h"

namespace fastpath {

struct ReadTask {
  int file = -1;
  std::int64_t blocks = 0;             ///< whole blocks of the file
  const unsigned char* map = nullptr;  ///< of the file, for mmap
  std::uint64_t seed = 0;
  std::int64_t first_block = 0;  ///< of a sequential thread
  double until = 0;              ///< wall clock, s
};

struct ReadTally {
  std::int64_t reads = 0;
  std::vector<float> latencies;  ///< s, a sample of at most kMostLatencies
  std::string error;             ///< empty: none
};

/// Reads until the time is over.
ReadTally run_reads(const ReadSetting& setting, const ReadTask& task);

}  // namespace fastpath
