/// Time of one kernel by what kernels do: tiles over the units in waves, split contractions, bytes
/// through memory and cache. The same formulas for GPUs, TPUs, CPUs and boards.
#pragma once

#include <array>

#include "fastpath/kernel.h"
#include "fastpath/program.h"
#include "fastpath/system.h"

namespace fastpath {

/// Data-sheet rates of a device, looked up once.
struct DeviceRates {
  std::array<FlopsPerSecond, kNumberFormatNames.size()> peaks{};  ///< dense, stand-ins filled in
  BytesPerSecond bandwidth;  ///< of the main memory
  Bytes cache;               ///< last-level; 0 = none or unknown
  double units = 1;          ///< SMs, CUs, cores: what tiles are dealt to

  explicit DeviceRates(const Device& device);
  DeviceRates() = default;

  FlopsPerSecond peak(NumberFormat format) const {
    return peaks[static_cast<std::size_t>(format)];
  }
};

/// What the time of a kernel is made of; the parts overlap.
struct KernelTime {
  Seconds busy;  ///< without the launch
  Seconds compute;
  Seconds memory;
};

/// The class whose parameters describe an operator.
KernelClass kernel_class_of(const OpShape& shape);

/// Time of `shape` on a device, launch excluded.
///
/// A matmul (attention, convolution as implicit GEMM) is cut into tiles a x b and its contraction
/// into s parts; ceil(m/a) ceil(n/b) batch s tiles run on `units` in waves, the last of them
/// partial; each takes 2 a b (k/s) / rate + prologue. Memory moves each tensor once, less what a
/// repeated run finds in the cache, plus partial sums of split contractions. The kernel is the best
/// of a small menu of (a, b, s). busy = (compute^p + memory^p)^(1/p) + passes over activations.
/// Never below the roofline at `compute` and `memory` of 1 and `warm` of 0. Needs sizes >= 0;
/// without m, n, k the shape counts as one divisible piece of work.
KernelTime kernel_time(const DeviceRates& rates, const KernelParameters& parameters,
                       const OpShape& shape);

}  // namespace fastpath
