/// What each operator kind means: the role of each dimension, its work and its traffic.
#pragma once

#include <span>
#include <vector>

#include "fastpath/workload.h"

namespace fastpath {

/// Sizes of a workload's dims as one rank sees them, by DimId. Real numbers: an uneven split is
/// its mean.
using DimSizes = std::vector<double>;

DimSizes whole_sizes(const Workload& workload);

/// Elements of `tensor` on a rank with dims of `sizes`. A routed axis multiplies by the share of
/// its members that the rank holds (balanced load).
double elements(const Workload& workload, const Tensor& tensor, std::span<const double> sizes);

Bytes tensor_bytes(const Workload& workload, const Tensor& tensor, std::span<const double> sizes);

/// Whether `tensor` has `dim` as an axis, routed or not.
bool has_dim(const Tensor& tensor, DimId dim);

/// The role of `dim` in `op`; DimRole::absent where the operator does not touch it.
DimRole role_of(const Workload& workload, const Block& block, const Op& op, DimId dim);

/// Dims of the operator's inputs and outputs, each once, in order of appearance.
std::vector<DimId> dims_of(const Block& block, const Op& op);

/// Mean number of keys that a query of an attention sees: `sequence` queries at the end of
/// `context` keys, at most `limit` each (0 = no limit).
double mean_keys(double sequence, double context, bool causal, double limit);

/// Members of `experts` that get at least one of `rows` rows, routed uniformly at random.
double touched_experts(double experts, double rows);

/// Work and traffic of one forward execution on a rank.
struct OpCounts {
  Flops work;
  Bytes read;  ///< each input once, weights included
  Bytes write;
  Bytes weights;  ///< the part of `read` that is weights
  double m = 0;   ///< matmuls: `batch` products of m x k with k x n. Attention: queries x keys x
  double n = 0;   ///< head_dim, `batch` = sequences x heads. Convolution: as implicit GEMM.
  double k = 0;   ///< Scatter ("col2im"): products that are added up at a place.
  double batch = 1;
};

OpCounts forward_counts(const Workload& workload, const Block& block, const Op& op,
                        std::span<const double> sizes);

/// Groups of a convolution's channels: 1 for a plain one, all channels for a depthwise one.
double convolution_groups(const Workload& workload, const Block& block, const Op& op,
                          std::span<const double> sizes);

/// Totals of the whole workload, forward. `work` covers executed segments only.
struct WorkloadCounts {
  double parameters = 0;  ///< trained elements, draft segments excluded
  double draft_parameters = 0;
  double active_parameters = 0;  ///< those one token uses: top_k of the experts
  Bytes weights;                 ///< all resident weights and constants
  Bytes cache;                   ///< keys, values and states for the workload's batch and context
  Flops forward_work;
  Flops backward_work;  ///< without recomputation
};

WorkloadCounts count(const Workload& workload);

/// Backward work over forward work of an operator: 2 for a matmul (input and weight gradient;
/// 1 where an input needs no gradient), 2.5 for fused attention, which recomputes its scores.
double backward_work_ratio(const Block& block, const Op& op, bool fused_attention = true);

/// Mistakes in the structure: ids out of range, an operator whose inputs do not fit its kind, a
/// tensor read before it is written, sizes below 1. Empty if the workload is valid.
std::vector<std::string> mistakes_in(const Workload& workload);

}  // namespace fastpath
