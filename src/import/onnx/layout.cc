#include "import/onnx/layout.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "import/onnx/known.h"
#include "import/onnx/op_table.h"

namespace fastpath::onnx_import {
namespace {

/// Visits the operators: contractions first, since their rows, columns and depth must stay apart
/// whatever the others tie.
class LayoutBuilder {
 public:
  LayoutBuilder(const FlatGraph& graph, Layout& layout) : graph_(graph), layout_(layout) {}

  void run() {
    add_axes();
    layout_.contractions.resize(graph_.nodes.size());
    tie_inputs();
    hint_inputs();
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      tie_contraction(i);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      tie_node(i);
  }

 private:
  void add_axes();
  void tie_inputs();
  void hint_inputs();
  void tie_contraction(std::size_t node);
  void tie_bias(std::size_t node, std::size_t index, bool conv);
  void tie_node(std::size_t node);
  void tie_broadcast(std::size_t node);
  void tie_copy(std::size_t node);
  void tie_transpose(std::size_t node);
  void tie_gather(std::size_t node);
  void tie_reduce(std::size_t node);
  void tie_windows(std::size_t node);
  void tie_norm(std::size_t node);
  void tie_recurrent(std::size_t node);
  void tie_attention(std::size_t node);
  void tie_heads(const AxisList& list, std::int64_t count, DimKind kind);
  void tie_loop(std::size_t node);
  void tie_lists(const AxisList& wanted, const AxisList& actual);
  void tie_trailing(const AxisList& in, const AxisList& out, bool constant);
  void tie_places(const AxisList& in, const AxisList& out);

  const Node& node_at(std::size_t node) const { return graph_.nodes[node]; }
  bool has_input(std::size_t node, std::size_t index) const {
    const auto& inputs = graph_.nodes[node].inputs;
    return index < inputs.size() && inputs[index] != kNone;
  }
  bool has_output(std::size_t node, std::size_t index) const {
    const auto& outputs = graph_.nodes[node].outputs;
    return index < outputs.size() && outputs[index] != kNone;
  }
  bool is_constant(std::size_t node, std::size_t index) const {
    return graph_.values[graph_.nodes[node].inputs[index]].source == Source::constant;
  }
  const AxisList& in(std::size_t node, std::size_t index) const {
    return layout_.input(graph_, node, index);
  }
  const AxisList& out(std::size_t node, std::size_t index = 0) const {
    return layout_.output(graph_, node, index);
  }
  Axes& axes() { return layout_.axes; }

