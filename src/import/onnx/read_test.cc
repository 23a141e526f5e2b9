#include "import/onnx/read.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/onnx/graph_for_test.h"
#include "ir/semantics.h"

namespace fastpath::onnx_import {
namespace {

using ::onnx::TensorProto;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Workload import(const TestModel& model, const OnnxOptions& options = {}) {
  const auto read = read_onnx(model.bytes(), "m.onnx", options);
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error()[0].what);
  return read ? read->value : Workload{};
}

Diagnostics mistakes(const TestModel& model, const OnnxOptions& options = {}) {
  const auto read = read_onnx(model.bytes(), "m.onnx", options);
  EXPECT_FALSE(read.has_value());
  return read ? Diagnostics{} : read.error();
}

std::vector<Op> ops_of(const Workload& workload) {
  std::vector<Op> all;
  for (const Block& block : workload.blocks)
    all.insert(all.end(), block.ops.begin(), block.ops.end());
  return all;
}

std::size_t count_kind(const Workload& workload, OpKind kind) {
  const auto ops = ops_of(workload);
  return static_cast<std::size_t>(
      std::count_if(ops.begin(), ops.end(), [&](const Op& op) { return op.kind == kind; }));
}

const Dim* find_dim(const Workload& workload, const std::string& name) {
  for (const Dim& dim : workload.dims) {
    if (dim.name == name) return &dim;
  }
  return nullptr;
}

const Tensor* find_tensor(const Workload& workload, const std::string& name) {
  for (const Block& block : workload.blocks) {
    for (const Tensor& tensor : block.tensors) {
      if (tensor.name == name) return &tensor;
    }
  }
  return nullptr;
}

std::string axes_text(const Workload& workload, const std::string& name) {
  const Tensor* tensor = find_tensor(workload, name);
  if (tensor == nullptr) return "none";
  std::string text;
  for (const Axis& axis : tensor->axes)
    text += (text.empty() ? "" : " ") + workload.dims[axis.dim].name;
  return text;
}

void add_conv(TestGraph& graph, const char* x, const char* w, const char* y,
              std::int64_t group = 1) {
  auto& node = graph.node("Conv", {x, w}, {y});
  set_ints(node, "pads", {1, 1, 1, 1});
  set_int(node, "group", group);
}

const Op& first_convolution(const Workload& workload) {
  const auto& ops = workload.blocks[0].ops;
  return *std::find_if(ops.begin(), ops.end(),
                       [](const Op& op) { return op.kind == OpKind::convolution; });
}

double groups_of(const Workload& workload) {
  return convolution_groups(workload, workload.blocks[0], first_convolution(workload),
                            whole_sizes(workload));
}

TEST(Onnx, a_convolution_has_two_flop_per_product) {
  TestModel model;
  model.graph.input("x", {2, 3, 8, 8});
  model.graph.weight("w", {4, 3, 3, 3});
  add_conv(model.graph, "x", "w", "y");
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_DOUBLE_EQ(count(workload).forward_work.base(), 2.0 * 2 * 8 * 8 * 4 * 3 * 3 * 3);
  EXPECT_DOUBLE_EQ(count(workload).parameters, 4 * 3 * 3 * 3);
  EXPECT_EQ(axes_text(workload, "w"), "y.c x.1 kh3 kw3");
}

TEST(Onnx, channels_of_a_grouped_convolution_are_counted_once_per_group) {
  TestModel model;
  model.graph.input("x", {1, 8, 6, 6});
  model.graph.weight("w", {12, 4, 3, 3});
  add_conv(model.graph, "x", "w", "y", 2);
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_DOUBLE_EQ(count(workload).forward_work.base(), 2.0 * 36 * 12 * 4 * 9);
  EXPECT_DOUBLE_EQ(count(workload).parameters, 12 * 4 * 9);
  EXPECT_EQ(groups_of(workload), 2);
}

TEST(Onnx, a_depthwise_convolution_has_a_group_a_channel) {
  for (const int window : {1, 3}) {
    TestModel model;
    model.graph.input("x", {1, 8, 6, 6});
    model.graph.weight("w", {8, 1, window, window});
    set_int(model.graph.node("Conv", {"x", "w"}, {"y"}), "group", 8);
    model.graph.output("y");
    EXPECT_EQ(groups_of(import(model)), 8);
  }
}

TEST(Onnx, a_convolution_that_is_not_of_images_says_so) {
  TestModel model;
  model.graph.input("x", {1, 8, 6});
  model.graph.weight("w", {4, 8, 3});
  model.graph.node("Conv", {"x", "w"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_EQ(first_convolution(workload).attributes.function, "conv1d");
}

TEST(Onnx, a_transposed_convolution_costs_its_products) {
  TestModel model;
  model.graph.input("x", {1, 6, 5, 5});
  model.graph.weight("w", {6, 4, 2, 2});
  set_ints(model.graph.node("ConvTranspose", {"x", "w"}, {"y"}), "strides", {2, 2});
  model.graph.output("y");
  const Workload workload = import(model);
  const Op matmul = ops_of(workload)[0];
  EXPECT_EQ(matmul.kind, OpKind::matmul);
  const OpCounts counts =
      forward_counts(workload, workload.blocks[0], matmul, whole_sizes(workload));
  EXPECT_DOUBLE_EQ(counts.work.base(), 2.0 * 25 * 6 * 4 * 4);
}

TEST(Onnx, every_second_convolution_of_a_chain_splits_its_output_channels) {
  TestModel model;
  model.graph.input("x", {1, 3, 8, 8});
  model.graph.weight("w1", {4, 3, 3, 3});
  model.graph.weight("w2", {5, 4, 3, 3});
  model.graph.weight("w3", {6, 5, 3, 3});
  add_conv(model.graph, "x", "w1", "a");
  model.graph.node("Relu", {"a"}, {"r"});
  add_conv(model.graph, "r", "w2", "b");
  add_conv(model.graph, "b", "w3", "c");
  model.graph.output("c");
  const Workload workload = import(model);
  EXPECT_EQ(find_dim(workload, "a.c")->kind, DimKind::channels);
  EXPECT_EQ(find_dim(workload, "b.c")->kind, DimKind::other);
  EXPECT_EQ(find_dim(workload, "c.c")->kind, DimKind::channels);
  EXPECT_EQ(axes_text(workload, "w2"), "b.c a.c kh3 kw3");
}

TEST(Onnx, a_residual_makes_the_channels_of_both_branches_one) {
  TestModel model;
  model.graph.input("x", {1, 3, 8, 8});
  for (const char* name : {"w1"})
    model.graph.weight(name, {4, 3, 3, 3});
  for (const char* name : {"w2", "w3"})
    model.graph.weight(name, {4, 4, 3, 3});
  add_conv(model.graph, "x", "w1", "a");
  add_conv(model.graph, "a", "w2", "b");
  add_conv(model.graph, "b", "w3", "c");
  model.graph.node("Add", {"a", "c"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_EQ(axes_text(workload, "c"), axes_text(workload, "a"));
  EXPECT_NE(axes_text(workload, "b"), axes_text(workload, "a"));
}

TEST(Onnx, a_convolution_back_into_its_own_input_keeps_inputs_and_outputs_apart) {
  TestModel model;
  model.graph.input("x", {1, 4, 8, 8});
  model.graph.weight("w", {4, 4, 3, 3});
  add_conv(model.graph, "x", "w", "c");
  model.graph.node("Add", {"x", "c"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_EQ(axes_text(workload, "w"), "c.c x.1 kh3 kw3");
  EXPECT_DOUBLE_EQ(count(workload).forward_work.base(), 2.0 * 64 * 4 * 4 * 9 + 64 * 4);
}

TEST(Onnx, a_reshape_into_heads_costs_nothing_and_names_the_heads) {
  TestModel model;
  model.graph.input("x", {"batch", "seq", 32});
  model.graph.weight("w", {32, 32});
  model.graph.integers("shape", {0, 0, 4, 8});
  model.graph.node("MatMul", {"x", "w"}, {"q"});
  model.graph.node("Reshape", {"q", "shape"}, {"h"});
  model.graph.node("Relu", {"h"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model, {.dims = {{"batch", 2}, {"seq", 16}}});
  EXPECT_THAT(ops_of(workload), SizeIs(2));
  EXPECT_EQ(axes_text(workload, "q"), axes_text(workload, "y"));
  const Tensor* q = find_tensor(workload, "q");
  EXPECT_EQ(workload.dims[q->axes[0].dim].kind, DimKind::batch);
  EXPECT_EQ(workload.dims[q->axes[1].dim].kind, DimKind::sequence);
  EXPECT_EQ(workload.dims[q->axes[2].dim].kind, DimKind::heads);
  EXPECT_EQ(workload.dims[q->axes[3].dim].kind, DimKind::head_dim);
}

TEST(Onnx, queries_and_keys_of_one_input_have_sequences_of_their_own) {
  TestModel model;
  model.graph.input("x", {2, 16, 32});
  model.graph.weight("wq", {32, 32});
  model.graph.weight("wk", {32, 32});
  model.graph.integers("shape", {0, 0, 4, 8});
  for (const auto& [w, q, h, t, perm] :
       {std::tuple{"wq", "q", "qh", "qt", 0}, std::tuple{"wk", "k", "kh", "kt", 1}}) {
    model.graph.node("MatMul", {"x", w}, {q});
    model.graph.node("Reshape", {q, "shape"}, {h});
    auto& transpose = model.graph.node("Transpose", {h}, {t});
    if (perm == 0)
      set_ints(transpose, "perm", {0, 2, 1, 3});
    else
      set_ints(transpose, "perm", {0, 2, 3, 1});
  }
  model.graph.node("MatMul", {"qt", "kt"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model);
  const double projections = 2 * 2.0 * 2 * 16 * 32 * 32;
  EXPECT_DOUBLE_EQ(count(workload).forward_work.base(), projections + 2.0 * 2 * 4 * 16 * 16 * 8);
  EXPECT_EQ(count_kind(workload, OpKind::copy), 2U);
}

TEST(Onnx, gemm_reads_a_transposed_weight_without_a_copy) {
  TestModel model;
  model.graph.input("x", {4, 8});
  model.graph.weight("w", {16, 8});
  model.graph.weight("b", {16});
  set_int(model.graph.node("Gemm", {"x", "w", "b"}, {"y"}), "transB", 1);
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_THAT(ops_of(workload), SizeIs(1));
  EXPECT_DOUBLE_EQ(count(workload).forward_work.base(), 2.0 * 4 * 8 * 16);
  EXPECT_DOUBLE_EQ(count(workload).parameters, 16 * 8 + 16);
}

TEST(Onnx, einsum_is_a_product_by_its_letters) {
  TestModel model;
  model.graph.input("a", {2, 3, 4});
  model.graph.input("b", {2, 4, 5});
  set_text(model.graph.node("Einsum", {"a", "b"}, {"y"}), "equation", "bij,bjk->bik");
  model.graph.output("y");
  EXPECT_DOUBLE_EQ(count(import(model)).forward_work.base(), 2.0 * 2 * 3 * 4 * 5);
}

TEST(Onnx, statistics_of_batch_norm_are_not_parameters) {
  TestModel model;
  model.graph.input("x", {1, 4, 2, 2});
  for (const char* name : {"scale", "bias", "mean", "var"})
    model.graph.weight(name, {4});
  model.graph.node("BatchNormalization", {"x", "scale", "bias", "mean", "var"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_DOUBLE_EQ(count(workload).parameters, 8);
  EXPECT_DOUBLE_EQ(count(workload).weights.base(), 16 * 4);
}

TEST(Onnx, weights_may_be_constants_or_filled_or_transposed_and_count_once) {
  TestModel model;
  model.graph.input("x", {4, 100});
  model.graph.integers("shape", {100, 100});
  model.graph.node("ConstantOfShape", {"shape"}, {"w"});
  model.graph.node("Transpose", {"w"}, {"wt"});
  model.graph.node("MatMul", {"x", "w"}, {"a"});
  model.graph.node("MatMul", {"a", "wt"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_DOUBLE_EQ(count(workload).parameters, 10'000);
  EXPECT_EQ(count_kind(workload, OpKind::matmul), 2U);
  EXPECT_EQ(count_kind(workload, OpKind::copy), 0U);
}

TEST(Onnx, a_quantised_weight_is_read_as_integers) {
  TestModel model;
  model.graph.input("x", {1, 8}, TensorProto::UINT8);
  model.graph.weight("s", {});
  model.graph.weight("w", {8, 8}, TensorProto::INT8);
  model.graph.node("Relu", {"d0"}, {"r"});
  model.graph.node("DequantizeLinear", {"x", "s"}, {"d0"});
  model.graph.node("QuantizeLinear", {"r", "s"}, {"q"});
  model.graph.node("DequantizeLinear", {"q", "s"}, {"d"});
  model.graph.node("DequantizeLinear", {"w", "s"}, {"dw"});
  model.graph.node("MatMul", {"d", "dw"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_EQ(find_tensor(workload, "w")->format, NumberFormat::int8);
  for (const Block& block : workload.blocks) {
    for (const Op& op : block.ops) {
      if (op.kind != OpKind::matmul) continue;
      EXPECT_EQ(block.tensors[op.inputs[0]].format, NumberFormat::int8);
    }
  }
}

TEST(Onnx, shapes_that_the_graph_computes_are_known) {
  TestModel model;
  model.graph.input("x", {"n", 4, 6});
  model.graph.integers("zero", {0});
  model.graph.integers("rest", {-1});
  model.graph.weight("w", {24, 5});
  model.graph.node("Shape", {"x"}, {"s"});
  model.graph.node("Gather", {"s", "zero"}, {"n"});
  set_int(model.graph.node("Concat", {"n", "rest"}, {"t"}), "axis", 0);
  model.graph.node("Reshape", {"x", "t"}, {"flat"});
  model.graph.node("MatMul", {"flat", "w"}, {"y"});
  model.graph.output("y");
  const Workload workload = import(model, {.dims = {{"n", 3}}});
  EXPECT_THAT(ops_of(workload), SizeIs(1));
  EXPECT_EQ(find_dim(workload, "batch")->size, 3);
}

TEST(Onnx, a_dimension_without_size_is_an_error_that_names_it_and_its_places) {
  TestModel model;
  model.graph.input("x", {"batch", 4});
  model.graph.input("z", {"batch", "width"});
  model.graph.node("Concat", {"x", "z"}, {"y"});
  model.graph.output("y");
  const Diagnostics found = mistakes(model);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_THAT(found[0].what,
              HasSubstr("'batch' has no size: axis 0 of input 'x', axis 0 of input 'z'"));
  EXPECT_THAT(found[0].hint, HasSubstr("--dim batch=SIZE"));
}

TEST(Onnx, a_dimension_that_does_not_exist_is_an_error_with_the_nearest) {
  TestModel model;
  model.graph.input("x", {"batch", 4});
  model.graph.node("Relu", {"x"}, {"y"});
  model.graph.output("y");
  const Diagnostics found = mistakes(model, {.dims = {{"batch", 2}, {"bacth", 2}}});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].hint, HasSubstr("did you mean 'batch'"));
}

TEST(Onnx, nodes_may_stand_in_any_order) {
  TestModel model;
  model.graph.input("x", {2, 2});
  model.graph.node("Relu", {"b"}, {"y"});
  model.graph.node("Abs", {"a"}, {"b"});
  model.graph.node("Neg", {"x"}, {"a"});
  model.graph.output("y");
  const auto ops = ops_of(import(model));
  ASSERT_THAT(ops, SizeIs(3));
  EXPECT_EQ(ops[0].attributes.function, "neg");
  EXPECT_EQ(ops[2].attributes.function, "relu");
}

TEST(Onnx, a_cycle_is_an_error) {
  TestModel model;
  model.graph.input("x", {2, 2});
  model.graph.node("Add", {"x", "b"}, {"a"});
  model.graph.node("Relu", {"a"}, {"b"});
  model.graph.output("b");
  EXPECT_THAT(mistakes(model)[0].what, HasSubstr("cycle"));
}

TEST(Onnx, the_larger_branch_of_an_if_is_counted_with_a_warning) {
  TestModel model;
  model.graph.input("c", {}, TensorProto::BOOL);
  model.graph.input("x", {4, 4});
  model.graph.weight("w", {4, 4});
  auto& node = model.graph.node("If", {"c"}, {"y"});
  TestGraph small(add_body(node, "then_branch"));
  small.node("Relu", {"x"}, {"t"});
  small.output("t");
  TestGraph large(add_body(node, "else_branch"));
  large.node("MatMul", {"x", "w"}, {"e"});
  large.output("e");
  model.graph.output("y");
  const auto read = read_onnx(model.bytes(), "m.onnx");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(count_kind(read->value, OpKind::matmul), 1U);
  ASSERT_THAT(read->warnings, SizeIs(1));
  EXPECT_THAT(read->warnings[0].what, HasSubstr("else branch"));
}

TEST(Onnx, a_branch_that_writes_nothing_is_no_operator) {
  TestModel model;
  model.graph.input("c", {}, TensorProto::BOOL);
  model.graph.input("x", {4, 4});
  auto& node = model.graph.node("If", {"c"}, {"none"});
  node.clear_output();
  for (const char* name : {"then_branch", "else_branch"}) {
    TestGraph body(add_body(node, name));
    body.node("Relu", {"x"}, {"t"});
  }
  model.graph.node("Relu", {"x"}, {"y"});
  model.graph.output("y");
  const auto executed = read_onnx(model.bytes(), "m.onnx", {.dims = {}, .as_executed = true});
  ASSERT_TRUE(executed.has_value());
  EXPECT_EQ(count_kind(executed->value, OpKind::branch), 0U);
}

TEST(Onnx, a_branch_that_an_input_chooses_costs_a_runtime_something) {
  TestModel model;
  model.graph.input("c", {}, TensorProto::BOOL);
  model.graph.input("x", {4, 4});
  auto& node = model.graph.node("If", {"c"}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    TestGraph body(add_body(node, name));
    body.node("Relu", {"x"}, {"t"});
    body.output("t");
  }
  model.graph.output("y");
  const auto executed = read_onnx(model.bytes(), "m.onnx", {.dims = {}, .as_executed = true});
  ASSERT_TRUE(executed.has_value());
  EXPECT_EQ(count_kind(executed->value, OpKind::branch), 1U);
  EXPECT_EQ(count_kind(executed->value, OpKind::call), 1U);
  EXPECT_EQ(count_kind(import(model), OpKind::call), 0U);
  EXPECT_EQ(count_kind(import(model), OpKind::branch), 0U);
}

/// y = Reshape(x, [Shape(x)[0], 4]) of x [n, 2, 2].
std::string flattened(const TestDim& batch) {
  TestModel model;
  model.graph.input("x", {batch, 2, 2});
  model.graph.integers("zero", {0});
  model.graph.integers("four", {4});
  model.graph.node("Shape", {"x"}, {"shape"});
  model.graph.node("Gather", {"shape", "zero"}, {"n"});
  set_int(model.graph.node("Concat", {"n", "four"}, {"sizes"}), "axis", 0);
  model.graph.node("Relu", {"x"}, {"r"});
  model.graph.node("Reshape", {"r", "sizes"}, {"v"});
  model.graph.node("Relu", {"v"}, {"y"});
  model.graph.output("y");
  return model.bytes();
}

TEST(Onnx, arithmetic_on_shapes_is_executed_where_the_file_leaves_a_size_open) {
  const auto host_operators = [](const TestDim& batch, auto dims) {
    const auto read = read_onnx(flattened(batch), "m.onnx", {.dims = dims, .as_executed = true});
    return read ? count_kind(read->value, OpKind::host) : 99;
  };
  using Dims = std::vector<std::pair<std::string, std::int64_t>>;
  EXPECT_EQ(host_operators("n", Dims{{"n", 3}}), 4U);  // shape, gather, concat, reshape
  EXPECT_EQ(host_operators(3, Dims{}), 1U);            // the reshape: a runtime folds the others
}

TEST(Onnx, a_loop_is_a_block_that_repeats) {
  TestModel model;
  model.graph.input("x", {2, 4});
  model.graph.scalar("trips", TensorProto::INT64, 7);
  model.graph.weight("w", {4, 4});
  auto& node = model.graph.node("Loop", {"trips", "", "x"}, {"y"});
  TestGraph body(add_body(node, "body"));
  body.input("i", {}, TensorProto::INT64);
  body.input("go", {}, TensorProto::BOOL);
  body.input("h", {2, 4});
  body.node("Identity", {"go"}, {"again"});
  body.node("MatMul", {"h", "w"}, {"next"});
  body.output("again");
  body.output("next");
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_DOUBLE_EQ(count(workload).forward_work.base(), 7 * 2.0 * 2 * 4 * 4);
}

TEST(Onnx, functions_of_the_model_are_unfolded_with_their_attributes) {
  TestModel model;
  model.use_domain("mine", 1);
  model.graph.input("x", {2, 6});
  auto& call = model.graph.node("Half", {"x"}, {"y"});
  call.set_domain("mine");
  set_int(call, "along", 1);
  auto& function = *model.model.add_functions();
  function.set_domain("mine");
  function.set_name("Half");
  function.add_input("a");
  function.add_output("b");
  function.add_opset_import()->set_version(17);
  auto& split = *function.add_node();
  split.set_op_type("Split");
  split.add_input("a");
  split.add_output("b");
  split.add_output("rest");
  auto& axis = *split.add_attribute();
  axis.set_name("axis");
  axis.set_ref_attr_name("along");
  axis.set_type(::onnx::AttributeProto::INT);
  model.graph.node("Relu", {"y"}, {"z"});
  model.graph.output("z");
  const Workload workload = import(model);
  EXPECT_DOUBLE_EQ(elements(workload, *find_tensor(workload, "z"), whole_sizes(workload)), 6);
}

TEST(Onnx, operators_newer_than_the_library_have_rules_here) {
  TestModel model(21);
  model.graph.input("x", {2, 3, 8});
  model.graph.integers("axes", {-1});
  model.graph.node("Gelu", {"x"}, {"g"});
  set_int(model.graph.node("ReduceMean", {"g", "axes"}, {"m"}), "keepdims", 0);
  model.graph.output("m");
  const Workload workload = import(model);
  EXPECT_DOUBLE_EQ(elements(workload, *find_tensor(workload, "m"), whole_sizes(workload)), 6);
}

TEST(Onnx, an_operator_that_nobody_knows_is_an_error_with_its_name_and_opset) {
  TestModel model(22);
  model.graph.input("x", {2});
  model.graph.node("Frobnicate", {"x"}, {"y"});
  model.graph.output("y");
  const Diagnostics found = mistakes(model);
  EXPECT_THAT(found[0].what, HasSubstr("Frobnicate"));
}

TEST(Onnx, an_unknown_operator_whose_output_the_file_declares_counts_by_its_traffic) {
  TestModel model;
  model.use_domain("vendor", 1);
  model.graph.input("x", {2, 8});
  model.graph.node("Frobnicate", {"x"}, {"y"}).set_domain("vendor");
  model.graph.output("y", {2, 4});
  const auto read = read_onnx(model.bytes(), "m.onnx");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(ops_of(read->value)[0].kind, OpKind::opaque);
  EXPECT_THAT(read->warnings, SizeIs(1));
}

TEST(Onnx, fused_attention_of_onnx_runtime_is_attention) {
  TestModel model;
  model.use_domain("com.microsoft", 1);
  model.graph.input("q", {2, 16, 32});
  model.graph.input("k", {2, 16, 32});
  model.graph.input("v", {2, 16, 32});
  auto& node = model.graph.node("MultiHeadAttention", {"q", "k", "v"}, {"y"});
  node.set_domain("com.microsoft");
  set_int(node, "num_heads", 4);
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_EQ(ops_of(workload)[0].kind, OpKind::attention);
  EXPECT_DOUBLE_EQ(count(workload).forward_work.base(), 4.0 * 2 * 4 * 16 * 16 * 8);
}

TEST(Onnx, an_lstm_is_a_product_and_a_scan) {
  TestModel model;
  model.graph.input("x", {5, 2, 4});
  model.graph.weight("w", {1, 32, 4});
  model.graph.weight("r", {1, 32, 8});
  set_int(model.graph.node("LSTM", {"x", "w", "r"}, {"y"}), "hidden_size", 8);
  model.graph.output("y");
  const Workload workload = import(model);
  EXPECT_EQ(count_kind(workload, OpKind::matmul), 1U);
  EXPECT_EQ(count_kind(workload, OpKind::scan), 1U);
  EXPECT_DOUBLE_EQ(count(workload).forward_work.base(), 5.0 * 2 * 32 * (2 * 4 + 2 * 8 + 5));
  EXPECT_DOUBLE_EQ(count(workload).parameters, 32 * 4 + 32 * 8);
}

TEST(Onnx, equal_units_in_a_row_are_one_block_and_what_follows_reads_its_output) {
  TestModel model;
  model.graph.input("x", {1, 8, 4, 4});
  std::string from = "x";
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i)
    names.push_back(std::to_string(i));
  for (const std::string& n : names) {
    model.graph.weight("a" + n, {8, 8, 3, 3});
    model.graph.weight("b" + n, {8, 8, 3, 3});
    add_conv(model.graph, from.c_str(), ("a" + n).c_str(), ("p" + n).c_str());
    add_conv(model.graph, ("p" + n).c_str(), ("b" + n).c_str(), ("q" + n).c_str());
    model.graph.node("Add", {from.c_str(), ("q" + n).c_str()}, {("y" + n).c_str()});
    from = "y" + n;
  }
  model.graph.weight("last", {2, 8, 3, 3});
  add_conv(model.graph, from.c_str(), "last", "z");
  model.graph.output("z");
  const Workload workload = import(model);
  std::int64_t units = 0;
  for (const Segment& segment : workload.segments)
    units += segment.repeat;
  EXPECT_EQ(units, 6);
  EXPECT_LE(workload.segments.size(), 3U);
  const Block& before = workload.blocks[workload.blocks.size() - 2];
  const Block& after = workload.blocks.back();
  const std::string& enters = after.tensors[after.ops[0].inputs[0]].name;
  const std::string& leaves = before.tensors[before.ops.back().outputs[0]].name;
  EXPECT_EQ(enters, leaves);
}

TEST(Onnx, what_no_output_needs_is_left_out) {
  TestModel model;
  model.graph.input("x", {2, 2});
  model.graph.node("Relu", {"x"}, {"y"});
  model.graph.node("Exp", {"x"}, {"unused"});
  model.graph.output("y");
  EXPECT_THAT(ops_of(import(model)), SizeIs(1));
}

TEST(Onnx, damaged_files_are_errors) {
  TestModel model;
  model.graph.input("x", {2, 2});
  model.graph.node("Relu", {"x"}, {"y"});
  model.graph.output("y");
  const std::string whole = model.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto read = read_onnx(whole.substr(0, size), "m.onnx");
    if (read) continue;  // cut between fields, it may still be a model
    EXPECT_FALSE(read.error()[0].what.empty());
    EXPECT_FALSE(read.error()[0].hint.empty());
  }
  EXPECT_FALSE(read_onnx("version https://git-lfs", "m.onnx").has_value());
}

TEST(Onnx, sizes_beyond_reason_are_errors) {
  TestModel model;
  model.graph.input("x", {"n", "n"});
  model.graph.node("Relu", {"x"}, {"y"});
  model.graph.output("y");
  EXPECT_THAT(mistakes(model, {.dims = {{"n", std::int64_t{1} << 40}}})[0].what,
              HasSubstr("impossible shape"));
}

TEST(Onnx, a_function_that_calls_itself_is_an_error) {
  TestModel model;
  model.use_domain("f", 1);
  model.graph.input("x", {2});
  model.graph.node("Me", {"x"}, {"y"}).set_domain("f");
  auto& function = *model.model.add_functions();
  function.set_domain("f");
  function.set_name("Me");
  function.add_input("a");
  function.add_output("b");
  for (int i = 0; i < 3; ++i) {
    auto& node = *function.add_node();
    node.set_op_type("Me");
    node.set_domain("f");
    node.add_input("a");
    node.add_output(i == 0 ? "b" : "c" + std::to_string(i));
  }
  model.graph.output("y");
  EXPECT_FALSE(mistakes(model).empty());
}

}  // namespace
}  // namespace fastpath::onnx_import
