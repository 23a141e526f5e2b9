#include "ir/plan_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;

std::string errors_of(std::string_view text) {
  const auto plan = parse_plan(text, Place{"plan", 1, 1});
  std::string messages;
  if (plan) return messages;
  for (const Diagnostic& diagnostic : plan.error())
    messages += format_diagnostic(diagnostic, "error") + "\n";
  return messages;
}

TEST(PlanText, reads_the_fields_words) {
  const auto plan = parse_plan(
      "tp=8 pp=4 dp=2 cp=2 ep=2 micro_batch=1 recompute=selective zero=1 schedule=interleaved:2 sp "
      "optimizer=sgd execution=graph attention=unfused overlap=false weights=fp8 cache=int8 "
      "compute=fp8 gradients=bf16 order=cp,tp,ep,dp,pp",
      Place{});
  ASSERT_TRUE(plan);
  Plan expected;
  expected.tensor_parallel = 8;
  expected.pipeline_parallel = 4;
  expected.data_parallel = 2;
  expected.context_parallel = 2;
  expected.expert_parallel = 2;
  expected.micro_batch = 1;
  expected.recompute = Recompute::selective;
  expected.zero_stage = 1;
  expected.schedule = Schedule::interleaved;
  expected.virtual_stages = 2;
  expected.sequence_parallel = true;
  expected.optimizer = Optimizer::sgd;
  expected.execution = Execution::graph;
  expected.flash_attention = false;
  expected.overlap_gradients = false;
  expected.weight_format = NumberFormat::fp8;
  expected.cache_format = NumberFormat::int8;
  expected.compute_format = NumberFormat::fp8;
  expected.gradient_format = NumberFormat::bf16;
  expected.order = {MeshAxis::context, MeshAxis::tensor, MeshAxis::expert, MeshAxis::data,
                    MeshAxis::pipeline};
  EXPECT_EQ(*plan, expected);
  EXPECT_EQ(parse_plan(write_plan(expected), Place{}).value(), expected);
}

TEST(PlanText, no_words_are_the_default_plan) {
  EXPECT_EQ(parse_plan("  ", Place{}).value(), Plan{});
  EXPECT_EQ(write_plan(Plan{}), "");
}

TEST(PlanText, is_canonical) {
  EXPECT_EQ(write_plan(*parse_plan("sequence_parallel=true zero=0 dp=1  tp=4", Place{})),
            "tp=4 sp");
}

TEST(PlanText, tells_all_mistakes_at_once_with_their_columns) {
  EXPECT_EQ(errors_of("tp=0 pq=4 zero=5 recompute=selektive tensor_parallel=2 dp"),
            "plan:1:4: error: tp: 0 is not from 1 to 1048576\n"
            "plan:1:6: error: unknown word 'pq'\n  hint: did you mean 'pp'?\n"
            "plan:1:16: error: zero: 5 is not from 0 to 3\n"
            "plan:1:28: error: recompute: unknown value 'selektive'\n"
            "  hint: did you mean 'selective'?\n"
            "plan:1:38: error: unknown word 'tensor_parallel'\n  hint: write 'tp'\n"
            "plan:1:56: error: 'dp' has no value\n  hint: write for example 'dp=1'\n");
}

TEST(PlanText, each_word_is_given_once) {
  EXPECT_THAT(errors_of("sp sequence_parallel=true"),
              HasSubstr("1:4: error: 'sequence_parallel' is"));
}

TEST(PlanText, hints_say_how_to_write_it) {
  EXPECT_THAT(errors_of("tp=8,pp=4"), HasSubstr("separate the words"));
  EXPECT_THAT(errors_of("schedule=interleaved"), HasSubstr("schedule=interleaved:2"));
  EXPECT_THAT(errors_of("schedule=gpipe:2"), HasSubstr("has no chunks"));
  EXPECT_THAT(errors_of("order=tp,dp"), HasSubstr("all five"));
  EXPECT_THAT(errors_of("order=tp,tp,tp,tp,tp,tp,tp"), HasSubstr("twice"));
  EXPECT_THAT(errors_of("weights=fp9"), HasSubstr("did you mean 'fp8'?"));
}

TEST(PlanText, sizes_are_bounded) {
  EXPECT_THAT(errors_of("tp=1000000 dp=1000000"), HasSubstr("1,000,000,000,000 devices"));
  EXPECT_THAT(errors_of(std::string(5000, 'x')), HasSubstr("longer than"));
}

}  // namespace
}  // namespace fastpath
