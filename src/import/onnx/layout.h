/// Axes of every tensor of a flat graph, tied to each other by what the operators do.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fastpath/workload.h"

#include "import/onnx/axes.h"
#include "import/onnx/graph.h"

namespace fastpath::onnx_import {

using AxisList = std::vector<AxisId>;

/// How the axes of a product or a convolution meet. x, w and y list the axes of each tensor in its
/// own order, by the operator's positions.
struct Contraction {
  OpKind kind = OpKind::matmul;
  std::size_t x_input = 0;
  std::size_t w_input = 1;
  AxisList x;
  AxisList w;
  AxisList y;
  AxisList depth;      ///< summed away
  AxisList columns;    ///< of the second operand only: a conv's output channels
  AxisList positions;  ///< that must stay different dimensions
  bool grouped = false;
  /// Transposed convolution: y lists the products before they are added up to the output.
  bool scatters = false;
  std::optional<NumberFormat> packed;  ///< w is stored in this format, not as its tensor says
};

/// A wish for a dimension's name and kind; the highest priority wins.
struct Hint {
  AxisId axis = 0;
  DimKind kind = DimKind::other;
  int priority = 0;
  std::string name;
};

enum HintPriority : int { kGenerated = 0, kFromOperator = 1, kFromInput = 2, kCertain = 3 };

struct Layout {
  Axes axes;
  std::vector<AxisList> values;                                      ///< of all but constants
  std::map<std::pair<std::size_t, std::size_t>, AxisList> operands;  ///< constants, by node, input
  std::vector<std::optional<Contraction>> contractions;              ///< by node
  std::map<std::pair<std::int64_t, std::size_t>, AxisId> kernels;    ///< by size and place
  std::vector<Hint> hints;

  const AxisList& input(const FlatGraph& graph, std::size_t node, std::size_t index) const;
  const AxisList& output(const FlatGraph& graph, std::size_t node, std::size_t index) const;
  void hint(AxisId axis, DimKind kind, int priority, std::string name);
};

/// Bodies for If and functions are gone; loops' tensors are tied through their iterations.
Layout lay_out(const FlatGraph& graph);

/// None where the node's shapes are not those of a product that we can read.
std::optional<Contraction> contraction_of(const FlatGraph& graph, Layout& layout, std::size_t node);

/// Heads by the attributes of an attention operator; 0 where its inputs tell.
struct HeadCounts {
  std::int64_t query = 0;
  std::int64_t keys = 0;
};

HeadCounts head_counts(const ::onnx::NodeProto& node);

/// A node's name, else the name of what it writes.
std::string node_name(const FlatGraph& graph, const Node& node);

/// The node's name without what only repeats its operator.
std::string short_name(const FlatGraph& graph, const Node& node);

}  // namespace fastpath::onnx_import
