/// Prediction: what `predict` returns.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/kernel.h"
#include "fastpath/program.h"
#include "fastpath/quantity.h"

namespace fastpath {

/// What limits a task. `dependency` is waiting for other ranks: a pipeline bubble.
enum class Bound : std::uint8_t { compute, memory, cache, network, launch, bubble };
inline constexpr int kBounds = 6;

/// A predicted figure with its 90 % interval and the reason for its width.
template <class T>
struct Estimate {
  T value{};
  T low{};
  T high{};
};

/// Memory of one rank by class, at its peak.
struct MemoryByClass {
  Bytes weights;
  Bytes gradients;
  Bytes optimizer;
  Bytes activations;
  Bytes cache;
  Bytes workspace;
  Bytes overhead;  ///< of the allocator: rounding and fragmentation; contexts of the driver and of
                   ///< collectives

  Bytes total() const {
    return weights + gradients + optimizer + activations + cache + workspace + overhead;
  }
};

/// One change of the plan, and what the plan needs and takes with it.
struct Remedy {
  std::string change;  ///< words of a plan: "recompute=full"
  Bytes needed;        ///< on the rank that needs most
  Seconds step;
};

/// The plan needs more than a device has, on pipeline rank `role`.
struct OutOfMemory {
  int role = 0;
  Bytes needed;
  Bytes available;
  std::vector<Remedy> remedies;  ///< on request: single changes with which it fits, fastest first
};

/// Share of the step: `time` on the slowest rank's path.
using TimeByBound = std::array<Seconds, kBounds>;

/// One operator or collective summed over a rank's step.
struct OperatorRow {
  std::string block;
  std::string op;
  Pass pass = Pass::forward;
  Collective collective = Collective::none;
  Bound bound = Bound::compute;
  double count = 0;  ///< executions per step on the reported rank
  Seconds time;      ///< of all executions
  Flops work;
  Bytes traffic;                                  ///< main memory, or bytes sent for a collective
  KernelClass kernel = KernelClass::elementwise;  ///< of an operator
  NumberFormat compute_format = NumberFormat::bf16;  ///< of an operator
};

/// Relative change of the step time over a small relative improvement of one resource.
struct Elasticity {
  std::string resource;  ///< "matmul peak", "memory bandwidth", "link node", "launch", ...
  double value = 0;      ///< d ln(time) / d ln(resource); -0.5: twice the resource, 2^-0.5 the time
};

struct Prediction {
  Phase phase = Phase::forward;
  Estimate<Seconds> step;  ///< one training step, prefill, decode step or forward
  double extrapolated =
      0;  ///< share of the time in what is unlike any measured operator, collective or step
  TimeByBound by_bound{};       ///< adds up to step.value
  Flops model_work;             ///< of the whole step on all devices, recomputation not counted
  Flops executed_work;          ///< recomputation and padding counted
  double mfu = 0;               ///< model_work / (step x devices x dense peak of the format)
  double items_per_second = 0;  ///< tokens (or rows of the batch where there is no sequence)
  std::string item = "token";
  std::int64_t devices = 1;
  std::int64_t micro_batches = 1;
  std::vector<MemoryByClass> memory;  ///< by pipeline rank
  std::optional<OutOfMemory> out_of_memory;
  Seconds exposed_communication;
  std::optional<Joules> energy;        ///< of one step, all devices and hosts; none without power
  std::optional<Dollars> cost;         ///< of one step; none without a price
  std::vector<OperatorRow> operators;  ///< on request: of the slowest pipeline rank, longest first
  std::vector<Elasticity> elasticities;  ///< on request: largest first
};

}  // namespace fastpath
