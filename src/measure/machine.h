/// This machine's CPU: levels of memory, kernels by format and threads, what a call costs.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"

#include "measure/bandwidth.h"
#include "measure/clock.h"
#include "measure/onednn.h"
#include "measure/repeats.h"

namespace fastpath {

/// Bytes/s, by MemoryStream.
using Bandwidths = std::array<Repeated, kMemoryStreams.size()>;

/// Found by chasing pointers through growing arrays: a level ends where a load takes half as long
/// again.
struct MeasuredLevel {
  Bytes capacity;         ///< largest array that it held; main memory: what is installed
  Seconds latency;        ///< of a load that depends on the one before
  Bandwidths bandwidths;  ///< of one thread
  bool main_memory = false;
};

struct MeasuredMachine {
  std::string cpu;
  int cores = 0;
  std::string library;                  ///< whose kernels ran, with its version
  std::vector<MeasuredLevel> levels;    ///< from the smallest
  Bandwidths memory_by_all;             ///< of main memory, by all cores together
  std::vector<MeasuredKernel> kernels;  ///< products first
  Repeated call;                        ///< seconds of a product of 8 x 8
  Seconds wall;  ///< from the first to the last, other work between rounds included
  Seconds cpu_time;
  double others = 0;  ///< cores' worth that others used in that time
  double load = 0;    ///< as it began
  std::string date;
};

struct MachineLimits {
  bool quick = false;  ///< in about 30 s, the runtime's operators included
};

/// Measures this machine in rounds: what else is to be measured goes between them, so that spreads
/// have what changes within the whole time.
class MachineRounds {
 public:
  /// Finds the levels of memory. `tell` is called with what is measured next.
  MachineRounds(const MachineLimits& limits, std::function<void(std::string_view)> tell);

  int cores() const { return machine_.cores; }

  /// Measures once each figure that is not known yet. False where all are.
  bool measure();

  /// Behind the rounds that are still missing.
  MeasuredMachine finish();

 private:
  std::function<void(std::string_view)> tell_;
  Instant begin_;
  MeasuredMachine machine_;  ///< figures are empty until the end
  std::optional<Rounds> rounds_;
  int round_ = 0;
};

/// Ends of levels in a curve of latencies over doubling sizes: indices of the last size of each.
std::vector<std::size_t> level_ends(const std::vector<double>& latencies);

}  // namespace fastpath
