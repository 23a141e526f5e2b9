#include "model/device_model.h"

#include <algorithm>

namespace fastpath {
namespace {

/// The formats that can stand in for `format`, best first. Narrow formats without an engine of
/// their own are converted and computed in the next wider one.
std::vector<NumberFormat> stand_ins(NumberFormat format) {
  using F = NumberFormat;
  switch (format) {
    case F::fp64: return {F::fp64};
    case F::fp32: return {F::fp32, F::fp64, F::fp16, F::bf16};
    case F::tf32: return {F::tf32, F::fp32, F::bf16, F::fp16};
    case F::fp16: return {F::fp16, F::bf16, F::fp32, F::int8};
    case F::bf16: return {F::bf16, F::fp16, F::fp32, F::int8};
    case F::fp8: return {F::fp8, F::bf16, F::fp16, F::int8, F::fp32};
    case F::fp6:
    case F::fp4:
    case F::mxfp4:
    case F::nvfp4: return {F::fp4, F::fp8, F::bf16, F::fp16, F::int8, F::fp32};
    case F::int4: return {F::int4, F::int8, F::fp8, F::fp16, F::bf16, F::fp32};
    case F::int8:
    case F::boolean: return {F::int8, F::fp16, F::bf16, F::fp32};
    case F::int16: return {F::int16, F::fp32, F::fp16};
    case F::int32:
    case F::int64: return {F::fp32, F::fp16, F::int8};
  }
  return {};
}

FlopsPerSecond data_sheet_peak(const Device& device, NumberFormat format) {
  for (const Peak& peak : device.peaks) {
    if (peak.format == format) return peak.rate.value;
  }
  return FlopsPerSecond{};
}

FlopsPerSecond best_peak(const Device& device, NumberFormat format) {
  for (const NumberFormat candidate : stand_ins(format)) {
    const FlopsPerSecond rate = data_sheet_peak(device, candidate);
    if (rate > FlopsPerSecond{}) return rate;
  }
  // Any engine is better than none: the data sheet names only an unusual format.
  FlopsPerSecond best;
  for (const Peak& peak : device.peaks)
    best = std::max(best, peak.rate.value);
  return best;
}

bool uses_matrix_engine(OpKind kind) {
  return kind == OpKind::matmul || kind == OpKind::grouped_matmul || kind == OpKind::convolution ||
         kind == OpKind::attention;
}

}  // namespace

DeviceModel::DeviceModel(const Device& device, Execution execution)
    : matmul_(device.achieved.matmul.value),
      attention_(device.achieved.attention.value),
      vector_(device.achieved.vector.value),
      memory_(device.achieved.memory.value),
      launch_(execution == Execution::eager ? device.achieved.launch.value : Seconds{}),
      gap_(device.achieved.graph_launch.value) {
  for (std::size_t i = 0; i < kFormats; ++i) {
    peaks_[i] = best_peak(device, kNumberFormatNames[i].second);
  }
  if (!device.memories.empty() && device.memories.front().bandwidth) {
    bandwidth_ = device.memories.front().bandwidth->value;
  }
  for (std::size_t i = 1; i < device.memories.size(); ++i) {
    const Memory& memory = device.memories[i];
    if (memory.bandwidth) cache_bandwidths_.push_back(memory.bandwidth->value);
  }
}

FlopsPerSecond DeviceModel::peak(NumberFormat format) const {
  return peaks_[static_cast<std::size_t>(format)];
}

Seconds DeviceModel::compute_time(const OpShape& shape) const {
  if (shape.work <= Flops{}) return Seconds{};
  if (!uses_matrix_engine(shape.kind)) {
    return shape.work / (vector_ * peak(NumberFormat::fp32));
  }
  const double achieved = shape.kind == OpKind::attention ? attention_ : matmul_;
  return shape.work / (achieved * peak(shape.compute_format));
}

TaskCost DeviceModel::cost(const OpShape& shape) const {
  TaskCost cost;
  cost.traffic = shape.read + shape.write;
  cost.compute = compute_time(shape);
  cost.memory = cost.traffic / (memory_ * bandwidth_);
  for (const BytesPerSecond bandwidth : cache_bandwidths_) {
    cost.cache = std::max(cost.cache, cost.traffic / (memory_ * bandwidth));
  }
  cost.launch = shape.launches * launch_;
  const Seconds busy = std::max({cost.compute, cost.memory, cost.cache});
  const Seconds on_device = shape.launches * gap_ + busy;
  cost.time = std::max(on_device, cost.launch);
  if (cost.launch > on_device || shape.launches * gap_ > busy) {
    cost.bound = Bound::launch;
  } else if (busy == cost.compute) {
    cost.bound = Bound::compute;
  } else {
    cost.bound = busy == cost.memory ? Bound::memory : Bound::cache;
  }
  return cost;
}

Seconds DeviceModel::lower_bound(const OpShape& shape) const {
  const FlopsPerSecond rate =
      uses_matrix_engine(shape.kind) ? peak(shape.compute_format) : peak(NumberFormat::fp32);
  return std::max(shape.work / rate, (shape.read + shape.write) / bandwidth_);
}

}  // namespace fastpath
