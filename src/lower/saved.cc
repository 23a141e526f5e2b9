#include "lower/saved.h"

#include <algorithm>

namespace fastpath {

bool forgets_inputs(const Op& op) {
  switch (op.kind) {
    case OpKind::rope:
    case OpKind::copy:
    case OpKind::dispatch:
    case OpKind::reduce:
    case OpKind::embedding:
    case OpKind::cache_append:
    case OpKind::softmax: return true;
    case OpKind::elementwise:
      return op.attributes.function == "add" || op.attributes.function == "scale" ||
             op.attributes.function == "cast" || op.attributes.function == "bias" ||
             op.attributes.function == "dropout";
    default: return false;
  }
}

std::vector<bool> saved_tensors(const Block& block) {
  std::vector<bool> saved(block.tensors.size(), false);
  const auto save = [&](TensorId id) {
    const TensorRole role = block.tensors[id].role;
    if (role == TensorRole::activation || role == TensorRole::input) saved[id] = true;
  };
  for (const Op& op : block.ops) {
    const bool keeps_output = op.kind == OpKind::attention || op.kind == OpKind::softmax;
    if (keeps_output) std::for_each(op.outputs.begin(), op.outputs.end(), save);
    if (forgets_inputs(op)) continue;
    const bool product = op.kind == OpKind::matmul || op.kind == OpKind::grouped_matmul ||
                         op.kind == OpKind::convolution;
    // The input of a product is read for its weight's gradient only: frozen weights have none.
    const bool frozen = product && block.tensors[op.inputs[1]].role == TensorRole::constant;
    if (!frozen) std::for_each(op.inputs.begin(), op.inputs.end(), save);
  }
  return saved;
}

std::vector<bool> kept_operators(const Block& block) {
  std::vector<bool> kept(block.ops.size(), false);
  bool odd = false;
  for (std::size_t op = 0; op < block.ops.size(); ++op) {
    const OpKind kind = block.ops[op].kind;
    const bool product = kind == OpKind::matmul || kind == OpKind::grouped_matmul;
    if (product) odd = !odd;
    kept[op] = kind == OpKind::attention || (product && odd);
  }
  return kept;
}

namespace {

/// Maps and norms are run again from what is kept; in reverse order, so that a chain of them is
/// traced back to its start.
std::vector<bool> kept_by_compiler(const Block& block, std::vector<bool> kept) {
  for (std::size_t i = block.ops.size(); i-- > 0;) {
    const Op& op = block.ops[i];
    const bool cheap = op.kind == OpKind::elementwise || op.kind == OpKind::rms_norm ||
                       op.kind == OpKind::layer_norm;
    if (!cheap || op.attributes.function == "dropout" || !kept[op.outputs[0]]) continue;
    kept[op.outputs[0]] = false;
    for (const TensorId id : op.inputs) {
      const TensorRole role = block.tensors[id].role;
      if (role == TensorRole::activation || role == TensorRole::input) kept[id] = true;
    }
  }
  return kept;
}

std::vector<bool> kept_by_operators(const Block& block, const std::vector<bool>& saved) {
  const std::vector<bool> operators = kept_operators(block);
  std::vector<bool> produced(block.tensors.size(), false);
  std::vector<bool> kept(block.tensors.size(), false);
  for (std::size_t op = 0; op < block.ops.size(); ++op) {
    for (const TensorId id : block.ops[op].outputs) {
      produced[id] = true;
      kept[id] = operators[op];
    }
  }
  for (std::size_t id = 0; id < kept.size(); ++id) {
    const TensorRole role = block.tensors[id].role;
    if (!produced[id] && role == TensorRole::activation) kept[id] = true;
    if (role == TensorRole::input) kept[id] = saved[id];
  }
  return kept;
}

}  // namespace

std::vector<bool> kept_tensors(const Plan& plan, const Block& block) {
  std::vector<bool> saved = saved_tensors(block);
  if (plan.recompute == Recompute::operators) return kept_by_operators(block, saved);
  if (plan.execution == Execution::compiled) return kept_by_compiler(block, std::move(saved));
  return saved;
}

Bytes saved_besides(const Plan& plan, const Block& block, const Op& op, const OpShape& shape) {
  constexpr double kLogSumExp = 4;  // fp32
  constexpr double kProbability = 2;
  constexpr double kMask = 1;
  if (op.kind == OpKind::elementwise && op.attributes.function == "dropout") {
    return Bytes{kMask * (shape.write / bytes_per_element(block.tensors[op.outputs[0]].format))};
  }
  if (op.kind != OpKind::attention) return Bytes{};
  const double rows = shape.batch * shape.m;
  if (plan.flash_attention) return Bytes{kLogSumExp * rows};
  if (plan.recompute == Recompute::selective) return Bytes{};
  const double dropout = op.attributes.dropout ? kMask + kProbability : 0;
  return Bytes{(kProbability + dropout) * rows * shape.n};
}

}  // namespace fastpath
