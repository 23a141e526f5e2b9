#include "lower/runtime_graph.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

/// x -> convolution -> relu -> function, of 32 channels and 8 x 8 places.
Workload network(const std::string& last) {
  Workload workload;
  workload.name = "network";
  workload.dims = {{"batch", 1, DimKind::batch},   {"in", 32, DimKind::channels},
                   {"out", 32, DimKind::channels}, {"h", 8, DimKind::spatial},
                   {"w", 8, DimKind::spatial},     {"kh", 3, DimKind::spatial},
                   {"kw", 3, DimKind::spatial}};
  const auto image = [](const char* name, DimId channels, TensorRole role) {
    return Tensor{name, role, {{0}, {channels}, {3}, {4}}, NumberFormat::fp32};
  };
  Block block;
  block.name = "block";
  block.tensors = {image("x", 1, TensorRole::input),
                   {"weights", TensorRole::weight, {{2}, {1}, {5}, {6}}, NumberFormat::fp32},
                   image("c", 2, TensorRole::activation),
                   image("r", 2, TensorRole::activation),
                   image("y", 2, TensorRole::activation)};
  const auto op = [](const char* name, OpKind kind, std::vector<TensorId> in, TensorId out,
                     const std::string& function) {
    Op made{name, kind, std::move(in), {out}, {}};
    made.attributes.function = function;
    return made;
  };
  block.ops = {op("conv", OpKind::convolution, {0, 1}, 2, ""),
               op("relu", OpKind::elementwise, {2}, 3, "relu"),
               op("last", OpKind::elementwise, {3}, 4, last)};
  workload.blocks = {block};
  workload.segments = {{0, 1}};
  return workload;
}

std::vector<std::string> names_of(const RuntimeGraph& graph) {
  std::vector<std::string> names;
  for (const Op& op : graph.workload.blocks[0].ops)
    names.push_back(op.name);
  return names;
}

TEST(runtime_graph, runs_an_activation_inside_its_convolution) {
  const RuntimeGraph graph = as_runtime_executes(network("neg"));
  EXPECT_EQ(graph.fused, 1u);
  EXPECT_EQ(names_of(graph), (std::vector<std::string>{"conv.reorder_input", "conv",
                                                       "last.reorder_output", "last"}));
  EXPECT_EQ(graph.reorders, 2u);
}

TEST(runtime_graph, keeps_the_blocked_layout_where_the_runtime_does) {
  const RuntimeGraph graph = as_runtime_executes(network("sigmoid"));
  EXPECT_EQ(names_of(graph),
            (std::vector<std::string>{"conv.reorder_input", "conv", "last", "y.reorder_output"}));
}

TEST(runtime_graph, copies_windows_to_a_matrix_where_channels_fill_no_blocks) {
  Workload workload = network("neg");
  const auto function = [&] {
    const RuntimeGraph graph = as_runtime_executes(workload);
    const auto& ops = graph.workload.blocks[0].ops;
    return std::find_if(ops.begin(), ops.end(), [](const Op& op) { return op.name == "conv"; })
        ->attributes.function;
  };
  EXPECT_EQ(function(), "");
  for (Dim& dim : workload.dims) {
    if (dim.size == 32) dim.size = 18;
  }
  EXPECT_EQ(function(), kIm2col);
}

/// x w + b in so many axes of x.
std::size_t operators_of_biased_matmul(std::size_t axes) {
  Workload workload;
  workload.name = "product";
  workload.dims = {{"batch", 2, DimKind::batch},
                   {"rows", 8, DimKind::sequence},
                   {"in", 32, DimKind::hidden},
                   {"out", 32, DimKind::hidden}};
  const auto rows = [&](const char* name, DimId last, TensorRole role) {
    Tensor tensor{name, role, {{0}, {last}}, NumberFormat::fp32};
    if (axes == 3) tensor.axes = {{0}, {1}, {last}};
    return tensor;
  };
  Block block;
  block.name = "block";
  block.tensors = {rows("x", 2, TensorRole::input),
                   {"w", TensorRole::weight, {{2}, {3}}, NumberFormat::fp32},
                   rows("p", 3, TensorRole::activation),
                   {"b", TensorRole::weight, {{3}}, NumberFormat::fp32},
                   rows("y", 3, TensorRole::activation)};
  Op add{"add", OpKind::elementwise, {2, 3}, {4}, {}};
  add.attributes.function = "add";
  block.ops = {{"matmul", OpKind::matmul, {0, 1}, {2}, {}}, add};
  workload.blocks = {block};
  workload.segments = {{0, 1}};
  return as_runtime_executes(workload).workload.blocks[0].ops.size();
}

TEST(runtime_graph, adds_a_bias_in_matmuls_of_two_axes_alone) {
  EXPECT_EQ(operators_of_biased_matmul(2), 1u);
  EXPECT_EQ(operators_of_biased_matmul(3), 2u);
}

TEST(runtime_graph, leaves_training_as_it_is) {
  Workload workload = network("neg");
  workload.phase = Phase::training;
  EXPECT_EQ(as_runtime_executes(workload).workload.blocks[0].ops.size(), 3u);
}

}  // namespace
}  // namespace fastpath
