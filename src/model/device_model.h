/// Time of one operator on one device: a roofline over all memory levels, with launch time and the
/// shares of the data sheet that kernels achieve.
#pragma once

#include <array>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/prediction.h"
#include "fastpath/program.h"
#include "fastpath/system.h"

namespace fastpath {

/// Time of a task and what it is made of. The parts overlap: `time` is not their sum.
struct TaskCost {
  Seconds time;
  Bound bound = Bound::compute;
  Seconds compute;
  Seconds memory;  ///< main memory
  Seconds cache;   ///< the slowest cache level with a known bandwidth
  Seconds launch;
  Seconds network;
  Bytes traffic;  ///< main memory; bytes sent for a collective
};

/// Rates of a device, looked up once. Valid for a device with a data sheet.
class DeviceModel {
 public:
  DeviceModel(const Device& device, Execution execution);

  /// time = max(launch by the host, gap + max(work / (peak x achieved), traffic / (bandwidth x
  /// achieved) at each memory level)). Source: Williams, Waterman, Patterson, "Roofline", CACM
  /// 52(4), 2009; launch as the host's rate limit.
  TaskCost cost(const OpShape& shape) const;

  /// Dense data-sheet peak for `format`, or that of the format in which the device would compute it
  /// instead: the next wider one it has.
  FlopsPerSecond peak(NumberFormat format) const;

  /// Never beaten: work at the data-sheet peak, traffic at the data-sheet bandwidth.
  Seconds lower_bound(const OpShape& shape) const;

 private:
  Seconds compute_time(const OpShape& shape) const;

  static constexpr std::size_t kFormats = kNumberFormatNames.size();
  std::array<FlopsPerSecond, kFormats> peaks_;  ///< by format, fallbacks filled in
  BytesPerSecond bandwidth_;
  std::vector<BytesPerSecond> cache_bandwidths_;
  double matmul_ = 1;
  double attention_ = 1;
  double vector_ = 1;
  double memory_ = 1;
  Seconds launch_;
  Seconds gap_;
};

}  // namespace fastpath