  const FlatGraph& graph_;
  Layout& layout_;
  AxisId batch_ = kNone;
};

void LayoutBuilder::add_axes() {
  layout_.values.resize(graph_.values.size());
  const auto add = [this](const Shape& shape) {
    AxisList list;
    for (const std::int64_t size : shape)
      list.push_back(axes().add(size));
    if (list.size() > 1) axes().keep_apart(list);
    return list;
  };
  const auto touch = [&](ValueId id) {
    const Value& value = graph_.values[id];
    if (value.source != Source::constant && layout_.values[id].empty())
      layout_.values[id] = add(value.shape);
  };
  for (const ValueId id : graph_.inputs)
    touch(id);
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    for (std::size_t j = 0; j < node.inputs.size(); ++j) {
      if (node.inputs[j] == kNone) continue;
      touch(node.inputs[j]);
      // A stored tensor has axes for each of its uses: exporters share equal vectors.
      if (is_constant(i, j)) layout_.operands[{i, j}] = add(graph_.values[node.inputs[j]].shape);
    }
    for (const ValueId id : node.outputs) {
      if (id != kNone) touch(id);
    }
  }
}

/// Axes of inputs with the same name are one dimension. The leading axis of the first input of rank
/// 2 and more is the batch, and so are those of others that have no name and the same size.
void LayoutBuilder::tie_inputs() {
  std::map<std::string, AxisId> named;
  for (const ValueId id : graph_.inputs) {
    const Value& value = graph_.values[id];
    for (std::size_t axis = 0; axis < value.symbols.size(); ++axis) {
      if (value.symbols[axis].empty()) continue;
      const AxisId at = layout_.values[id][axis];
      const auto [found, added] = named.try_emplace(value.symbols[axis], at);
      if (!added) axes().tie(found->second, at);
    }
    if (value.shape.size() < 2) continue;
    if (batch_ == kNone) {
      batch_ = layout_.values[id][0];
    } else if (value.symbols.empty() || value.symbols[0].empty()) {
      axes().tie(batch_, layout_.values[id][0]);
    }
  }
}

bool names_sequence(const std::string& symbol) {
  for (const char* word : {"seq", "token", "length"}) {
    if (symbol.find(word) != std::string::npos) return true;
  }
  return false;
}

void LayoutBuilder::hint_inputs() {
  for (const ValueId id : graph_.inputs) {
    const Value& value = graph_.values[id];
    for (std::size_t axis = 0; axis < value.shape.size(); ++axis) {
      const std::string symbol = axis < value.symbols.size() ? value.symbols[axis] : "";
      const AxisId at = layout_.values[id][axis];
      const bool leading = axis == 0 && batch_ != kNone && value.shape.size() > 1 &&
                           axes().leaves(at) == axes().leaves(batch_);
      if (leading && !names_sequence(symbol)) {
        layout_.hint(at, DimKind::batch, kFromInput, "batch");
      } else if (names_sequence(symbol)) {
        layout_.hint(at, DimKind::sequence, kFromInput, symbol);
      } else {
        layout_.hint(at, DimKind::other, kGenerated,
                     symbol.empty() ? value.name + "." + std::to_string(axis) : symbol);
      }
    }
  }
}

void LayoutBuilder::tie_lists(const AxisList& wanted, const AxisList& actual) {
  for (std::size_t i = 0; i < wanted.size() && i < actual.size(); ++i) {
    axes().tie(wanted[i], actual[i]);
  }
}

void LayoutBuilder::tie_contraction(std::size_t node) {
  auto contraction = contraction_of(graph_, layout_, node);
  if (!contraction) return;
  axes().keep_apart(contraction->positions);
  const std::string name = short_name(graph_, node_at(node));
  const bool conv = contraction->kind == OpKind::convolution || contraction->scatters;
  for (const AxisId columns : contraction->columns) {
    layout_.hint(columns, DimKind::other, kFromOperator, name + (conv ? ".c" : ".n"));
  }
  for (const AxisId depth : contraction->depth) {
    layout_.hint(depth, DimKind::other, kGenerated, name + ".k");
  }
  tie_lists(contraction->x, in(node, contraction->x_input));
  if (!contraction->packed) tie_lists(contraction->w, in(node, contraction->w_input));
  if (!contraction->scatters) tie_lists(contraction->y, out(node));
  if (contraction->scatters) {
    axes().tie(contraction->y[0], out(node)[0]);
    if (contraction->grouped) {
      const AxisId channels = axes().composite({contraction->y[1], contraction->y[2]});
      axes().tie(channels, out(node)[1]);
    } else {
      axes().tie(contraction->columns[0], out(node)[1]);
    }
  }
  for (std::size_t i = 0; i < node_at(node).inputs.size(); ++i) {
    const bool operand = i == contraction->x_input || i == contraction->w_input;
    if (!operand && has_input(node, i)) tie_bias(node, i, conv);
  }
  layout_.contractions[node] = std::move(contraction);
}

/// A bias lies along a convolution's channels, or along the last axes of a product.
void LayoutBuilder::tie_bias(std::size_t node, std::size_t index, bool conv) {
  const AxisList& bias = in(node, index);
  if (!conv) {
    tie_trailing(bias, out(node), is_constant(node, index));
  } else if (bias.size() == 1 && out(node).size() > 1 &&
             axes().size(bias[0]) == axes().size(out(node)[1])) {
    axes().tie(bias[0], out(node)[1]);
  }
}

/// NumPy's broadcasting: axes meet from the back. An axis of 1 is tied only where both sides are
/// computed and it leads: it may be the batch.
void LayoutBuilder::tie_trailing(const AxisList& in_axes, const AxisList& out_axes, bool constant) {
  for (std::size_t i = 0; i < in_axes.size() && i < out_axes.size(); ++i) {
    const std::size_t from = in_axes.size() - 1 - i;
    const std::size_t to = out_axes.size() - 1 - i;
    if (axes().size(in_axes[from]) != axes().size(out_axes[to])) continue;
    const bool leading = from == 0 && to == 0 && !constant;
    if (axes().size(in_axes[from]) > 1 || leading) axes().tie(in_axes[from], out_axes[to]);
  }
}

void LayoutBuilder::tie_broadcast(std::size_t node) {
  for (std::size_t o = 0; o < node_at(node).outputs.size(); ++o) {
    if (!has_output(node, o)) continue;
    for (std::size_t i = 0; i < node_at(node).inputs.size(); ++i) {
      if (has_input(node, i)) tie_trailing(in(node, i), out(node, o), is_constant(node, i));
    }
  }
}

void LayoutBuilder::tie_places(const AxisList& from, const AxisList& to) {
  if (from.size() != to.size()) return;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool same = axes().size(from[i]) == axes().size(to[i]);
    if (same && (axes().size(from[i]) > 1 || i == 0)) axes().tie(from[i], to[i]);
  }
}

