/// Device memory that a training process holds besides its tensors.
#pragma once

#include <cstdint>

#include "fastpath/quantity.h"
#include "fastpath/system.h"

namespace fastpath {

/// What an allocator and the libraries add on a device. Nothing is known for devices other than
/// GPUs, where it is zero.
struct MemoryOverhead {
  Bytes context;           ///< driver and kernels, once
  Bytes pair;              ///< buffers of a communicator of two ranks
  Bytes communicator;      ///< of more ranks
  double fragmentation{};  ///< of the tensors that come and go in a step, over their bytes

  /// For `pairs` and `groups` of more ranks, and tensors of `transient` bytes that come and go.
  Bytes total(std::int64_t pairs, std::int64_t groups, Bytes transient) const {
    return context + static_cast<double>(pairs) * pair +
           static_cast<double>(groups) * communicator + fragmentation * transient;
  }
};

/// Context: 300 MB with kernels loaded when they are first used (github.com/pytorch/pytorch issue
/// 107667). A communicator: 544 MB with two ranks, 688 MB with three or four A100s on NVLink, the
/// context included (github.com/NVIDIA/nccl issue 964). Fragmentation: 15 % of what the caching
/// allocator reserves, up to 33 % (arXiv 2401.08156, abstract), counted on the tensors that come
/// and go, since states are allocated once.
MemoryOverhead memory_overhead(const Device& device);

}  // namespace fastpath
