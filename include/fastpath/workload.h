/// Workload: operators over named dimensions, in blocks with repeat counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/number_format.h"
#include "fastpath/quantity.h"

namespace fastpath {

/// What a dimension stands for. Plans name kinds (`tp` splits heads, kv_heads, ffn, vocab and
/// channels), so one plan works for any workload that uses the field's words.
enum class DimKind : std::uint8_t {
  batch,
  sequence,  ///< tokens that are computed
  context,   ///< tokens that are attended to
  hidden,
  heads,
  kv_heads,
  head_dim,
  ffn,
  vocab,
  experts,
  top_k,
  channels,  ///< of a convolution; tensor parallelism splits those that the importer marks
  spatial,
  state,
  other,
};

/// A named dimension of the whole, unsplit workload.
struct Dim {
  std::string name;
  std::int64_t size = 1;
  DimKind kind = DimKind::other;
};

/// Index of a Dim in Workload::dims.
using DimId = std::uint32_t;

/// One axis of a tensor. `routed` marks a dimension that does not multiply the elements but says
/// which of its members each element belongs to (tokens routed to experts).
struct Axis {
  DimId dim = 0;
  bool routed = false;

  friend bool operator==(const Axis&, const Axis&) = default;
};

enum class TensorRole : std::uint8_t {
  activation,
  weight,    ///< trained: has a gradient and optimizer state
  constant,  ///< resident as a weight is, but not trained
  cache,     ///< kept between inference steps: keys and values, recurrent state
  input,     ///< data from outside (token ids, pixels, targets): no gradient
};

/// A tensor of a block; its shape is the sizes of its axes in order.
struct Tensor {
  std::string name;
  TensorRole role = TensorRole::activation;
  std::vector<Axis> axes;
  NumberFormat format = NumberFormat::bf16;
  bool tied = false;  ///< stored elsewhere as well (tied embeddings): not a parameter of its own
};

/// Index of a Tensor in its Block::tensors.
using TensorId = std::uint32_t;

enum class OpKind : std::uint8_t {
  matmul,          ///< contracts each dimension that its output lacks
  grouped_matmul,  ///< matmul whose weight is chosen per row by a routed dimension (experts)
  attention,       ///< inputs q, k, v: scores, softmax and values, fused unless the plan says not
  convolution,     ///< inputs x, w
  pool,
  softmax,
  rms_norm,
  layer_norm,
  elementwise,  ///< any map over the axes: activation, gate, residual add, scale, cast
  rope,
  embedding,  ///< inputs ids, table: gathers rows
  top_k,      ///< routing: picks top_k members of a dimension
  dispatch,   ///< sends each row to the members it is routed to
  combine,    ///< weighted sum of what comes back
  scan,       ///< ordered along the sequence: SSM, linear attention, recurrence
  cache_append,
  cross_entropy,
  reduce,  ///< sums or averages away the dimensions that its output lacks
  copy,    ///< transpose, concat, slice, pad, resize, gather: moves bytes, computes nothing
  opaque,  ///< known traffic only; cannot be split
  /// What a runtime does on the host though no number is moved: shapes, views.
  host,
  branch,  ///< a runtime picks the branch that runs: `If`
  call,    ///< a runtime is called to execute the model
};

/// What a dimension is to an operator (design, section 3).
enum class DimRole : std::uint8_t { absent, map, contract, reduce, window, scan, index, opaque };

/// What the kind alone does not say.
struct OpAttributes {
  bool causal = false;           ///< attention: query i sees keys up to its own position
  std::int64_t window = 0;       ///< attention: keys seen at most; 0 = all
  std::int64_t sparse_keys = 0;  ///< attention: keys selected per query (index top-k); 0 = all
  std::int64_t document = 0;     ///< attention: mean tokens of documents that share a sequence and
                                 ///< do not attend to each other; 0 = one document a sequence
  bool dropout = false;          ///< attention: its probabilities are dropped at random
  double work_per_element = 1;   ///< FLOP per element of the larger side: elementwise, norms, scan;
                                 ///< branch: operators in the branch that runs
  DimId over = 0;                ///< norms, softmax, cross_entropy, top_k: the reduced dimension
  std::string function;  ///< what an elementwise, scan or opaque operator computes: "silu_mul";
                         ///< convolution: "conv1d", "conv3d" where not of images

  friend bool operator==(const OpAttributes&, const OpAttributes&) = default;
};

struct Op {
  std::string name;
  OpKind kind = OpKind::elementwise;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  OpAttributes attributes;
};

/// Operators in order of execution; each reads tensors of the block, its inputs or its weights.
struct Block {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<Op> ops;
};

/// Idle weights are resident but not executed in this phase (a vision tower without images); draft
/// layers (multi-token prediction) besides are not counted as the model's parameters.
enum class SegmentUse : std::uint8_t { executed, idle, draft };

/// `repeat` equal blocks in a row.
struct Segment {
  std::uint32_t block = 0;
  std::int64_t repeat = 1;
  SegmentUse use = SegmentUse::executed;
};

enum class Phase : std::uint8_t { training, prefill, decode, forward };

/// A model at work: one step of `phase` over the whole (global) batch.
struct Workload {
  std::string name;
  Phase phase = Phase::forward;
  std::vector<Dim> dims;
  std::vector<Block> blocks;
  std::vector<Segment> segments;  ///< in order of execution

  const Dim& dim(DimId id) const { return dims[id]; }
};

}  // namespace fastpath
