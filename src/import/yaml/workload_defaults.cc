#include "import/yaml/workload_defaults.h"

#include <array>

#include "ir/names.h"

namespace fastpath {
namespace {

constexpr std::array kDimNames = std::to_array<std::pair<std::string_view, DimKind>>({
    {"seq", DimKind::sequence},
    {"tokens", DimKind::sequence},
    {"kv_seq", DimKind::context},
    {"keys", DimKind::context},
    {"d_model", DimKind::hidden},
    {"embed", DimKind::hidden},
    {"q_heads", DimKind::heads},
    {"intermediate", DimKind::ffn},
    {"expert_ffn", DimKind::ffn},
    {"shared_ffn", DimKind::ffn},
    {"in_channels", DimKind::channels},
    {"out_channels", DimKind::channels},
    {"height", DimKind::spatial},
    {"width", DimKind::spatial},
    {"depth", DimKind::spatial},
    {"out_height", DimKind::spatial},
    {"out_width", DimKind::spatial},
});

constexpr std::array kFunctions = std::to_array<std::pair<std::string_view, double>>({
    {"add", 1},     {"sub", 1},      {"mul", 1},         {"div", 1},      {"scale", 1},
    {"bias", 1},    {"cast", 1},     {"exp", 1},         {"sqrt", 1},     {"tanh", 1},
    {"relu", 1},    {"relu2", 2},    {"sigmoid", 3},     {"silu", 4},     {"quick_gelu", 4},
    {"gelu", 8},    {"relu_mul", 2}, {"sigmoid_mul", 4}, {"silu_mul", 5}, {"gelu_mul", 9},
    {"dropout", 2},
});

bool is_weight_position(OpKind kind, std::size_t index) {
  switch (kind) {
    case OpKind::matmul:
    case OpKind::grouped_matmul:
    case OpKind::convolution:
    case OpKind::rms_norm:
    case OpKind::layer_norm: return index >= 1;
    case OpKind::embedding: return index == 1;
    default: return false;
  }
}

bool is_data_position(OpKind kind, std::size_t index) {
  return (kind == OpKind::embedding && index == 0) || (kind == OpKind::cross_entropy && index == 1);
}

}  // namespace

DimKind default_dim_kind(std::string_view name) {
  if (const auto kind = parse_name<DimKind>(name)) return *kind;
  for (const auto& [known, kind] : kDimNames) {
    if (known == name) return kind;
  }
  return DimKind::other;
}

std::span<const std::pair<std::string_view, double>> elementwise_functions() { return kFunctions; }

double default_work_per_element(OpKind kind, std::string_view function) {
  switch (kind) {
    case OpKind::elementwise:
      for (const auto& [name, work] : kFunctions) {
        if (name == function) return work;
      }
      return 1;
    case OpKind::rope: return 3;        // two products and a sum per element
    case OpKind::rms_norm: return 4;    // square, add, scale, weight
    case OpKind::layer_norm: return 7;  // and besides: mean, subtract, bias
    case OpKind::softmax:
    case OpKind::cross_entropy: return 5;  // maximum, subtract, exp, sum, divide
    default: return 1;
  }
}

DimId default_over(const Block& block, const Op& op) {
  switch (op.kind) {
    case OpKind::rms_norm:
    case OpKind::layer_norm:
    case OpKind::softmax:
    case OpKind::cross_entropy:
    case OpKind::top_k: break;
    default: return 0;
  }
  if (op.inputs.empty() || block.tensors[op.inputs[0]].axes.empty()) return 0;
  return block.tensors[op.inputs[0]].axes.back().dim;
}

std::vector<TensorDefaults> default_tensors(const Block& block, NumberFormat format) {
  std::vector<TensorDefaults> defaults(block.tensors.size(), {TensorRole::activation, format});
  for (const Op& op : block.ops) {
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      TensorDefaults& tensor = defaults[op.inputs[i]];
      if (is_weight_position(op.kind, i)) tensor.role = TensorRole::weight;
      if (is_data_position(op.kind, i)) tensor = {TensorRole::input, NumberFormat::int32};
    }
  }
  for (const Op& op : block.ops) {
    const bool cache = op.kind == OpKind::cache_append;
    for (const TensorId id : op.outputs)
      defaults[id] = {cache ? TensorRole::cache : TensorRole::activation, format};
  }
  return defaults;
}

}  // namespace fastpath