void LayoutBuilder::tie_copy(std::size_t node) {
  if (node_at(node).proto->domain() == kLoopDomain) return tie_loop(node);
  for (std::size_t o = 0; o < node_at(node).outputs.size(); ++o) {
    if (!has_output(node, o)) continue;
    for (std::size_t i = 0; i < node_at(node).inputs.size(); ++i) {
      if (!has_input(node, i) || is_constant(node, i)) continue;
      if (in(node, i).size() == out(node, o).size()) {
        tie_places(in(node, i), out(node, o));
      } else if (node_at(node).type() == "Expand") {
        tie_trailing(in(node, i), out(node, o), false);
      }
    }
  }
}

void LayoutBuilder::tie_loop(std::size_t node) {
  const auto axis = static_cast<std::size_t>(int_attribute(*node_at(node).proto, "axis", 0));
  const bool stacks = node_at(node).type() == kStackIterations;
  AxisList whole = stacks ? out(node) : in(node, 0);
  const AxisList& part = stacks ? in(node, 0) : out(node);
  if (axis >= whole.size()) return;
  whole.erase(whole.begin() + static_cast<long>(axis));
  tie_places(part, whole);
}

void LayoutBuilder::tie_transpose(std::size_t node) {
  if (!has_input(node, 0)) return;
  const AxisList from = in(node, 0);
  const AxisList to = out(node);
  const std::vector<std::int64_t> given = ints_attribute(*node_at(node).proto, "perm");
  for (std::size_t i = 0; i < to.size() && i < from.size(); ++i) {
    const std::size_t reversed = from.size() - 1 - i;
    const std::size_t source = i < given.size() ? static_cast<std::size_t>(given[i]) : reversed;
    if (source < from.size()) axes().tie(from[source], to[i]);
  }
}

