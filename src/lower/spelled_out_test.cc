#include "lower/spelled_out.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

/// A layer norm of x[rows width] in nine parts, and what reads its result.
Workload spelt_out() {
  Workload workload;
  workload.name = "network";
  workload.dims = {{"rows", 8, DimKind::batch}, {"width", 32, DimKind::hidden}};
  const auto wide = [](const char* name, TensorRole role) {
    return Tensor{name, role, {{0}, {1}}, NumberFormat::fp32};
  };
  const auto narrow = [](const char* name) {
    return Tensor{name, TensorRole::activation, {{0}}, NumberFormat::fp32};
  };
  const auto vector = [](const char* name) {
    return Tensor{name, TensorRole::weight, {{1}}, NumberFormat::fp32};
  };
  Block block;
  block.name = "block";
  const TensorRole inside = TensorRole::activation;
  block.tensors = {wide("x", TensorRole::input),
                   narrow("mu"),
                   wide("d", inside),
                   wide("square", inside),
                   narrow("variance"),
                   narrow("shifted"),
                   narrow("root"),
                   wide("n", inside),
                   vector("scale"),
                   wide("scaled", inside),
                   vector("bias"),
                   wide("y", inside),
                   wide("z", inside)};
  const auto op = [](const char* name, OpKind kind, std::vector<TensorId> in, TensorId out) {
    Op made{name, kind, std::move(in), {out}, {}};
    made.attributes.function = name;
    return made;
  };
  block.ops = {
      op("mean", OpKind::reduce, {0}, 1),          op("sub", OpKind::elementwise, {0, 1}, 2),
      op("pow", OpKind::elementwise, {2}, 3),      op("mean", OpKind::reduce, {3}, 4),
      op("add", OpKind::elementwise, {4}, 5),      op("sqrt", OpKind::elementwise, {5}, 6),
      op("div", OpKind::elementwise, {2, 6}, 7),   op("mul", OpKind::elementwise, {7, 8}, 9),
      op("add", OpKind::elementwise, {9, 10}, 11), op("neg", OpKind::elementwise, {11}, 12)};
  workload.blocks = {block};
  workload.segments = {{0, 1}};
  return workload;
}

TEST(layer_norms, that_are_spelt_out_become_one_operator) {
  Workload workload = spelt_out();
  SpelledOut norms = with_spelled_out(workload.blocks[0]);
  EXPECT_EQ(norms.fused, 8u);
  ASSERT_EQ(norms.block.ops.size(), 2u);
  const Op& norm = norms.block.ops[0];
  EXPECT_EQ(norm.kind, OpKind::layer_norm);
  EXPECT_EQ(norm.name, "mul");  // the scale, as the runtime says
  EXPECT_EQ(norm.inputs, (std::vector<TensorId>{0, 8, 10}));
  EXPECT_EQ(norm.outputs, (std::vector<TensorId>{11}));
  EXPECT_EQ(norm.attributes.over, 1u);
  EXPECT_EQ(norms.block.ops[1].attributes.function, "neg");
}

/// y = x sigmoid(x), whose sigmoid `other` may read, too.
Workload gated(bool other) {
  Workload workload = spelt_out();
  Block& block = workload.blocks[0];
  const auto op = [](const char* function, std::vector<TensorId> in, TensorId out) {
    Op made{function, OpKind::elementwise, std::move(in), {out}, {}};
    made.attributes.function = function;
    return made;
  };
  block.ops = {op("sigmoid", {0}, 2), op("mul", {0, 2}, 3),
               op("neg", {other ? TensorId{2} : TensorId{3}}, 7)};
  return workload;
}

TEST(gated, maps_become_one_operator_that_is_named_by_the_product) {
  const SpelledOut joined = with_spelled_out(gated(false).blocks[0]);
  EXPECT_EQ(joined.fused, 1u);
  ASSERT_EQ(joined.block.ops.size(), 2u);
  EXPECT_EQ(joined.block.ops[0].name, "mul");
  EXPECT_EQ(joined.block.ops[0].inputs, std::vector<TensorId>{0});
  EXPECT_EQ(joined.block.ops[0].attributes.work_per_element, 5);
  EXPECT_EQ(with_spelled_out(gated(true).blocks[0]).fused, 0u);
}

TEST(layer_norms, stay_apart_where_another_operator_reads_the_middle) {
  Workload workload = spelt_out();
  workload.blocks[0].ops.back().inputs = {7};
  EXPECT_EQ(with_spelled_out(workload.blocks[0]).block.ops.size(), 10u);
  workload = spelt_out();
  workload.blocks[0].ops[2].inputs = {0};  // the square of something else
  EXPECT_EQ(with_spelled_out(workload.blocks[0]).fused, 0u);
}

}  // namespace
}  // namespace fastpath
