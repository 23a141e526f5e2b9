#include "import/onnx/mapper.h"

#include <algorithm>

#include "import/onnx/limits.h"

namespace fastpath::onnx_import {

void Mapper::warn(std::size_t node, const std::string& what, const std::string& hint) {
  warnings_.push_back(
      {{file_, 0, 0},
       "node '" + node_name(graph_, node_at(node)) + "' (" + node_at(node).type() + ") " + what,
       hint});
}

void Mapper::error(const Value& value, std::size_t node) {
  constexpr std::size_t kMost = 20;
  if (errors_.size() >= kMost) return;
  errors_.push_back(
      {{file_, 0, 0},
       "node '" + node_name(graph_, node_at(node)) + "' (" + node_at(node).type() + ") works on '" +
           value.name +
           "', whose elements (strings, or a type newer than known) have no number format",
       "cut the model so that such pre- or postprocessing is left out"});
}

/// A dequantisation of an activation is read through by products: kernels take the integers.
void Mapper::find_quantised() {
  for (const Node& node : graph_.nodes) {
    const bool plain = node.type() == "DequantizeLinear" && !node.inputs.empty() &&
                       node.inputs[0] != kNone && !node.outputs.empty() && node.outputs[0] != kNone;
    if (plain) quantised_[node.outputs[0]] = node.inputs[0];
  }
}

TensorId Mapper::add_tensor(Tensor tensor) {
  tensor.name = unique_among(tensor_names_, tensor.name);
  emission_.tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(emission_.tensors.size() - 1);
}

TensorId Mapper::computed(ValueId id) {
  if (tensor_of_[id] != kNoTensor) return tensor_of_[id];
  const Value& value = graph_.values[id];
  const auto format = format_of(value.type);
  if (!format || element_count(value.shape) == 0) return kNoTensor;
  Tensor tensor;
  tensor.name = value.name;
  tensor.role = value.source == Source::input ? TensorRole::input : TensorRole::activation;
  tensor.axes = dims_.axes(layout_.values[id]);
  tensor.format = *format;
  tensor_of_[id] = add_tensor(std::move(tensor));
  return tensor_of_[id];
}

/// A stored tensor is a parameter once, however often and under whatever axes it is used.
TensorId Mapper::stored(std::size_t node, std::size_t index, std::vector<Axis> axes,
                        TensorRole role) {
  const Value& value = input_value(node, index);
  const auto format = format_of(value.stored != 0 ? value.stored : value.type);
  if (!format) {
    error(value, node);
    return kNoTensor;
  }
  if (element_count(value.shape) == 0) return kNoTensor;
  auto& uses = stored_[value.root];
  for (const TensorId id : uses) {
    if (emission_.tensors[id].axes == axes) return id;
  }
  Tensor tensor;
  tensor.name = graph_.values[value.root].name;
  tensor.role = role;
  tensor.axes = std::move(axes);
  tensor.format = *format;
  tensor.tied = !uses.empty();
  uses.push_back(add_tensor(std::move(tensor)));
  return uses.back();
}

TensorId Mapper::operand(std::size_t node, std::size_t index, TensorRole constant_role) {
  if (!has_input(node, index)) return kNoTensor;
  if (!is_constant(node, index)) {
    const Value& value = input_value(node, index);
    if (!format_of(value.type)) error(value, node);
    return computed(node_at(node).inputs[index]);
  }
  return stored(node, index, dims_.axes(in_axes(node, index)), constant_role);
}

TensorId Mapper::operand(std::size_t node, std::size_t index) {
  if (!has_input(node, index)) return kNoTensor;
  const Value& value = input_value(node, index);
  const bool vector = element_count(value.shape).value_or(0) > 1;
  const bool trained = is_floating(value.type) && vector;
  return operand(node, index, trained ? TensorRole::weight : TensorRole::constant);
}

/// Inputs worth reading: scalars that are stored cost nothing.
std::vector<TensorId> Mapper::operands(std::size_t node, bool with_constants) {
  std::vector<TensorId> ids;
  for (std::size_t i = 0; i < node_at(node).inputs.size(); ++i) {
    if (!has_input(node, i)) continue;
    const bool scalar = element_count(input_value(node, i).shape).value_or(0) <= 1;
    if (is_constant(node, i) && (scalar || !with_constants)) continue;
    const TensorId id = operand(node, i);
    if (id != kNoTensor) ids.push_back(id);
  }
  return ids;
}

TensorId Mapper::output(std::size_t node, std::size_t index) {
  if (!has_output(node, index)) return kNoTensor;
  const Value& value = graph_.values[node_at(node).outputs[index]];
  if (value.source == Source::constant) return kNoTensor;
  if (!format_of(value.type)) error(value, node);
  return computed(node_at(node).outputs[index]);
}

std::vector<TensorId> Mapper::outputs(std::size_t node) {
  std::vector<TensorId> ids;
  for (std::size_t i = 0; i < node_at(node).outputs.size(); ++i) {
    const TensorId id = output(node, i);
    if (id != kNoTensor) ids.push_back(id);
  }
  return ids;
}

double Mapper::count_of(TensorId id) const {
  double count = 1;
  for (const Axis& axis : emission_.tensors[id].axes)
    count *= static_cast<double>(dims_.dims()[axis.dim].size);
  return count;
}

double Mapper::largest_of(const std::vector<TensorId>& inputs,
                          const std::vector<TensorId>& outputs) const {
  double largest = 1;
  for (const TensorId id : inputs)
    largest = std::max(largest, count_of(id));
  for (const TensorId id : outputs)
    largest = std::max(largest, count_of(id));
  return largest;
}

OpAttributes Mapper::attributes_of(std::size_t node) const {
  const OpEntry found = entry_of(*node_at(node).proto);
  OpAttributes attributes;
  attributes.work_per_element = found.work;
  attributes.function = found.function;
  return attributes;
}

/// Nothing is emitted for an operator without outputs: all of them are empty or never read.
void Mapper::emit(std::size_t node, OpKind kind, std::vector<TensorId> inputs,
                  std::vector<TensorId> outputs, OpAttributes attributes) {
  std::erase(inputs, kNoTensor);
  std::erase(outputs, kNoTensor);
  if (outputs.empty()) return;
  Op op;
  op.name = unique_among(op_names_, node_name(graph_, node_at(node)));
  op.kind = kind;
  op.inputs = std::move(inputs);
  op.outputs = std::move(outputs);
  op.attributes = std::move(attributes);
  emission_.steps.push_back({std::move(op), node_at(node).region});
}

/// The same elements under the axes that an operator needs: a copy, where ties could not be made.
TensorId Mapper::relabelled(TensorId from, const AxisList& wanted, std::size_t node) {
  if (from == kNoTensor) return from;
  std::vector<Axis> axes = dims_.axes(wanted);
  if (emission_.tensors[from].axes == axes) return from;
  Tensor tensor = emission_.tensors[from];
  tensor.name += ".as_" + node_name(graph_, node_at(node));
  tensor.axes = std::move(axes);
  tensor.role = TensorRole::activation;
  tensor.tied = false;
  const TensorId to = add_tensor(std::move(tensor));
  OpAttributes attributes;
  attributes.function = "relabel";
  emit(node, OpKind::copy, {from}, {to}, attributes);
  return to;
}

TensorId Mapper::contraction_operand(std::size_t node, std::size_t index, const AxisList& axes) {
  if (!has_input(node, index)) return kNoTensor;
  if (is_constant(node, index)) return stored(node, index, dims_.axes(axes), TensorRole::weight);
  const auto behind = quantised_.find(node_at(node).inputs[index]);
  if (behind != quantised_.end() && graph_.values[behind->second].source == Source::computed) {
    const TensorId id = computed(behind->second);
    if (id != kNoTensor && emission_.tensors[id].axes == dims_.axes(axes)) return id;
  }
  return relabelled(operand(node, index), axes, node);
}

void Mapper::map_contraction(std::size_t node, const Contraction& contraction) {
  const TensorId x = contraction_operand(node, contraction.x_input, contraction.x);
  TensorId w = kNoTensor;
  if (contraction.packed) {
    w = stored(node, contraction.w_input, dims_.axes(contraction.w), TensorRole::weight);
    if (w != kNoTensor) emission_.tensors[w].format = *contraction.packed;
  } else {
    w = contraction_operand(node, contraction.w_input, contraction.w);
  }
  const TensorId y = output(node, 0);
  if (x == kNoTensor || w == kNoTensor || y == kNoTensor) return;
  std::vector<TensorId> inputs{x, w};
  for (std::size_t i = 0; i < node_at(node).inputs.size(); ++i) {
    if (i == contraction.x_input || i == contraction.w_input || !has_input(node, i)) continue;
    const bool scalar = element_count(input_value(node, i).shape).value_or(0) <= 1;
    if (is_constant(node, i) && scalar) continue;
    const bool bias = node_at(node).type() == "Conv" || node_at(node).type() == "Gemm" ||
                      node_at(node).type() == "ConvTranspose" ||
                      node_at(node).type() == "FusedConv";
    // Biases are trained; scales, zero points and packed tables are not.
    const TensorId id =
        operand(node, i, bias || i == 8 ? TensorRole::weight : TensorRole::constant);
    if (id != kNoTensor) inputs.push_back(id);
  }
  OpAttributes attributes;
  const std::size_t rank = graph_.values[node_at(node).outputs[0]].shape.size();
  if (contraction.kind == OpKind::convolution && rank != 4) {
    attributes.function = rank == 3 ? "conv1d" : "conv3d";
  }
  const std::vector<Axis> wanted = dims_.axes(contraction.y);
  if (!contraction.scatters && emission_.tensors[y].axes == wanted) {
    return emit(node, contraction.kind, inputs, {y}, attributes);
  }
  Tensor products = emission_.tensors[y];
  products.name += ".products";
  products.axes = wanted;
  const TensorId between = add_tensor(std::move(products));
  emit(node, contraction.kind, inputs, {between}, attributes);
  attributes.function = contraction.scatters ? "col2im" : "relabel";
  emit(node, contraction.scatters ? OpKind::elementwise : OpKind::copy, {between}, {y}, attributes);
}

/// Runtimes drop other views when they load a model.
bool is_run_as_view(const std::string& op) {
  return op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze";
}

void Mapper::add_host(const HostNode& node) {
  Tensor tensor;
  tensor.name = node.output + ".on_host";
  tensor.role = TensorRole::activation;
  tensor.format = NumberFormat::int8;
  Op op;
  op.name = unique_among(op_names_, node.name.empty() ? node.output : node.name);
  op.kind = node.kind;
  if (node.kind == OpKind::branch) op.attributes.work_per_element = node.operators;
  op.outputs = {add_tensor(std::move(tensor))};
  emission_.host.push_back(std::move(op));
}

void Mapper::map_view(std::size_t node) {
  if (!has_input(node, 0) || !has_output(node, 0)) return;
  const ValueId to = node_at(node).outputs[0];
  const bool drops = node_at(node).type() == "Dropout" && phase_ == Phase::training;
  const TensorId from = operand(node, 0);
  if (from == kNoTensor) return;
  const bool same = emission_.tensors[from].axes == dims_.axes(out_axes(node));
  if (same && !drops) {
    tensor_of_[to] = from;
    if (is_run_as_view(node_at(node).type())) {
      views_.push_back(
          {node_name(graph_, node_at(node)), graph_.values[to].name, OpKind::host, {}, {}, 0});
    }
    return;
  }
  OpAttributes attributes;
  attributes.function = drops ? "dropout" : "reshape";
  attributes.work_per_element = drops ? 2 : 1;  // compare with the mask, scale
  emit(node, drops ? OpKind::elementwise : OpKind::copy, {from}, {output(node, 0)}, attributes);
}

void Mapper::map_elementwise(std::size_t node) {
  const bool casts = node_at(node).type() == "Cast" || node_at(node).type() == "CastLike";
  if (casts && has_input(node, 0) && has_output(node, 0) && !is_constant(node, 0)) {
    const auto from = format_of(input_value(node, 0).type);
    const auto to = format_of(graph_.values[node_at(node).outputs[0]].type);
    if (from && from == to) return map_view(node);
  }
  std::vector<TensorId> inputs = operands(node, true);
  OpAttributes attributes = attributes_of(node);
  const std::string& op = node_at(node).type();
  const bool many = op == "Sum" || op == "Max" || op == "Min" || op == "Mean";
  if (many && inputs.size() > 2)
    attributes.work_per_element = static_cast<double>(inputs.size() - 1);
  if (op == "LRN") {
    attributes.work_per_element += static_cast<double>(
        std::clamp<std::int64_t>(int_attribute(*node_at(node).proto, "size", 1), 1, 1 << 20));
  }
  emit(node, OpKind::elementwise, std::move(inputs), outputs(node), std::move(attributes));
}

void Mapper::map_copy(std::size_t node) {
  const std::string& op = node_at(node).type();
  const bool data = op == "Concat" || op == "QLinearConcat" || op.rfind("Scatter", 0) == 0;
  emit(node, OpKind::copy, operands(node, data), outputs(node), attributes_of(node));
}

/// Moving axes of size 1 moves nothing.
void Mapper::map_transpose(std::size_t node) {
  const TensorId from = operand(node, 0);
  if (from == kNoTensor || !has_output(node, 0)) return;
  if (emission_.tensors[from].axes == dims_.axes(out_axes(node))) {
    tensor_of_[node_at(node).outputs[0]] = from;
    return;
  }
  emit(node, OpKind::copy, {from}, {output(node, 0)}, attributes_of(node));
}

void Mapper::map_gather(std::size_t node) {
  if (!has_input(node, 0) || !has_input(node, 1)) return;
  const bool rows = int_attribute(*node_at(node).proto, "axis", 0) == 0;
  const bool table = is_constant(node, 0) && input_value(node, 0).shape.size() > 1 && rows;
  if (!table || is_constant(node, 1)) return map_copy(node);
  const TensorId ids = operand(node, 1);
  const TensorId rows_of = operand(node, 0);
  if (ids == kNoTensor || rows_of == kNoTensor) return;
  emit(node, OpKind::embedding, {ids, rows_of}, {output(node, 0)}, attributes_of(node));
}

void Mapper::map_pool(std::size_t node) {
  const TensorId x = operand(node, 0);
  const TensorId y = output(node, 0);
  if (x == kNoTensor || y == kNoTensor) return;
  double window = 1;
  for (const std::int64_t size : ints_attribute(*node_at(node).proto, "kernel_shape"))
    window *= static_cast<double>(std::max<std::int64_t>(size, 1));
  OpAttributes attributes = attributes_of(node);
  // Work is counted per element of the larger side; a window is read for each output.
  attributes.work_per_element = window * count_of(y) / largest_of({x}, {y});
  emit(node, OpKind::pool, {x}, outputs(node), attributes);
}

void Mapper::map_reduce(std::size_t node) {
  const TensorId x = operand(node, 0);
  if (x == kNoTensor) return;
  emit(node, OpKind::reduce, {x}, outputs(node), attributes_of(node));
}

/// Softmax, top-k and their kin: along `axis`.
void Mapper::map_over(std::size_t node) {
  const TensorId x = operand(node, 0);
  if (x == kNoTensor || in_axes(node, 0).empty()) return;
  const bool flattens = node_at(node).opset < 13 && entry(node).family == Family::softmax;
  const AxisList& axes = in_axes(node, 0);
  const auto axis =
      axis_of(int_attribute(*node_at(node).proto, "axis", flattens ? 1 : -1), axes.size());
  OpAttributes attributes = attributes_of(node);
  attributes.over = dims_.largest(axes[axis.value_or(axes.size() - 1)]);
  const OpKind kind = entry(node).family == Family::top_k ? OpKind::top_k : OpKind::softmax;
  emit(node, kind, {x}, outputs(node), attributes);
}

void Mapper::map_norm(std::size_t node) {
  const TensorId x = operand(node, 0);
  if (x == kNoTensor || in_axes(node, 0).empty()) return;
  OpAttributes attributes = attributes_of(node);
  const AxisList& axes = in_axes(node, 0);
  const Family family = entry(node).family;
  // Over the places for instance and group norms, else over the last axis.
  attributes.over = dims_.largest(axes.back());
  if (family == Family::channel_norm && axes.size() > 2) {
    AxisId longest = axes[2];
    for (std::size_t i = 2; i < axes.size(); ++i) {
      if (layout_.axes.size(axes[i]) > layout_.axes.size(longest)) longest = axes[i];
    }
    attributes.over = dims_.largest(longest);
  }
  const OpKind kind = family == Family::rms_norm ? OpKind::rms_norm : OpKind::layer_norm;
  emit(node, kind, operands(node, true), outputs(node), attributes);
}

/// Scale and bias are trained, the running mean and variance are not.
void Mapper::map_batch_norm(std::size_t node) {
  std::vector<TensorId> inputs{operand(node, 0)};
  for (std::size_t i = 1; i < 5; ++i)
    inputs.push_back(operand(node, i, i < 3 ? TensorRole::weight : TensorRole::constant));
  std::vector<TensorId> written{output(node, 0)};
  emit(node, OpKind::elementwise, inputs, written, attributes_of(node));
}

void Mapper::map_loss(std::size_t node) {
  const TensorId scores = operand(node, 0);
  if (scores == kNoTensor || in_axes(node, 0).size() < 2) return;
  OpAttributes attributes = attributes_of(node);
  attributes.over = dims_.largest(in_axes(node, 0)[1]);
  emit(node, OpKind::cross_entropy, operands(node, true), outputs(node), attributes);
}

void Mapper::map_opaque(std::size_t node) {
  OpAttributes attributes = attributes_of(node);
  if (attributes.function.empty()) attributes.function = node_at(node).type();
  if (opaque_[node_at(node).type()]++ == 0) {
    warn(node, "is counted by its traffic alone, as are others of its kind",
         "its time is a lower bound");
  }
  emit(node, OpKind::opaque, operands(node, true), outputs(node), attributes);
}

void Mapper::map_node(std::size_t node) {
  const auto& contraction = layout_.contractions[node];
  if (contraction) return map_contraction(node, *contraction);
  switch (entry(node).family) {
    case Family::view: return map_view(node);
    case Family::elementwise: return map_elementwise(node);
    case Family::copy: return map_copy(node);
    case Family::transpose: return map_transpose(node);
    case Family::gather: return map_gather(node);
    case Family::pool: return map_pool(node);
    case Family::reduce: return map_reduce(node);
    case Family::softmax:
    case Family::top_k: return map_over(node);
    case Family::layer_norm:
    case Family::channel_norm:
    case Family::rms_norm: return map_norm(node);
    case Family::batch_norm: return map_batch_norm(node);
    case Family::recurrent: return map_recurrent(node);
    case Family::attention: return map_attention(node);
    case Family::packed_attention: return map_packed_attention(node);
    case Family::embed_norm: return map_embed_norm(node);
    case Family::loss: return map_loss(node);
    case Family::matmul:
    case Family::einsum:
    case Family::conv:
    case Family::conv_transpose:
    case Family::opaque:
    case Family::unknown: return map_opaque(node);
  }
}

Result<Imported<Emission>> Mapper::run() {
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
    map_node(i);
  std::for_each(views_.begin(), views_.end(), [&](const HostNode& node) { add_host(node); });
  for (const HostNode& node : graph_.host)
    add_host(node);
  add_host({"execution", "execution", OpKind::call, {}, {}, 0});
  if (!errors_.empty()) return failure(std::move(errors_));
  emission_.dims = dims_.dims();
  return Imported<Emission>{std::move(emission_), std::move(warnings_)};
}

bool is_mapped(const ::onnx::NodeProto& node) { return entry_of(node).family != Family::unknown; }

bool is_opaque_candidate(const ::onnx::NodeProto& node) {
  return entry_of(node).family == Family::unknown;
}

Result<Imported<Emission>> map_graph(const FlatGraph& graph, std::string_view file, Phase phase) {
  const Layout layout = lay_out(graph);
  return Mapper(graph, layout, file, phase).run();
}

}  // namespace fastpath::onnx_import