/// data[a.. n b..], ids[c..] -> [a.. c.. b..].
void LayoutBuilder::tie_gather(std::size_t node) {
  if (!has_input(node, 0) || !has_input(node, 1)) return;
  const AxisList& data = in(node, 0);
  const AxisList& ids = in(node, 1);
  const auto axis = axis_of(int_attribute(*node_at(node).proto, "axis", 0), data.size());
  if (!axis || out(node).size() + 1 != data.size() + ids.size()) return;
  AxisList wanted(data.begin(), data.begin() + static_cast<long>(*axis));
  wanted.insert(wanted.end(), ids.begin(), ids.end());
  wanted.insert(wanted.end(), data.begin() + static_cast<long>(*axis) + 1, data.end());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (axes().size(wanted[i]) > 1 || i == 0) axes().tie(wanted[i], out(node)[i]);
  }
  if (!is_constant(node, 0) || *axis != 0 || data.size() != 2) return;
  layout_.hint(data[0], DimKind::vocab, kFromOperator, "vocab");
  layout_.hint(data[1], DimKind::hidden, kFromOperator, "hidden");
  if (ids.size() == 2) layout_.hint(ids[1], DimKind::sequence, kFromInput, "seq");
}

/// Axes that stay, in order; where keepdims leaves a 1, the axis is reduced.
void LayoutBuilder::tie_reduce(std::size_t node) {
  if (!has_input(node, 0) || !has_output(node, 0)) return;
  const AxisList from = in(node, 0);
  const AxisList to = out(node);
  if (from.size() == to.size()) return tie_places(from, to);
  std::vector<std::int64_t> gone = ints_attribute(*node_at(node).proto, "axes");
  if (has_attribute(*node_at(node).proto, "axis"))
    gone = {int_attribute(*node_at(node).proto, "axis", 0)};
  if (gone.empty() && has_input(node, 1)) {
    const auto& known = graph_.values[node_at(node).inputs[1]].known;
    if (known == nullptr) return;
    for (const long double item : known->data)
      gone.push_back(static_cast<std::int64_t>(item));
  }
  std::vector<bool> reduced(from.size(), false);
  for (const std::int64_t item : gone) {
    if (const auto axis = axis_of(item, from.size())) reduced[*axis] = true;
  }
  std::size_t next = 0;
  for (std::size_t i = 0; i < from.size() && next < to.size(); ++i) {
    if (!reduced[i]) axes().tie(from[i], to[next++]);
  }
}

/// Batch, channels and places of equal extent; places are spatial.
void LayoutBuilder::tie_windows(std::size_t node) {
  if (!has_input(node, 0) || !has_output(node, 0)) return;
  constexpr std::string_view kNames = "hw";
  for (const AxisList* list : {&in(node, 0), &out(node)}) {
    for (std::size_t i = 2; i < list->size(); ++i) {
      const std::string letter =
          list->size() == 4 ? std::string(1, kNames[i - 2]) : "x" + std::to_string(i - 2) + "_";
      layout_.hint((*list)[i], DimKind::spatial, kFromOperator,
                   letter + std::to_string(axes().size((*list)[i])));
    }
  }
  tie_places(in(node, 0), out(node));
}

/// Scale and bias lie along the last axes (layer norm) or along the channels.
void LayoutBuilder::tie_norm(std::size_t node) {
  if (!has_input(node, 0) || !has_output(node, 0)) return;
  const Family family = entry_of(*node_at(node).proto).family;
  const bool channels = family == Family::batch_norm || family == Family::channel_norm;
  tie_places(in(node, 0), out(node));
  for (std::size_t i = 1; i < node_at(node).inputs.size(); ++i) {
    if (!has_input(node, i)) continue;
    if (!channels) {
      tie_trailing(in(node, i), in(node, 0), is_constant(node, i));
    } else if (in(node, i).size() == 1 && in(node, 0).size() > 1) {
      axes().tie(in(node, i)[0], in(node, 0)[1]);
    }
  }
  for (std::size_t o = 1; o < node_at(node).outputs.size(); ++o) {
    if (has_output(node, o)) tie_places(in(node, 0), out(node, o));
  }
}

