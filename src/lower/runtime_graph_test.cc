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

TEST(runtime_graph, leaves_training_as_it_is) {
  Workload workload = network("neg");
  workload.phase = Phase::training;
  EXPECT_EQ(as_runtime_executes(workload).workload.blocks[0].ops.size(), 3u);
}

}  // namespace
}  // namespace fastpath
