/// How a software stack runs training steps on a generation of devices. Fitted by `calibrate`.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "fastpath/quantity.h"
#include "fastpath/system.h"

namespace fastpath {

struct Runtime;  // fastpath/runtime.h

/// Factors are times in a training step over those of the same kernels and collectives alone.
struct Framework {
  std::string id;      ///< "megatron-lm", "llm-foundry", ...
  Fitted contraction;  ///< matmuls, convolutions and attention: power limits, cold caches
  Fitted memory;       ///< norms and maps: kernels that are not fused, conversions of format
  /// Collectives: contention and skew above 1; below 1, more of them hides under kernels than
  /// predicted.
  Fitted network;
  Fitted experts;          ///< routed rows and their exchange: imbalance, permutation, host waits
  Fitted quantise;         ///< passes over the inputs of matmuls in formats narrower than they have
  Figure<Seconds> launch;  ///< of the host, from operator to operator, where it launches them
  Figure<Seconds> step;    ///< once a step: data loading, norms of gradients, logging
  /// 90 % of measured steps lie between these multiples of their prediction; both 1: not known.
  double low = 1;
  double high = 1;
  std::size_t rows = 0;  ///< measured steps that it was fitted on
  /// Of inference: kernels as they were measured, instead of the device's own; null = not known.
  std::shared_ptr<const Runtime> runtime;
};

}  // namespace fastpath
