#include "lower/adapters.h"

#include <gtest/gtest.h>

#include "fastpath/fastpath.h"

#include "ir/semantics.h"

namespace fastpath {
namespace {

/// x[batch seq hidden] times w[hidden ffn], and back.
Workload mlp(std::int64_t batch, std::int64_t sequence) {
  Workload workload;
  workload.name = "mlp";
  workload.phase = Phase::prefill;
  workload.dims = {{"batch", batch, DimKind::batch},
                   {"seq", sequence, DimKind::sequence},
                   {"hidden", 64, DimKind::hidden},
                   {"ffn", 256, DimKind::ffn}};
  const auto tensor = [](const char* name, std::vector<Axis> axes, TensorRole role) {
    return Tensor{name, role, std::move(axes), NumberFormat::bf16, false};
  };
  const std::vector<Axis> rows{{0}, {1}, {2}};
  const std::vector<Axis> wide{{0}, {1}, {3}};
  Block block;
  block.name = "layer";
  block.tensors = {
      tensor("x", rows, TensorRole::activation), tensor("up", {{2}, {3}}, TensorRole::weight),
      tensor("u", wide, TensorRole::activation), tensor("down", {{3}, {2}}, TensorRole::weight),
      tensor("y", rows, TensorRole::activation)};
  block.ops = {{"up", OpKind::matmul, {0, 1}, {2}, {}}, {"down", OpKind::matmul, {2, 3}, {4}, {}}};
  workload.blocks = {block};
  workload.segments = {{0, 2, SegmentUse::executed}};
  return workload;
}

TEST(serve_adapters, each_product_gets_two_of_low_rank) {
  Workload adapted = mlp(4, 8);
  serve_adapters(adapted, {3, 16});
  EXPECT_TRUE(mistakes_in(adapted).empty());
  const WorkloadCounts bare = count(mlp(4, 8));
  const WorkloadCounts both = count(adapted);
  // 2 layers x 2 products x 2 x 32 rows x 16 x (64 + 256)
  EXPECT_DOUBLE_EQ((both.forward_work - bare.forward_work).base(), 2. * 2 * 2 * 32 * 16 * 320);
  // 3 adapters, 2 bytes an element
  EXPECT_DOUBLE_EQ((both.weights - bare.weights).base(), 3. * 2 * 2 * 16 * 320 * 2);
}

TEST(serve_adapters, sequences_pick_adapters_not_tokens) {
  for (const std::int64_t tokens : {1, 100}) {
    Workload adapted = mlp(1, tokens);
    serve_adapters(adapted, {8, 16});
    const Block& block = adapted.blocks.front();
    const DimSizes sizes = whole_sizes(adapted);
    const OpCounts counts = forward_counts(adapted, block, block.ops[1], sizes);
    ASSERT_EQ(block.ops[1].name, "up_lora_a");
    EXPECT_NEAR(counts.weights.base(), 64 * 16 * 2, 1e-6) << tokens;
    EXPECT_NEAR(counts.m, static_cast<double>(tokens), 1e-6);
  }
}

TEST(serve_adapters, tensor_ranks_reduce_no_more_than_without) {
  const auto reductions = [](const Workload& workload) {
    Plan plan;
    plan.tensor_parallel = 4;
    const auto program = lower(workload, plan);
    int count = 0;
    if (!program) return -1;
    for (const Task& task : program->blocks.front().forward)
      count += task.collective != Collective::none ? 1 : 0;
    return count;
  };
  Workload adapted = mlp(4, 8);
  serve_adapters(adapted, {3, 16});
  EXPECT_EQ(reductions(mlp(4, 8)), 1);
  EXPECT_EQ(reductions(adapted), 1);
}

TEST(serve_adapters, tensor_ranks_share_the_side_that_they_split) {
  Workload adapted = mlp(4, 8);
  serve_adapters(adapted, {3, 16});
  Plan plan;
  plan.tensor_parallel = 4;
  plan.weight_format = NumberFormat::fp8;
  const auto split = lower(adapted, plan);
  ASSERT_TRUE(split.has_value());
  // The products' own weights are fp8; adapters stay in bf16: 64 rows whole, 256 shared by four.
  const double own = 2. * 64 * 256 / 4;
  const double adapters = 3. * 2 * 16 * (64 + 256. / 4) * 2;
  EXPECT_DOUBLE_EQ(split->blocks.front().memory.weights.base(), own + adapters);
}

}  // namespace
}  // namespace fastpath
