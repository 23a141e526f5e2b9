#include "validate/training_memory.h"

#include <algorithm>

#include "fastpath/fastpath.h"

#include "model/memory_overhead.h"

namespace fastpath {
namespace {

Bytes counted_part(const MemoryByClass& memory, MemoryCounted counted, const Device& device) {
  if (counted == MemoryCounted::device) return memory.total();
  const Bytes tensors = memory.total() - memory.overhead;
  if (counted == MemoryCounted::allocated) return tensors;
  return tensors + memory_overhead(device).fragmentation * (memory.activations + memory.workspace);
}

}  // namespace

Result<Bytes> predicted_peak(const MemoryCase& one) {
  const auto prediction = predict(*one.of.run.workload, one.of.system, one.of.run.plan);
  if (!prediction) return failure(prediction.error());
  Bytes most;
  for (const MemoryByClass& memory : prediction->memory)
    most = std::max(most, counted_part(memory, one.counted, one.of.system.device));
  return most;
}

}  // namespace fastpath
