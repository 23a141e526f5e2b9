// Recurrences, attention and the norms of embeddings: operators that become several.
#include <algorithm>

#include "import/onnx/mapper.h"

namespace fastpath::onnx_import {

/// LSTM, GRU, RNN: x times W for all steps at once, then a scan whose work is h times R and the
/// gates. X[seq batch in], W[directions gates*hidden in], R[directions gates*hidden hidden].
void Mapper::map_recurrent(std::size_t node) {
  const TensorId x = operand(node, 0);
  if (x == kNoTensor || !has_input(node, 1) || !has_input(node, 2)) return;
  const Shape& w = input_value(node, 1).shape;
  const Shape& r = input_value(node, 2).shape;
  const std::vector<TensorId> written = outputs(node);
  if (w.size() != 3 || r.size() != 3 || written.empty() || !is_constant(node, 1) ||
      !is_constant(node, 2)) {
    return map_opaque(node);
  }
  const std::string name = short_name(graph_, node_at(node));
  const AxisList& in = in_axes(node, 0);
  const std::vector<Axis> rows = dims_.axes({in[0], in[1]});
  const std::vector<Axis> features = dims_.axes({in[2]});
  std::vector<Axis> gates;
  if (w[0] > 1) gates.push_back({dims_.add(name + ".directions", DimKind::other, w[0]), false});
  gates.push_back({dims_.add(name + ".gates", DimKind::other, w[1]), false});
  std::vector<Axis> w_axes = gates;
  w_axes.insert(w_axes.end(), features.begin(), features.end());
  std::vector<Axis> r_axes = gates;
  r_axes.push_back({dims_.add(name + ".state", DimKind::state, r[2]), false});
  Tensor products = emission_.tensors[x];
  products.name = name + ".gates";
  products.role = TensorRole::activation;
  products.axes = rows;
  products.axes.insert(products.axes.end(), gates.begin(), gates.end());
  const TensorId between = add_tensor(std::move(products));
  std::vector<TensorId> inputs{x, stored(node, 1, w_axes, TensorRole::weight)};
  if (has_input(node, 3) && is_constant(node, 3))
    inputs.push_back(operand(node, 3, TensorRole::weight));
  emit(node, OpKind::matmul, inputs, {between}, {});
  std::vector<TensorId> reads{between, stored(node, 2, r_axes, TensorRole::weight)};
  for (std::size_t i = 5; i < 7; ++i) {
    if (has_input(node, i) && !is_constant(node, i)) reads.push_back(operand(node, i));
  }
  std::erase(reads, kNoTensor);
  // Each gate element: a row of R (2 FLOP per state), an addition, and its function with the
  // update of the state (counted as four).
  const double work = count_of(between) * (2 * static_cast<double>(r[2]) + 5);
  OpAttributes attributes = attributes_of(node);
  attributes.work_per_element = work / largest_of(reads, written);
  emit(node, OpKind::scan, reads, written, attributes);
}

/// MultiHeadAttention, GroupQueryAttention, and Attention of opset 23.
void Mapper::map_attention(std::size_t node) {
  const TensorId q = operand(node, 0);
  const TensorId k = operand(node, 1);
  const TensorId v = operand(node, 2);
  const TensorId y = output(node, 0);
  const auto axed = [&](TensorId id) {
    return id != kNoTensor && emission_.tensors[id].axes.size() > 1;
  };
  if (!axed(q) || !axed(k) || !axed(v) || !axed(y)) return map_opaque(node);
  const auto& proto = *node_at(node).proto;
  OpAttributes attributes;
  attributes.causal = node_at(node).type() == "GroupQueryAttention" ||
                      int_attribute(proto, "unidirectional", 0) != 0 ||
                      int_attribute(proto, "is_causal", 0) != 0;
  attributes.window = std::max<std::int64_t>(int_attribute(proto, "local_window_size", 0), 0);
  std::vector<TensorId> inputs{q, k, v};
  for (std::size_t i = 1; i < 3; ++i) {
    const TensorId present = output(node, i);
    if (present == kNoTensor || emission_.tensors[present].axes.size() < 2) continue;
    emission_.tensors[present].role = TensorRole::cache;
    emit(node, OpKind::cache_append, {inputs[i]}, {present}, {});
    inputs[i] = present;
  }
  emit(node, OpKind::attention, inputs, {y}, attributes);
}

/// com.microsoft Attention: the projections of q, k and v are part of the operator.
void Mapper::map_packed_attention(std::size_t node) {
  const TensorId x = operand(node, 0);
  const TensorId y = output(node, 0);
  const HeadCounts heads = head_counts(*node_at(node).proto);
  if (x == kNoTensor || y == kNoTensor || !has_input(node, 1) || !is_constant(node, 1) ||
      in_axes(node, 0).size() != 3 || heads.query < 1) {
    return map_opaque(node);
  }
  const Shape& w = input_value(node, 1).shape;
  const std::int64_t width = w.size() == 2 ? w[1] / 3 : 0;
  if (width < heads.query || width % heads.query != 0) return map_opaque(node);
  const std::string name = short_name(graph_, node_at(node));
  const std::vector<Axis> inner = dims_.axes({in_axes(node, 0)[2]});
  const std::vector<Axis> rows = dims_.axes({in_axes(node, 0)[0], in_axes(node, 0)[1]});
  const std::vector<Axis> out = emission_.tensors[y].axes;
  if (out.size() < rows.size() + 1) return map_opaque(node);
  const std::vector<Axis> columns(out.begin() + static_cast<long>(rows.size()), out.end());
  std::vector<TensorId> projected;
  for (const char* part : {".q", ".k", ".v"}) {
    Tensor weight;
    weight.name = input_value(node, 1).name + part;
    weight.role = TensorRole::weight;
    weight.axes = inner;
    weight.axes.insert(weight.axes.end(), columns.begin(), columns.end());
    weight.format = emission_.tensors[x].format;
    Tensor product = emission_.tensors[y];
    product.name = name + part;
    projected.push_back(add_tensor(std::move(product)));
    const TensorId stored_part = add_tensor(std::move(weight));
    emit(node, OpKind::matmul, {x, stored_part}, {projected.back()}, {});
  }
  OpAttributes attributes;
  attributes.causal = int_attribute(*node_at(node).proto, "unidirectional", 0) != 0;
  emit(node, OpKind::attention, projected, {y}, attributes);
}

/// Three table look-ups, their sum and a layer norm.
void Mapper::map_embed_norm(std::size_t node) {
  const TensorId ids = operand(node, 0);
  const TensorId table = operand(node, 2, TensorRole::weight);
  if (ids == kNoTensor || table == kNoTensor) return;
  const TensorId y = output(node, 0);
  if (y == kNoTensor) return;
  Tensor rows = emission_.tensors[y];
  rows.name += ".rows";
  const TensorId gathered = add_tensor(std::move(rows));
  emit(node, OpKind::embedding, {ids, table}, {gathered}, {});
  std::vector<TensorId> inputs{gathered};
  for (std::size_t i = 3; i < 7; ++i) {
    if (has_input(node, i) && is_constant(node, i))
      inputs.push_back(operand(node, i, TensorRole::weight));
  }
  OpAttributes attributes = attributes_of(node);
  attributes.over = dims_.largest(out_axes(node).back());
  emit(node, OpKind::layer_norm, inputs, outputs(node), attributes);
}

}  // namespace fastpath::onnx_import
