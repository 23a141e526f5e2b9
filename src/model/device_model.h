/// Time of one operator on one device: kernels as kernel_time.h describes them, and the host that
/// launches them.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "fastpath/framework.h"
#include "fastpath/plan.h"
#include "fastpath/prediction.h"
#include "fastpath/program.h"
#include "fastpath/system.h"

#include "model/kernel_time.h"

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

/// Where a measured time falls nine times in ten, as shares of the predicted one.
struct RelativeInterval {
  double low = 0;
  double high = 0;
  std::uint32_t rows = 0;      ///< measurements that the parameters were fitted to
  bool extrapolating = false;  ///< nothing comparable was measured: widened
};

/// The device's entry for any library's kernels of a class and format, else of the class; null
/// without either.
const KernelEntry* kernel_entry(const Device& device, KernelClass kernel_class,
                                NumberFormat format);

/// What `cost` uses without an entry: built-in values with the shares of Device::achieved.
KernelParameters parameters_without_entry(const Device& device, KernelClass kernel_class,
                                          NumberFormat format);

/// A device's rates and the parameters of its kernels, looked up once. Valid for a device with a
/// data sheet.
class DeviceModel {
 public:
  /// `framework`: the software's factors on kernels and its launches; null = kernels alone.
  DeviceModel(const Device& device, Execution execution, const Framework* framework = nullptr);

  /// time = max(launches by the host, launches x kernel launch + busy), busy by kernel_time with
  /// the device's entry for the operator's class and format, operands cold in the cache. Without an
  /// entry of the catalog: built-in values with the shares of Device::achieved. A fused operator
  /// costs only its work on vector units: no launch, no traffic.
  TaskCost cost(const OpShape& shape) const;

  /// 90 % interval of `cost(shape).time`, from residuals of the entry that it used: of shapes not
  /// seen on a device with measurements, of devices not seen on any other. Times beyond twice the
  /// range of the entry's measured ones are extrapolated: a quarter wider on the log scale. Without
  /// residuals: a factor of 3 either way, extrapolating.
  RelativeInterval relative_interval(const OpShape& shape) const {
    return relative_interval(shape, cost(shape).time);
  }

  /// The same where `time` = cost(shape).time is at hand.
  RelativeInterval relative_interval(const OpShape& shape, Seconds time) const;

  /// Dense data-sheet peak for `format`, or that of the format in which the device would compute it
  /// instead: the next wider one it has.
  FlopsPerSecond peak(NumberFormat format) const { return rates_.peak(format); }

  /// Never beaten: work at the data-sheet peak, traffic at the data-sheet bandwidth.
  Seconds lower_bound(const OpShape& shape) const;

  /// What `cost` uses for an operator.
  const KernelParameters& parameters(const OpShape& shape) const;

 private:
  static constexpr std::size_t kFormats = kNumberFormatNames.size();
  DeviceRates rates_;
  struct Kernel {
    KernelParameters parameters;
    RelativeInterval interval;
    Seconds shortest;  ///< of the times fitted to; 0 = not known
    Seconds longest;
  };
  static Kernel pick(const Device& device, KernelClass kernel_class, NumberFormat format);
  const Kernel& kernel(const OpShape& shape) const;
  TaskCost fused_cost(const OpShape& shape) const;
  /// By the kernels of the framework's runtime; nothing where it has none.
  std::optional<TaskCost> measured_cost(const OpShape& shape) const;

  std::array<std::array<Kernel, kFormats>, kKernelClasses> kernels_;
  std::vector<BytesPerSecond> cache_bandwidths_;
  Seconds launch_;  ///< of the host
  double factor(OpKind kind) const;

  std::optional<Framework> framework_;
};

}  // namespace fastpath