/// X[seq batch in], Y[seq directions batch hidden]; with layout = 1 batch comes first.
void LayoutBuilder::tie_recurrent(std::size_t node) {
  if (!has_input(node, 0) || in(node, 0).size() != 3) return;
  const bool batch_first = int_attribute(*node_at(node).proto, "layout", 0) != 0;
  const AxisId seq = in(node, 0)[batch_first ? 1 : 0];
  const AxisId batch = in(node, 0)[batch_first ? 0 : 1];
  layout_.hint(seq, DimKind::sequence, kCertain, "seq");
  layout_.hint(batch, DimKind::batch, kCertain, "batch");
  if (has_output(node, 0) && out(node, 0).size() == 4) {
    const AxisList& y = out(node, 0);
    axes().tie(y[batch_first ? 1 : 0], seq);
    axes().tie(y[batch_first ? 0 : 2], batch);
    layout_.hint(y[3], DimKind::hidden, kFromOperator,
                 short_name(graph_, node_at(node)) + ".hidden");
  }
  for (std::size_t o = 1; o < 3; ++o) {
    if (!has_output(node, o) || out(node, o).size() != 3) continue;
    axes().tie(out(node, o)[batch_first ? 0 : 1], batch);
    if (has_output(node, 0)) axes().tie(out(node, o)[2], out(node, 0)[3]);
  }
  for (std::size_t i = 5; i < 7; ++i) {  // initial states
    if (has_input(node, i) && !is_constant(node, i) && in(node, i).size() == 3)
      axes().tie(in(node, i)[batch_first ? 0 : 1], batch);
  }
}

/// q[b s heads*d] or [b heads s d] -> the same with the values' width.
void LayoutBuilder::tie_attention(std::size_t node) {
  if (!has_input(node, 0) || !has_output(node, 0)) return;
  const AxisList& q = in(node, 0);
  const AxisList& y = out(node);
  if (q.size() != y.size() || q.size() < 3) return;
  const std::size_t sequence = q.size() - 2;
  layout_.hint(q[sequence], DimKind::sequence, kCertain, "seq");
  tie_places({q.begin(), q.end() - 1}, {y.begin(), y.end() - 1});
  const HeadCounts heads = head_counts(*node_at(node).proto);
  tie_heads(q, heads.query, DimKind::heads);
  tie_heads(y, heads.query, DimKind::heads);
  for (std::size_t i = 1; i < 3 && i < node_at(node).inputs.size(); ++i) {
    if (!has_input(node, i) || in(node, i).size() != q.size()) continue;
    const AxisList& k = in(node, i);
    axes().tie(k[0], q[0]);
    if (axes().size(k[sequence]) == axes().size(q[sequence])) axes().tie(k[sequence], q[sequence]);
    layout_.hint(k[sequence], DimKind::context, kFromOperator, "context");
    tie_heads(k, heads.keys, DimKind::kv_heads);
    if (heads.keys == heads.query) tie_places({k.begin(), k.end() - 1}, {q.begin(), q.end() - 1});
  }
  for (std::size_t o = 1; o < 3; ++o) {  // present keys and values: [b kv_heads context d]
    if (!has_output(node, o) || out(node, o).size() != 4) continue;
    axes().tie(out(node, o)[0], q[0]);
    layout_.hint(out(node, o)[1], DimKind::kv_heads, kFromOperator, "kv_heads");
    layout_.hint(out(node, o)[2], DimKind::context, kCertain, "context");
    layout_.hint(out(node, o)[3], DimKind::head_dim, kFromOperator, "head_dim");
  }
}

/// [b s heads*d] is parted into heads; in [b heads s d] they are an axis already.
void LayoutBuilder::tie_heads(const AxisList& list, std::int64_t count, DimKind kind) {
  const std::string name = kind == DimKind::heads ? "heads" : "kv_heads";
  if (list.size() == 4) {
    layout_.hint(list[1], kind, kFromOperator, name);
    layout_.hint(list[3], DimKind::head_dim, kFromOperator, "head_dim");
    return;
  }
  if (list.size() != 3 || count < 1 || axes().size(list[2]) % count != 0) return;
  const AxisId heads = axes().add(count);
  const AxisId width = axes().add(axes().size(list[2]) / count);
  layout_.hint(heads, kind, kFromOperator, name);
  layout_.hint(width, DimKind::head_dim, kFromOperator, "head_dim");
  axes().tie(axes().composite({heads, width}), list[2]);
}

