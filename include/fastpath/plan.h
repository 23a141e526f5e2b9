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
  operators,  ///< keep attention, and every second product of a block (PyTorch's per-operator
              ///< policy as torchtitan sets it); run the rest again
};

/// Orders of forwards and backwards on pipeline ranks. The zero-bubble ones (arXiv 2401.10241) and
/// DualPipe (arXiv 2412.19437) part the backward into input and weight gradients.
enum class Schedule : std::uint8_t {
  gpipe,
  one_f_one_b,
  interleaved,  ///< `virtual_stages` chunks per rank, dealt round
  zb_h1,        ///< 1F1B's memory; weight gradients fill the tail's bubble
  zb_v,         ///< two chunks per rank, dealt there and back
  dualpipe,     ///< two pipelines in opposite directions: each rank holds two stages' weights
};

/// Who launches kernels: the host one by one, a compiler that fuses maps, or a captured graph.
enum class Execution : std::uint8_t { eager, compiled, graph };

/// adam_8bit keeps its moments in 8 bits (arXiv 2110.02861); muon one momentum for matrices, which
/// it orthogonalises, and Adam's for the rest.
enum class Optimizer : std::uint8_t { none, sgd, momentum, adam, adam_8bit, muon };

/// How context-parallel ranks reach the keys and values of the others.
enum class ContextExchange : std::uint8_t {
  all_gather,  ///< all keys and values, before attention
  ring,        ///< a share at a time, under the attention of the share before (arXiv 2310.01889)
  all_to_all,  ///< heads instead of the sequence are split in attention (Ulysses, arXiv 2309.14509)
};

/// Where the tables of look-ups lie. Dealt out, a table's rows are updated in the backward that
/// touches them, as recommenders do (TorchRec, arXiv 2104.05158, section 4.1).
enum class TablePlacement : std::uint8_t {
  replicated,  ///< on every data rank
  rows,        ///< each data rank holds rows of every table: looked-up vectors are reduced
  columns,     ///< each data rank holds columns of every table: vectors change hands; whole tables
               ///< on ranks cost the same where they balance
};

/// What waits in the host's memory while it is not in use.
struct Offload {
  bool activations = false;
  bool optimizer = false;
  bool weights = false;

  friend bool operator==(const Offload&, const Offload&) = default;
};

struct Plan {
  int tensor_parallel = 1;
  int context_parallel = 1;
  int expert_parallel = 1;  ///< divides data_parallel: experts live on groups of data ranks
  int data_parallel = 1;
  int pipeline_parallel = 1;
  int expert_tensor_parallel = 0;  ///< ranks that share an expert's weights; 0 = tensor_parallel
  bool sequence_parallel = false;  ///< maps between tensor-parallel regions split the sequence
  /// Rows of `batch` (sequences) per micro-batch and data rank. 0 = the default: 1 where sequences
  /// are trained or training is pipelined, all rows of the rank otherwise.
  int micro_batch = 0;
  Schedule schedule = Schedule::one_f_one_b;
  int virtual_stages = 1;        ///< chunks per rank; more than 1 with Schedule::interleaved only
  int first_stage_layers = 0;    ///< of the first virtual stage; 0 = an even share
  int last_stage_layers = 0;     ///< of the last virtual stage; 0 = an even share
  bool ends_are_layers = false;  ///< embedding and head each count as a layer in even shares
  Recompute recompute = Recompute::none;
  int recompute_layers = 0;  ///< full: the first so many layers of a virtual stage; 0 = all
  int zero_stage = 0;   ///< 0 replicated, 1 optimizer, 2 + gradients, 3 + weights sharded over data
  int shard = 0;        ///< data ranks that share one copy under ZeRO (HSDP); 0 = all
  bool reshard = true;  ///< ZeRO-3: weights are dropped after a forward and gathered again
  int prefetch = 1;     ///< ZeRO-3: blocks whose weights are gathered ahead
  ContextExchange context_exchange = ContextExchange::all_gather;
  double expert_imbalance = 1;  ///< rows of the most loaded expert rank over the mean
  double expert_capacity = 0;   ///< rows an expert takes at most, over the mean; 0 = drops none
  TablePlacement tables = TablePlacement::replicated;
  bool fused_tables = false;  ///< the tables of a block are stacked: one kernel, one exchange
  Offload offload;
  Optimizer optimizer = Optimizer::adam;
  bool master_weights = true;     ///< the optimizer keeps weights in fp32 besides; without, its
                                  ///< moments are in the weights' format
  bool step_in_backward = false;  ///< a block's weights are updated in its backward; needs one
                                  ///< micro-batch and no pipeline
  int loss_chunks = 1;    ///< the head and the loss see the tokens in so many parts, and make each
                          ///< part's gradient at once: logits live for one part
  int lora_rank = 0;      ///< trains adapters of this rank on frozen matrices; 0 = all weights
  int packed_length = 0;  ///< documents of this mean length share a sequence and do not attend to
                          ///< each other; 0 = one document a sequence
  Execution execution = Execution::eager;
  bool flash_attention = true;
  bool overlap_gradients = true;  ///< reduce gradients under the last micro-batch's backward
  bool overlap_weights = true;    ///< ZeRO-1, 2: gather updated weights under the next forward
  bool overlap_tensor = false;    ///< tensor-parallel collectives run under their matmuls, in tiles
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
