/// Plan: how each dimension is split, the schedule, formats and what is recomputed or sharded.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "fastpath/number_format.h"

namespace fastpath {

/// The axes of the device mesh. Every dimension that is split in space is split over one of them.
enum class MeshAxis : std::uint8_t { tensor, context, expert, data, pipeline };
inline constexpr int kMeshAxes = 5;

enum class Recompute : std::uint8_t {
  none,
  selective,  ///< the attention core (scores and softmax); nothing where attention is fused
  full,       ///< keep the inputs of blocks, run the forward again
};

enum class Schedule : std::uint8_t { gpipe, one_f_one_b, interleaved };

/// Who launches kernels: the host one by one, a compiler that fuses maps, or a captured graph.
enum class Execution : std::uint8_t { eager, compiled, graph };

enum class Optimizer : std::uint8_t { none, sgd, momentum, adam };

struct Plan {
  int tensor_parallel = 1;
  int context_parallel = 1;
  int expert_parallel = 1;  ///< divides data_parallel: experts live on groups of data ranks
  int data_parallel = 1;
  int pipeline_parallel = 1;
  bool sequence_parallel = false;  ///< maps between tensor-parallel regions split the sequence
  /// Rows of `batch` (sequences) per micro-batch and data rank. 0 = the default: 1 in training, all
  /// rows of the rank otherwise.
  int micro_batch = 0;
  Schedule schedule = Schedule::one_f_one_b;
  int virtual_stages = 1;  ///< chunks per rank; more than 1 with Schedule::interleaved only
  Recompute recompute = Recompute::none;
  int zero_stage = 0;  ///< 0 replicated, 1 optimizer, 2 + gradients, 3 + weights sharded over data
  Optimizer optimizer = Optimizer::adam;
  Execution execution = Execution::eager;
  bool flash_attention = true;
  bool overlap_gradients = true;  ///< reduce gradients under the last micro-batch's backward
  std::optional<NumberFormat> weight_format;   ///< instead of the model's own
  std::optional<NumberFormat> cache_format;    ///< of keys and values, instead of the model's own
  std::optional<NumberFormat> compute_format;  ///< of matmuls, instead of their inputs' format
  NumberFormat gradient_format = NumberFormat::fp32;
  /// Innermost first: ranks that differ in an early axis are neighbours on the topology.
  std::array<MeshAxis, kMeshAxes> order = {MeshAxis::tensor, MeshAxis::context, MeshAxis::expert,
                                           MeshAxis::data, MeshAxis::pipeline};

  /// Devices the plan uses: tp x cp x dp x pp (expert parallelism lives inside dp).
  std::int64_t device_count() const {
    return std::int64_t{tensor_parallel} * context_parallel * data_parallel * pipeline_parallel;
  }

  friend bool operator==(const Plan&, const Plan&) = default;
};

}  // namespace fastpath