void LayoutBuilder::tie_node(std::size_t node) {
  const Node& at = node_at(node);
  if (!has_output(node, 0)) return;
  switch (entry_of(*at.proto).family) {
    case Family::view:
      if (has_input(node, 0)) axes().tie_reshaped(in(node, 0), out(node));
      break;
    case Family::elementwise: tie_broadcast(node); break;
    case Family::copy: tie_copy(node); break;
    case Family::transpose: tie_transpose(node); break;
    case Family::gather: tie_gather(node); break;
    case Family::conv:
    case Family::pool: tie_windows(node); break;
    case Family::conv_transpose: tie_windows(node); break;
    case Family::reduce: tie_reduce(node); break;
    case Family::softmax:
    case Family::top_k:
      if (has_input(node, 0)) {
        for (std::size_t o = 0; o < at.outputs.size(); ++o) {
          if (has_output(node, o)) tie_places(in(node, 0), out(node, o));
        }
      }
      break;
    case Family::layer_norm:
    case Family::channel_norm:
    case Family::rms_norm:
    case Family::batch_norm: tie_norm(node); break;
    case Family::recurrent: tie_recurrent(node); break;
    case Family::attention:
    case Family::packed_attention: tie_attention(node); break;
    case Family::embed_norm:
      if (has_input(node, 0) && !is_constant(node, 0)) {
        tie_lists(in(node, 0), out(node));
        layout_.hint(in(node, 0).back(), DimKind::sequence, kFromInput, "seq");
        layout_.hint(out(node).back(), DimKind::hidden, kFromOperator, "hidden");
      }
      break;
    case Family::matmul:
    case Family::einsum:
    case Family::loss:
    case Family::opaque:
    case Family::unknown:
      if (!layout_.contractions[node] && has_input(node, 0)) tie_copy(node);
      break;
  }
}

}  // namespace

HeadCounts head_counts(const ::onnx::NodeProto& node) {
  HeadCounts heads;
  heads.query = int_attribute(node, "num_heads", int_attribute(node, "q_num_heads", 0));
  heads.keys = int_attribute(node, "kv_num_heads", heads.query);
  return heads;
}

const AxisList& Layout::input(const FlatGraph& graph, std::size_t node, std::size_t index) const {
  const ValueId id = graph.nodes[node].inputs[index];
  if (graph.values[id].source != Source::constant) return values[id];
  return operands.at({node, index});
}

const AxisList& Layout::output(const FlatGraph& graph, std::size_t node, std::size_t index) const {
  return values[graph.nodes[node].outputs[index]];
}

void Layout::hint(AxisId axis, DimKind kind, int priority, std::string name) {
  hints.push_back({axis, kind, priority, std::move(name)});
}

std::string node_name(const FlatGraph& graph, const Node& node) {
  if (!node.name.empty()) return node.name;
  for (const ValueId id : node.outputs) {
    if (id != kNone) return graph.values[id].name;
  }
  return node.type();
}

/// Exporters call nodes /path/of/modules/Operator: the path says which.
std::string short_name(const FlatGraph& graph, const Node& node) {
  std::string name = node_name(graph, node);
  const std::size_t slash = name.find_last_of('/');
  const bool repeats = slash != std::string::npos && slash > 0 &&
                       name.compare(slash + 1, node.type().size(), node.type()) == 0;
  if (repeats && name.size() == slash + 1 + node.type().size()) name.resize(slash);
  if (!name.empty() && name.front() == '/') name.erase(0, 1);
  return name;
}

Layout lay_out(const FlatGraph& graph) {
  Layout layout;
  LayoutBuilder(graph, layout).run();
  return layout;
}

}  // namespace fastpath::onnx_import
