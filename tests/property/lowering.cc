// Laws of lowering: what plans may and may not change.
#include <cmath>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fastpath/fastpath.h"

#include "ir/names.h"
#include "ir/semantics.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

using testing::decoder;
using testing::DecoderSizes;
using testing::small_cnn;
using testing::small_recommender;

int power_of_two(int most) { return 1 << *rc::gen::inRange(0, most + 1); }

/// Words that change neither work nor parameters, where they are legal.
void add_words(Plan& plan, bool experts) {
  plan.execution = *rc::gen::element(Execution::eager, Execution::compiled, Execution::graph);
  plan.context_exchange = *rc::gen::element(ContextExchange::all_gather, ContextExchange::ring);
  const bool heads = plan.tensor_parallel * plan.context_parallel <= 4;
  if (heads && *rc::gen::arbitrary<bool>()) plan.context_exchange = ContextExchange::all_to_all;
  plan.overlap_tensor = plan.sequence_parallel && *rc::gen::arbitrary<bool>();
  const bool dealt = plan.sequence_parallel && plan.expert_parallel * plan.tensor_parallel <= 8;
  if (experts && dealt) plan.expert_tensor_parallel = *rc::gen::inRange(0, 2);
  if (plan.zero_stage > 0) plan.shard = std::min(plan.data_parallel, power_of_two(2));
  if (plan.zero_stage == 3) {
    plan.reshard = *rc::gen::arbitrary<bool>();
    plan.prefetch = *rc::gen::inRange(0, 4);
  }
}

/// A plan that is legal for DecoderSizes with a batch of 64.
Plan any_plan(bool experts) {
  Plan plan;
  plan.tensor_parallel = power_of_two(3);
  plan.context_parallel = power_of_two(1);
  plan.data_parallel = power_of_two(2);
  plan.expert_parallel = experts ? std::min(plan.data_parallel, power_of_two(2)) : 1;
  plan.pipeline_parallel = power_of_two(2);
  plan.micro_batch = power_of_two(2);
  plan.sequence_parallel = *rc::gen::arbitrary<bool>();
  plan.zero_stage = *rc::gen::inRange(0, 4);
  add_words(plan, experts);
  return plan;
}

