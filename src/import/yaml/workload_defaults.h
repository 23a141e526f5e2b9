/// What a workload's YAML leaves unsaid. The reader fills these in; the writer leaves out what
/// equals them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastpath/workload.h"

namespace fastpath {

/// The kind that a dimension's name says, DimKind::other if none.
DimKind default_dim_kind(std::string_view name);

/// Elementwise functions that may stand for their kind ("silu_mul: ..."), with their work: each
/// addition, product, division, comparison, exponential, root or tanh counts as one operation.
std::span<const std::pair<std::string_view, double>> elementwise_functions();

double default_work_per_element(OpKind kind, std::string_view function);

/// Norms, softmax, cross entropy and top-k reduce the last axis of their first input.
DimId default_over(const Block& block, const Op& op);

struct TensorDefaults {
  TensorRole role = TensorRole::activation;
  NumberFormat format = NumberFormat::bf16;
};

/// Roles and formats that the operators of `block` imply, by TensorId. What is written by an
/// operator is an activation, by cache_append a cache. Otherwise: a second or later input of
/// matmul, grouped_matmul, convolution and norms and the second of embedding is a weight; the
/// first input of embedding and the second of cross_entropy are int32 inputs; all else is an
/// activation from the block before.
std::vector<TensorDefaults> default_tensors(const Block& block, NumberFormat format);

}  // namespace fastpath
