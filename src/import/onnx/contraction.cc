#include <algorithm>
#include <cctype>
#include <map>

#include "import/onnx/layout.h"
#include "import/onnx/op_table.h"

namespace fastpath::onnx_import {
namespace {

const Shape& shape_of(const FlatGraph& graph, const Node& node, std::size_t index) {
  return graph.values[node.inputs[index]].shape;
}

bool has_input(const Node& node, std::size_t index) {
  return index < node.inputs.size() && node.inputs[index] != kNone;
}

bool flag(const Node& node, const char* name) { return int_attribute(*node.proto, name, 0) != 0; }

/// Index of the second operand: quantised forms put scales between the operands.
std::size_t right_operand(const Node& node) {
  const std::string& op = node.type();
  return op == "QLinearMatMul" || op == "QLinearConv" || op == "QGemm" ? 3 : 1;
}

/// [..., rows, depth] x [..., depth, columns], vectors without rows or columns.
std::optional<Contraction> matmul(const FlatGraph& graph, Layout& layout, const Node& node) {
  Contraction result;
  result.w_input = right_operand(node);
  if (!has_input(node, 0) || !has_input(node, result.w_input)) return std::nullopt;
  const Shape& a = shape_of(graph, node, 0);
  const Shape& b = shape_of(graph, node, result.w_input);
  if (a.empty() || b.empty()) return std::nullopt;
  Axes& axes = layout.axes;
  const bool swap_a = flag(node, "transA") && a.size() > 1;
  const bool swap_b = flag(node, "transB") && b.size() > 1;
  const std::int64_t depth = swap_a ? a[a.size() - 2] : a.back();
  const std::size_t b_depth = b.size() == 1 || swap_b ? b.size() - 1 : b.size() - 2;
  if (b[b_depth] != depth) return std::nullopt;
  const std::size_t a_batch = a.size() > 1 ? a.size() - 2 : 0;
  const std::size_t b_batch = b.size() > 1 ? b.size() - 2 : 0;
  const std::size_t batch = std::max(a_batch, b_batch);
  for (std::size_t i = 0; i < batch; ++i) {
    const auto size_in = [&](const Shape& s, std::size_t own) {
      return i + own < batch ? std::int64_t{1} : s[i + own - batch];
    };
    const std::int64_t left = size_in(a, a_batch);
    const std::int64_t right = size_in(b, b_batch);
    const AxisId position = axes.add(std::max(left, right));
    result.positions.push_back(position);
    result.y.push_back(position);
    if (i + a_batch >= batch)
      result.x.push_back(left == axes.size(position) ? position : axes.add(left));
    if (i + b_batch >= batch)
      result.w.push_back(right == axes.size(position) ? position : axes.add(right));
  }
  const AxisId inner = axes.add(depth);
  result.depth = {inner};
  result.x.push_back(inner);
  result.w.push_back(inner);
  if (a.size() > 1) {
    const AxisId rows = axes.add(swap_a ? a.back() : a[a.size() - 2]);
    result.positions.push_back(rows);
    result.y.push_back(rows);
    result.x.insert(result.x.end() - (swap_a ? 0 : 1), rows);
  }
  if (b.size() > 1) {
    const AxisId columns = axes.add(swap_b ? b[b.size() - 2] : b.back());
    result.positions.push_back(columns);
    result.columns = {columns};
    result.y.push_back(columns);
    result.w.insert(result.w.end() - (swap_b ? 1 : 0), columns);
  }
  result.positions.push_back(inner);
  return result;
}

/// Weights in blocks of 2, 3, 4 or 8 bits: [N, K] by the attributes.
std::optional<Contraction> packed_matmul(const FlatGraph& graph, Layout& layout, const Node& node) {
  Contraction result;
  const Shape& a = shape_of(graph, node, 0);
  if (a.empty() || !has_input(node, 1)) return std::nullopt;
  for (std::size_t i = 0; i + 1 < a.size(); ++i) {
    const AxisId position = layout.axes.add(a[i]);
    result.positions.push_back(position);
    result.x.push_back(position);
    result.y.push_back(position);
  }
  const AxisId inner = layout.axes.add(a.back());
  const AxisId columns = layout.axes.add(int_attribute(*node.proto, "N", 1));
  result.x.push_back(inner);
  result.y.push_back(columns);
  result.w = {columns, inner};
  result.depth = {inner};
  result.columns = {columns};
  result.positions.push_back(inner);
  result.positions.push_back(columns);
  const std::int64_t bits = int_attribute(*node.proto, "bits", 4);
  result.packed = bits > 4 ? NumberFormat::int8 : NumberFormat::int4;
  return result;
}

/// x[b c s...], w[n c/g k...] -> y[b n s'...]. Channels of a grouped convolution are [g, c/g].
std::optional<Contraction> conv(const FlatGraph& graph, Layout& layout, const Node& node) {
  Contraction result;
  result.kind = OpKind::convolution;
  result.w_input = right_operand(node);
  if (!has_input(node, 0) || !has_input(node, result.w_input)) return std::nullopt;
  const Shape& x = shape_of(graph, node, 0);
  const Shape& w = shape_of(graph, node, result.w_input);
  const Shape& y = graph.values[node.outputs[0]].shape;
  const std::int64_t groups = int_attribute(*node.proto, "group", 1);
  const bool fits = x.size() >= 3 && w.size() == x.size() && y.size() == x.size() && groups >= 1 &&
                    w[0] % groups == 0 && w[1] * groups == x[1] && w[0] == y[1];
  if (!fits) return std::nullopt;
  Axes& axes = layout.axes;
  const AxisId batch = axes.add(x[0]);
  const AxisId group = axes.add(groups);
  const AxisId in = axes.add(w[1]);
  const AxisId out = axes.add(w[0] / groups);
  const bool grouped = groups > 1;
  result.grouped = grouped;
  const AxisId channels = grouped ? axes.composite({group, in}) : in;
  const AxisId columns = grouped ? axes.composite({group, out}) : out;
  result.x = {batch, channels};
  result.w = {columns, in};
  result.y = {batch, columns};
  for (std::size_t i = 2; i < x.size(); ++i) {
    result.x.push_back(axes.add(x[i]));
    result.y.push_back(axes.add(y[i]));
    AxisId& kernel = layout.kernels.try_emplace({w[i], i}, kNone).first->second;
    if (kernel == kNone) kernel = axes.add(w[i]);
    result.w.push_back(kernel);
  }
  result.depth = {in};
  result.columns = {out};
  result.positions = {batch, group, in, out};
  return result;
}

/// x[b c s...], w[c n/g k...] -> products [b n k... s...], added up to y[b n s'...].
std::optional<Contraction> conv_transpose(const FlatGraph& graph, Layout& layout,
                                          const Node& node) {
  Contraction result;
  result.scatters = true;
  if (!has_input(node, 1)) return std::nullopt;
  const Shape& x = shape_of(graph, node, 0);
  const Shape& w = shape_of(graph, node, 1);
  const std::int64_t groups = int_attribute(*node.proto, "group", 1);
  if (x.size() < 3 || w.size() != x.size() || groups < 1 || w[0] != x[1] || x[1] % groups != 0)
    return std::nullopt;
  Axes& axes = layout.axes;
  const AxisId batch = axes.add(x[0]);
  const AxisId group = axes.add(groups);
  const AxisId in = axes.add(x[1] / groups);
  const AxisId out = axes.add(w[1]);
  result.grouped = groups > 1;
  const AxisId channels = result.grouped ? axes.composite({group, in}) : in;
  result.x = {batch, channels};
  result.w = {channels, out};
  result.y = {batch};
  if (result.grouped) result.y.push_back(group);
  result.y.push_back(out);
  result.positions = {batch, group, in, out};
  for (std::size_t i = 2; i < x.size(); ++i) {
    const AxisId place = axes.add(x[i]);
    result.x.push_back(place);
    AxisId& kernel = layout.kernels.try_emplace({w[i], i}, kNone).first->second;
    if (kernel == kNone) kernel = axes.add(w[i]);
    result.w.push_back(kernel);
    result.y.push_back(kernel);
    result.y.push_back(place);
    result.positions.push_back(place);
  }
  result.depth = {in};
  result.columns = {out};
  return result;
}

/// Subscripts of the operands and the output; "..." is written as '0', '1', ... from the right.
struct Equation {
  std::vector<std::string> terms;
  std::string output;
};

std::optional<Equation> parse_equation(const FlatGraph& graph, const Node& node) {
  std::string text = string_attribute(*node.proto, "equation", "");
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const std::size_t arrow = text.find("->");
  if (arrow == std::string::npos) return std::nullopt;
  std::vector<std::string> parts{""};
  for (const char c : text.substr(0, arrow)) {
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  parts.push_back(text.substr(arrow + 2));
  if (parts.size() != node.inputs.size() + 1) return std::nullopt;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool output = i == node.inputs.size();
    const Shape& shape = output ? graph.values[node.outputs[0]].shape : shape_of(graph, node, i);
    const std::size_t dots = parts[i].find("...");
    if (dots != std::string::npos) {
      const std::size_t letters = parts[i].size() - 3;
      if (letters > shape.size() || shape.size() - letters > 9) return std::nullopt;
      std::string filled;
      for (std::size_t j = shape.size() - letters; j-- > 0;)
        filled += static_cast<char>('0' + j);
      parts[i].replace(dots, 3, filled);
    }
    if (parts[i].size() != shape.size()) return std::nullopt;
    std::string sorted = parts[i];
    std::sort(sorted.begin(), sorted.end());
    if (std::unique(sorted.begin(), sorted.end()) != sorted.end()) return std::nullopt;
  }
  Equation result;
  result.output = parts.back();
  parts.pop_back();
  result.terms = std::move(parts);
  return result;
}

std::optional<Contraction> einsum(const FlatGraph& graph, Layout& layout, const Node& node) {
  if (node.inputs.size() != 2 || !has_input(node, 0) || !has_input(node, 1)) return std::nullopt;
  const auto equation = parse_equation(graph, node);
  if (!equation) return std::nullopt;
  Contraction result;
  std::map<char, AxisId> positions;
  const auto list = [&](const std::string& term, const Shape& shape, AxisList& out) {
    for (std::size_t i = 0; i < term.size(); ++i) {
      auto [found, added] = positions.try_emplace(term[i], 0);
      if (added) {
        found->second = layout.axes.add(shape[i]);
        result.positions.push_back(found->second);
      }
      const bool same = layout.axes.size(found->second) == shape[i];
      out.push_back(same ? found->second : layout.axes.add(shape[i]));
    }
  };
  list(equation->output, graph.values[node.outputs[0]].shape, result.y);
  list(equation->terms[0], shape_of(graph, node, 0), result.x);
  list(equation->terms[1], shape_of(graph, node, 1), result.w);
  for (const auto& [letter, position] : positions) {
    const bool in_x = equation->terms[0].find(letter) != std::string::npos;
    const bool in_w = equation->terms[1].find(letter) != std::string::npos;
    const bool in_y = equation->output.find(letter) != std::string::npos;
    if (!in_y) result.depth.push_back(position);
    if (in_y && in_w && !in_x) result.columns.push_back(position);
    if (in_y && !in_x && !in_w) return std::nullopt;
  }
  return result;
}

}  // namespace

std::optional<Contraction> contraction_of(const FlatGraph& graph, Layout& layout,
                                          std::size_t index) {
  const Node& node = graph.nodes[index];
  if (node.outputs.empty() || node.outputs[0] == kNone || !has_input(node, 0)) return std::nullopt;
  switch (entry_of(*node.proto).family) {
    case Family::matmul:
      return node.type() == "MatMulNBits" ? packed_matmul(graph, layout, node)
                                          : matmul(graph, layout, node);
    case Family::einsum: return einsum(graph, layout, node);
    case Family::conv: return conv(graph, layout, node);
    case Family::conv_transpose: return conv_transpose(graph, layout, node);
    default: return std::nullopt;
  }
}

}  // namespace fastpath::onnx_import
