/// Whether a plan is legal for a workload: each mistake with its reason and the nearest legal
/// value.
#pragma once

#include "fastpath/plan.h"
#include "fastpath/result.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Extents that limit a plan: looked up once per workload.
struct Limits {
  std::int64_t batch = 1;  ///< rows of the batch dimension
  bool has_batch = false;
  std::int64_t sequence = 1;  ///< gcd of all sequence extents above 1
  std::int64_t experts = 1;   ///< gcd of all expert extents; 1 = none
  std::int64_t layers = 1;    ///< blocks that pipeline stages can share out
  bool tables = false;        ///< there are trained tables of look-ups
  std::int64_t columns = 0;   ///< gcd of those tables' columns
  bool layered = false;       ///< those blocks repeat
  bool embedding = false;     ///< layers have something before them, on the first stage
  bool head = false;          ///< layers have something behind them, on the last stage
  /// Dims that tensor parallelism splits, with their names. Vocabulary is padded, not listed.
  std::vector<Dim> tensor_dims;
};

/// Layers that the embedding and the head count for in even shares: 0 or 1 each.
struct EndLayers {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

EndLayers end_layers(const Limits& limits, const Plan& plan);

Limits limits_of(const Workload& workload);

/// Whether the workload executes `block` more than once: then it is a layer, else an edge such as
/// the embedding.
bool repeats(const Workload& workload, std::uint32_t block);

/// Empty if the plan is legal. Places say `plan`.
Diagnostics mistakes_in_plan(const Workload& workload, const Limits& limits, const Plan& plan);

/// Rows of the batch that one data rank computes per micro-batch, and the number of micro-batches.
/// Valid for a legal plan.
struct MicroBatches {
  std::int64_t rows = 1;
  std::int64_t count = 1;
};

MicroBatches micro_batches_of(const Limits& limits, Phase phase, const Plan& plan);

}  // namespace fastpath
