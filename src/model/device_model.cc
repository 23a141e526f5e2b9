#include "model/device_model.h"

#include <algorithm>

namespace fastpath {
namespace {

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
