/// This machine's CPU: levels of memory, matmuls by format and threads, what a call costs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/number_format.h"
#include "fastpath/quantity.h"

#include "measure/repeats.h"

namespace fastpath {

/// Found by chasing pointers through growing arrays: a level ends where a load takes half as long
/// again.
struct MeasuredLevel {
  Bytes capacity;      ///< largest array that it held; main memory: what is installed
  Seconds latency;     ///< of a load that depends on the one before
  Repeated bandwidth;  ///< bytes/s of reads by one thread
  bool main_memory = false;
};

struct MeasuredMatmul {
  NumberFormat format = NumberFormat::fp32;
  std::int64_t size = 0;  ///< of square matrices
  int threads = 1;
  Repeated rate;  ///< FLOP/s
};

struct MeasuredMachine {
  std::string cpu;
  int cores = 0;
  std::string library;                      ///< whose matmuls ran, with its version
  std::vector<MeasuredLevel> levels;        ///< from the smallest
  std::vector<Repeated> memory_by_threads;  ///< bytes/s of reads of main memory: 1 thread, then all
  std::vector<MeasuredMatmul> matmuls;
  Repeated call;  ///< seconds of a matmul of 8 x 8
  Seconds wall;   ///< of all of it
  Seconds cpu_time;
  double load = 0;
  std::string date;
};

struct MachineLimits {
  bool quick = false;  ///< within 30 s
};

/// `tell` is called with what is measured next.
MeasuredMachine measure_machine(const MachineLimits& limits,
                                const std::function<void(std::string_view)>& tell);

/// Matmuls of square matrices by oneDNN; those of formats that it does not have here are left out.
std::vector<MeasuredMatmul> measure_matmuls(const MachineLimits& limits, int cores,
                                            const std::function<void(std::string_view)>& tell);

/// Seconds of a matmul of 8 x 8 in fp32.
Repeated measure_call(const RepeatLimits& limits);

/// Name and version of the library, and the instructions that it picked.
std::string matmul_library();

/// Ends of levels in a curve of latencies over doubling sizes: indices of the last size of each.
std::vector<std::size_t> level_ends(const std::vector<double>& latencies);

}  // namespace fastpath