bool near(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

/// Sum over all ranks and micro-batches, work that several ranks repeat counted once.
Flops total_work(const Program& program, Pass pass) {
  const Plan& plan = program.plan;
  const double ranks = static_cast<double>(plan.device_count()) / plan.pipeline_parallel;
  Flops sum;
  for (const Stage& stage : program.stages) {
    for (const StageBlock& run : stage.blocks) {
      const BlockProgram& block = program.blocks[run.program];
      const auto& tasks = pass == Pass::forward ? block.forward : block.backward;
      for (const Task& task : tasks) {
        if (task.collective != Collective::none || task.pass == Pass::recompute) continue;
        const double times = ranks * static_cast<double>(program.micro_batches * run.repeat);
        sum += times / task.replication * task.shape.work;
      }
    }
  }
  return sum;
}

double total_parameters(const Program& program) {
  const Plan& plan = program.plan;
  const double ranks = static_cast<double>(plan.device_count()) / plan.pipeline_parallel;
  double sum = 0;
  for (const Stage& stage : program.stages) {
    for (const StageBlock& run : stage.blocks) {
      sum += ranks * static_cast<double>(run.repeat) *
             program.blocks[run.program].memory.distinct_parameters;
    }
  }
  return sum;
}

void expect_totals_of_the_whole(const Workload& workload, const Plan& plan) {
  const Result<Program> program = lower(workload, plan);
  RC_ASSERT(program.has_value());
  const WorkloadCounts whole = count(workload);
  RC_ASSERT(near(total_parameters(*program), whole.parameters));
  RC_ASSERT(near(total_work(*program, Pass::forward).base(), whole.forward_work.base()));
}

RC_GTEST_PROP(lowering, a_plan_changes_neither_work_nor_parameters_of_a_dense_decoder, ()) {
  expect_totals_of_the_whole(decoder({.batch = 64}), any_plan(false));
}

RC_GTEST_PROP(lowering, a_plan_changes_neither_work_nor_parameters_of_experts, ()) {
  expect_totals_of_the_whole(decoder({.batch = 64, .experts = 8}), any_plan(true));
}

RC_GTEST_PROP(lowering, a_plan_changes_neither_work_nor_parameters_of_a_cnn, ()) {
  Plan plan;
  plan.data_parallel = power_of_two(3);
  plan.tensor_parallel = power_of_two(3);
  plan.pipeline_parallel = power_of_two(1);
  expect_totals_of_the_whole(small_cnn(64), plan);
}

RC_GTEST_PROP(lowering, a_plan_changes_neither_work_nor_parameters_of_tables, ()) {
  Plan plan;
  plan.data_parallel = power_of_two(5);
  plan.tables =
      *rc::gen::element(TablePlacement::replicated, TablePlacement::rows, TablePlacement::columns);
  plan.fused_tables = *rc::gen::arbitrary<bool>();
  expect_totals_of_the_whole(small_recommender(64), plan);
}

/// All collectives of a program's passes, with what they move.
std::map<std::string, Bytes> moved_by(const Program& program) {
  std::map<std::string, Bytes> moved;
  for (const BlockProgram& block : program.blocks) {
    for (const auto* tasks : {&block.forward, &block.backward}) {
      for (const Task& task : *tasks) {
        if (task.collective != Collective::none)
          moved[std::string(name_of(task.collective))] += task.payload;
      }
    }
  }
  return moved;
}

TEST(lowering, tables_dealt_out_by_columns_exchange_vectors_and_reduce_no_gradients) {
  Plan plan;
  plan.data_parallel = 4;
  plan.tables = TablePlacement::columns;
  for (const bool fused : {false, true}) {
    plan.fused_tables = fused;
    const Result<Program> program = lower(small_recommender(64), plan);
    ASSERT_TRUE(program.has_value());
    const std::map<std::string, Bytes> moved = moved_by(*program);
    // One rank's vectors of 16 rows and 4 tables, there and back.
    EXPECT_DOUBLE_EQ(moved.at("all_to_all").base(), 2 * 16.0 * 4 * 32 * 2);
    EXPECT_EQ(moved.count("reduce_scatter"), 0U);
    const BlockMemory& tables = program->blocks[0].memory;
    EXPECT_DOUBLE_EQ(tables.table_parameters, 10'000.0 * 32 / 4);
    for (const Task& task : program->stages[0].update) {
      if (task.collective != Collective::none) {
        EXPECT_DOUBLE_EQ(task.payload.base(), 4 * 32 * 4.0);  // of the product's weights
      }
    }
  }
}

TEST(lowering, tables_dealt_out_by_rows_reduce_partial_vectors) {
  Plan plan;
  plan.data_parallel = 4;
  plan.tables = TablePlacement::rows;
  const Result<Program> program = lower(small_recommender(64), plan);
  ASSERT_TRUE(program.has_value());
  const std::map<std::string, Bytes> moved = moved_by(*program);
  // The vectors of all 64 rows.
  EXPECT_DOUBLE_EQ(moved.at("reduce_scatter").base(), 64.0 * 4 * 32 * 2);
  EXPECT_EQ(moved.count("all_to_all"), 0U);
}

TEST(lowering, fused_tables_are_one_kernel_and_the_same_bytes) {
  Plan plan;
  const Result<Program> apart = lower(small_recommender(64), plan);
  plan.fused_tables = true;
  const Result<Program> fused = lower(small_recommender(64), plan);
  ASSERT_TRUE(apart.has_value() && fused.has_value());
  EXPECT_EQ(apart->blocks[0].forward.size(), 4U);
  ASSERT_EQ(fused->blocks[0].forward.size(), 1U);
  Bytes read;
  for (const Task& task : apart->blocks[0].forward)
    read += task.shape.read;
  EXPECT_DOUBLE_EQ(fused->blocks[0].forward[0].shape.read.base(), read.base());
}

RC_GTEST_PROP(lowering, the_backward_of_any_plan_does_the_same_work, ()) {
  const Workload workload = decoder({.batch = 64});
  Plan one;
  one.micro_batch = 64;
  const Result<Program> whole = lower(workload, one);
  const Result<Program> split = lower(workload, any_plan(false));
  RC_ASSERT(whole.has_value() && split.has_value());
  RC_ASSERT(near(total_work(*whole, Pass::backward_input).base(),
                 total_work(*split, Pass::backward_input).base()));
}

/// Counts of collectives in a layer by pass and kind.
std::map<std::pair<std::string, std::string>, int> collectives(const Program& program) {
  std::map<std::pair<std::string, std::string>, int> counts;
  const BlockProgram& layer = program.blocks[1];
  for (const auto* tasks : {&layer.forward, &layer.backward}) {
    for (const Task& task : *tasks) {
      if (task.collective == Collective::none) continue;
      const std::string pass = tasks == &layer.forward ? "forward" : "backward";
      ++counts[{pass, std::string(name_of(task.collective))}];
    }
  }
  return counts;
}

TEST(lowering, tensor_parallelism_derives_two_all_reduces_each_way) {
  Plan plan;
  plan.tensor_parallel = 4;
  const auto counts = collectives(*lower(decoder(), plan));
  const std::map<std::pair<std::string, std::string>, int> expected{{{"backward", "all_reduce"}, 2},
                                                                    {{"forward", "all_reduce"}, 2}};
  EXPECT_EQ(counts, expected);
}

TEST(lowering, sequence_parallelism_turns_them_into_gathers_and_scatters) {
  Plan plan;
  plan.tensor_parallel = 4;
  plan.sequence_parallel = true;
  const auto counts = collectives(*lower(decoder(), plan));
  // Backward: the gradient of each output is gathered, that of each input scattered, and the
  // gathered inputs that were not kept are gathered again (arXiv 2205.05198, section 4.2).
  const std::map<std::pair<std::string, std::string>, int> expected{
      {{"backward", "all_gather"}, 4},
      {{"backward", "reduce_scatter"}, 2},
      {{"forward", "all_gather"}, 2},
      {{"forward", "reduce_scatter"}, 2}};
  EXPECT_EQ(counts, expected);
}

TEST(lowering, expert_parallelism_derives_four_all_to_alls) {
  Plan plan;
  plan.data_parallel = 4;
  plan.expert_parallel = 4;
  const auto counts = collectives(*lower(decoder({.experts = 8}), plan));
  const std::map<std::pair<std::string, std::string>, int> expected{{{"backward", "all_to_all"}, 2},
                                                                    {{"forward", "all_to_all"}, 2}};
  EXPECT_EQ(counts, expected);
}

TEST(lowering, context_parallelism_gathers_keys_and_values_and_scatters_their_gradients) {
  Plan plan;
  plan.context_parallel = 2;
  const auto counts = collectives(*lower(decoder(), plan));
  const std::map<std::pair<std::string, std::string>, int> expected{
      {{"backward", "all_gather"}, 2},
      {{"backward", "reduce_scatter"}, 2},
      {{"forward", "all_gather"}, 2}};
  EXPECT_EQ(counts, expected);
}

TEST(lowering, data_parallelism_alone_needs_nothing_inside_a_layer) {
  Plan plan;
  plan.data_parallel = 4;
  EXPECT_TRUE(collectives(*lower(decoder(), plan)).empty());
}

TEST(lowering, a_cnn_split_by_channels_sums_after_the_second_convolution) {
  Plan plan;
  plan.tensor_parallel = 4;
  const Result<Program> program = lower(small_cnn(16), plan);
  int all_reduces = 0;
  for (const Task& task : program->blocks[0].forward) {
    all_reduces += task.collective == Collective::all_reduce ? 1 : 0;
  }
  EXPECT_EQ(all_reduces, 1);
}

TEST(lowering, kept_activations_follow_the_published_table) {
  // arXiv 2205.05198 with f = 4h, MHA and a plain MLP gives 34 s b h bytes; this decoder has a
  // gated MLP, RMSNorm, GQA and no dropout. By operator, 16 bit: norm inputs 2 x 2h, norm outputs
  // 2 x 2h, q and o 2 x 2ad, keys and values 2 x 2 a_kv d, gate, up and their product 3 x 2f,
  // one log-sum-exp of 4 bytes a row and head.
  const DecoderSizes s;
  const Result<Program> program = lower(decoder(s), Plan{});
  const double tokens = static_cast<double>(s.seq);
  const double per_token = 2.0 * 2 * 512 + 2.0 * 2 * 512 + 2.0 * 2 * 8 * 64 + 2.0 * 2 * 4 * 64 +
                           3.0 * 2 * 1024 + 4.0 * 8;
  EXPECT_DOUBLE_EQ(program->blocks[1].memory.saved.base(), tokens * per_token);
}

TEST(lowering, full_recomputation_keeps_the_layer_input_only) {
  Plan plan;
  plan.recompute = Recompute::full;
  const DecoderSizes s;
  const Result<Program> program = lower(decoder(s), plan);
  EXPECT_DOUBLE_EQ(program->blocks[1].memory.saved.base(), 2.0 * 256 * 512);
}

TEST(lowering, an_illegal_plan_names_all_reasons_and_the_nearest_legal_values) {
  Plan plan;
  plan.tensor_parallel = 3;
  plan.data_parallel = 5;
  plan.expert_parallel = 2;
  const Result<Program> program = lower(decoder(), plan);
  ASSERT_FALSE(program.has_value());
  ASSERT_EQ(program.error().size(), 3U);
  EXPECT_NE(program.error()[0].what.find("heads 8"), std::string::npos);
  EXPECT_NE(program.error()[0].hint.find("tp=2"), std::string::npos);
  EXPECT_NE(program.error()[1].what.find("no experts"), std::string::npos);
  EXPECT_NE(program.error()[2].hint.find("dp=4"), std::string::npos);
}

}  // namespace
}  // namespace fastpath
