#include "model/device_model.h"

#include <algorithm>
#include <cmath>

#include "fastpath/framework.h"

#include "model/runtime_time.h"

namespace fastpath {
namespace {

using P = KernelParameter;

bool uses_matrix_engine(OpKind kind) {
  return kind == OpKind::matmul || kind == OpKind::grouped_matmul || kind == OpKind::convolution ||
         kind == OpKind::attention;
}

bool contracts(OpKind kind) {
  return kind == OpKind::matmul || kind == OpKind::grouped_matmul || kind == OpKind::convolution;
}

bool is_narrow(NumberFormat format) { return bytes_per_element(format) <= Bytes{1 + 1.0 / 32}; }

/// Bytes of the operands that are not weights, in 16 bits: they are read, and written narrow.
Bytes quantised_bytes(const OpShape& shape) {
  constexpr Bytes kElement{2};
  const double second = shape.weights > Bytes{} ? 0 : shape.k * shape.n;
  return shape.batch * (shape.m * shape.k + second) * kElement;
}

bool is_routed(OpKind kind) {
  return kind == OpKind::grouped_matmul || kind == OpKind::dispatch || kind == OpKind::combine ||
         kind == OpKind::top_k;
}

/// The share of the peak that kernels of a class are known to achieve.
Fitted achieved_share(const Device& device, KernelClass kernel_class, NumberFormat format) {
  const Achieved& achieved = device.achieved;
  switch (kernel_class) {
    case KernelClass::attention_prefill:
    case KernelClass::attention_decode: return achieved.attention;
    case KernelClass::softmax:
    case KernelClass::norm:
    case KernelClass::elementwise: return achieved.vector;
    default: break;
  }
  for (const Peak& peak : device.peaks) {
    if (peak.format == format && peak.achieved) return *peak.achieved;
  }
  return achieved.matmul;
}

/// How well an entry describes a class and format: 0 = not at all. Entries of any library only.
int fitness(const KernelEntry& entry, KernelClass kernel_class, std::string_view format) {
  const bool stands_in =
      kernel_class == KernelClass::depthwise && entry.kernel_class == KernelClass::convolution;
  if ((entry.kernel_class != kernel_class && !stands_in) || !entry.library.empty()) return 0;
  if (!entry.format.empty() && entry.format != format) return 0;
  return (stands_in ? 1 : 3) + (entry.format.empty() ? 0 : 1);
}

/// How much wider, on the log scale, an interval gets outside the range of measured times: as
/// validate/intervals.h widens regimes of few rows.
constexpr double kWidening = 1.25;
constexpr double kBeyond = 2;  ///< times the longest measured time
constexpr RelativeInterval kUnknown = {1.0 / 3, 3, 0, true};

/// From the spread of the shares achieved, half an interquartile range, where they were measured.
RelativeInterval interval_of_shares(const Fitted& compute, const Fitted& memory) {
  constexpr double kNinetyPercent = 1.645 / 0.6745;
  if (compute.source.cite.empty() && memory.source.cite.empty()) return kUnknown;
  const double half =
      1 + kNinetyPercent * std::max(compute.relative_spread, memory.relative_spread);
  return {1 / half, half, 0, false};
}

}  // namespace

KernelParameters parameters_without_entry(const Device& device, KernelClass kernel_class,
                                          NumberFormat format) {
  KernelParameters parameters = default_kernel_parameters();
  // Shares were fitted to whole kernels: without the cost of tiles, passes and their launches.
  parameters[P::tile] = info(P::tile).low;
  parameters[P::passes] = 0;
  parameters[P::prologue] = info(P::prologue).low;
  parameters[P::overlap] = info(P::overlap).high;
  parameters[P::stream] = 1;
  const double share = achieved_share(device, kernel_class, format).value;
  parameters[P::compute] = std::clamp(share, 1e-3, 1.0);
  parameters[P::memory] = std::clamp(device.achieved.memory.value, 1e-3, 1.0);
  parameters[P::launch] = device.achieved.graph_launch.value.base();
  return parameters;
}

const KernelEntry* kernel_entry(const Device& device, KernelClass kernel_class,
                                NumberFormat format) {
  const KernelEntry* best = nullptr;
  int best_fitness = 0;
  for (const KernelEntry& entry : device.kernels) {
    const int fit = fitness(entry, kernel_class, format_key(format));
    if (fit <= best_fitness) continue;
    best = &entry;
    best_fitness = fit;
  }
  return best;
}

DeviceModel::Kernel DeviceModel::pick(const Device& device, KernelClass kernel_class,
                                      NumberFormat format) {
  const KernelEntry* const best = kernel_entry(device, kernel_class, format);
  if (best == nullptr) {
    return {
        parameters_without_entry(device, kernel_class, format),
        interval_of_shares(achieved_share(device, kernel_class, format), device.achieved.memory),
        {},
        {}};
  }
  Kernel kernel{best->parameters, kUnknown, best->shortest, best->longest};
  kernel.parameters[P::warm] = 0;  // a model's operators do not repeat on the same operands
  if (best->low > 0 && best->high >= best->low) {
    kernel.interval = {best->low, best->high, best->rows, false};
  }
  return kernel;
}

DeviceModel::DeviceModel(const Device& device, Execution execution, const Framework* framework)
    : rates_(device),
      launch_(execution == Execution::eager ? device.achieved.launch.value : Seconds{}) {
  if (framework != nullptr) {
    framework_ = *framework;
    if (execution == Execution::eager) launch_ = framework->launch.value;
  }
  for (std::size_t c = 0; c < kKernelClasses; ++c) {
    for (std::size_t f = 0; f < kFormats; ++f)
      kernels_[c][f] = pick(device, static_cast<KernelClass>(c), kNumberFormatNames[f].second);
  }
  for (std::size_t i = 1; i < device.memories.size(); ++i) {
    const Memory& memory = device.memories[i];
    if (memory.bandwidth) cache_bandwidths_.push_back(memory.bandwidth->value);
  }
}

const DeviceModel::Kernel& DeviceModel::kernel(const OpShape& shape) const {
  return kernels_[static_cast<std::size_t>(kernel_class_of(shape))]
                 [static_cast<std::size_t>(shape.compute_format)];
}

const KernelParameters& DeviceModel::parameters(const OpShape& shape) const {
  return kernel(shape).parameters;
}

RelativeInterval DeviceModel::relative_interval(const OpShape& shape, Seconds time) const {
  if (framework_ && framework_->runtime && framework_->runtime->high > 0) {
    const Runtime& runtime = *framework_->runtime;
    return {runtime.low, runtime.high, static_cast<std::uint32_t>(runtime.points.size()), false};
  }
  const Kernel& kernel = this->kernel(shape);
  RelativeInterval interval = kernel.interval;
  if (interval.extrapolating || !(kernel.longest > Seconds{})) return interval;
  if (kBeyond * time >= kernel.shortest && time <= kBeyond * kernel.longest) return interval;
  interval.low = std::pow(interval.low, interval.low < 1 ? kWidening : 1);
  interval.high = std::pow(interval.high, interval.high > 1 ? kWidening : 1);
  interval.extrapolating = true;
  return interval;
}

TaskCost DeviceModel::fused_cost(const OpShape& shape) const {
  TaskCost cost;
  const FlopsPerSecond rate = peak(NumberFormat::fp32);
  if (rate > FlopsPerSecond{}) cost.compute = shape.work / (parameters(shape)[P::compute] * rate);
  cost.time = cost.compute;
  return cost;
}

double DeviceModel::factor(OpKind kind) const {
  if (!framework_) return 1;
  if (is_routed(kind)) return framework_->experts.value;
  return (uses_matrix_engine(kind) ? framework_->contraction : framework_->memory).value;
}

std::optional<TaskCost> DeviceModel::measured_cost(const OpShape& shape) const {
  if (!framework_ || !framework_->runtime) return std::nullopt;
  const Runtime& runtime = *framework_->runtime;
  const auto busy = runtime_time(runtime, shape);
  if (!busy) return std::nullopt;
  TaskCost cost;
  cost.traffic = shape.read + shape.write;
  cost.launch = shape.launches * runtime.node;
  cost.time = *busy + cost.launch;
  const bool computes = contracts(shape.kind);
  (computes ? cost.compute : cost.memory) = *busy;
  cost.bound = computes ? Bound::compute : Bound::memory;
  if (cost.launch > *busy) cost.bound = Bound::launch;
  return cost;
}

TaskCost DeviceModel::cost(const OpShape& shape) const {
  if (shape.fused) return fused_cost(shape);
  if (const auto measured = measured_cost(shape)) return *measured;
  const KernelParameters& parameters = this->parameters(shape);
  const bool quantises = framework_ && is_narrow(shape.compute_format) && contracts(shape.kind);
  KernelParameters fused = parameters;
  if (quantises) fused[P::passes] = 0;  // the framework's own kernels make the operands
  const KernelTime kernel = kernel_time(rates_, quantises ? fused : parameters, shape);
  Seconds quantising;
  if (quantises) {
    quantising = framework_->quantise.value * (quantised_bytes(shape) / rates_.bandwidth);
  }
  TaskCost cost;
  cost.traffic = shape.read + shape.write;
  cost.compute = kernel.compute;
  cost.memory = kernel.memory;
  for (const BytesPerSecond bandwidth : cache_bandwidths_) {
    cost.cache = std::max(cost.cache, cost.traffic / (parameters[P::memory] * bandwidth));
  }
  cost.launch = shape.launches * launch_;
  const Seconds busy = factor(shape.kind) * std::max(kernel.busy, cost.cache) + quantising;
  const Seconds gaps{shape.launches * parameters[P::launch]};
  cost.time = std::max(gaps + busy, cost.launch);
  if (cost.launch > gaps + busy || gaps > busy) {
    cost.bound = Bound::launch;
  } else if (cost.compute >= std::max(cost.memory, cost.cache)) {
    cost.bound = Bound::compute;
  } else {
    cost.bound = cost.memory >= cost.cache ? Bound::memory : Bound::cache;
  }
  return cost;
}

Seconds DeviceModel::lower_bound(const OpShape& shape) const {
  const FlopsPerSecond rate =
      uses_matrix_engine(shape.kind) ? peak(shape.compute_format) : peak(NumberFormat::fp32);
  return std::max(shape.work / rate, (shape.read + shape.write) / rates_.bandwidth);
}

}  // namespace fastpath
