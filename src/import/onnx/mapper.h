/// The state of mapping: which tensor of the workload holds each value.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "import/onnx/dims.h"
#include "import/onnx/map.h"
#include "import/onnx/op_table.h"

namespace fastpath::onnx_import {

class Mapper {
 public:
  Mapper(const FlatGraph& graph, const Layout& layout, std::string_view file, Phase phase)
      : graph_(graph), layout_(layout), file_(file), phase_(phase), dims_(graph, layout) {
    tensor_of_.resize(graph.values.size(), kNoTensor);
    find_quantised();
  }

  Result<Imported<Emission>> run();

 private:
  static constexpr TensorId kNoTensor = kNone;

  void map_node(std::size_t node);
  void map_view(std::size_t node);
  void map_elementwise(std::size_t node);
  void map_copy(std::size_t node);
  void map_transpose(std::size_t node);
  void map_gather(std::size_t node);
  void map_contraction(std::size_t node, const Contraction& contraction);
  void map_pool(std::size_t node);
  void map_reduce(std::size_t node);
  void map_over(std::size_t node);
  void map_norm(std::size_t node);
  void map_batch_norm(std::size_t node);
  void map_recurrent(std::size_t node);
  void map_attention(std::size_t node);
  void map_packed_attention(std::size_t node);
  void map_embed_norm(std::size_t node);
  void map_loss(std::size_t node);
  void map_opaque(std::size_t node);

  /// The tensor of an input; kNoTensor where it is left out, has no elements or no format.
  TensorId operand(std::size_t node, std::size_t index, TensorRole constant_role);
  /// By what the value is: computed, from outside, or stored (trained where it is a float vector).
  TensorId operand(std::size_t node, std::size_t index);
  std::vector<TensorId> operands(std::size_t node, bool with_constants);
  TensorId stored(std::size_t node, std::size_t index, std::vector<Axis> axes, TensorRole role);
  TensorId computed(ValueId id);
  /// The int8 tensor behind a DequantizeLinear: what a fused kernel reads.
  TensorId contraction_operand(std::size_t node, std::size_t index, const AxisList& axes);
  TensorId relabelled(TensorId from, const AxisList& wanted, std::size_t node);
  TensorId add_tensor(Tensor tensor);
  TensorId output(std::size_t node, std::size_t index);
  std::vector<TensorId> outputs(std::size_t node);

  void add_host(const HostNode& node);
  void emit(std::size_t node, OpKind kind, std::vector<TensorId> inputs,
            std::vector<TensorId> outputs, OpAttributes attributes);
  OpAttributes attributes_of(std::size_t node) const;
  double count_of(TensorId id) const;
  double largest_of(const std::vector<TensorId>& inputs,
                    const std::vector<TensorId>& outputs) const;
  void find_quantised();
  void error(const Value& value, std::size_t node);
  void warn(std::size_t node, const std::string& what, const std::string& hint);

  const Node& node_at(std::size_t node) const { return graph_.nodes[node]; }
  OpEntry entry(std::size_t node) const { return entry_of(*node_at(node).proto); }
  const Value& input_value(std::size_t node, std::size_t index) const {
    return graph_.values[node_at(node).inputs[index]];
  }
  bool has_input(std::size_t node, std::size_t index) const {
    const auto& inputs = node_at(node).inputs;
    return index < inputs.size() && inputs[index] != kNone;
  }
  bool has_output(std::size_t node, std::size_t index) const {
    const auto& outputs = node_at(node).outputs;
    return index < outputs.size() && outputs[index] != kNone;
  }
  bool is_constant(std::size_t node, std::size_t index) const {
    return input_value(node, index).source == Source::constant;
  }
  const AxisList& in_axes(std::size_t node, std::size_t index) const {
    return layout_.input(graph_, node, index);
  }
  const AxisList& out_axes(std::size_t node, std::size_t index = 0) const {
    return layout_.output(graph_, node, index);
  }

  const FlatGraph& graph_;
  const Layout& layout_;
  std::string file_;
  Phase phase_;
  DimTable dims_;
  Emission emission_;
  std::vector<TensorId> tensor_of_;                  ///< by value
  std::map<ValueId, std::vector<TensorId>> stored_;  ///< by root
  std::map<ValueId, ValueId> quantised_;             ///< output of a dequantisation -> input
  std::vector<HostNode> views_;
  std::map<std::string, int> op_names_;
  std::map<std::string, int> tensor_names_;
  std::map<std::string, int> opaque_;  ///< warned already, by operator
  Diagnostics errors_;
  Diagnostics warnings_;
};

}  // namespace fastpath::onnx_import
