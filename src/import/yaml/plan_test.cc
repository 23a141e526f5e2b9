#include "import/yaml/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "ir/plan_text.h"

namespace fastpath {
namespace {

TEST(PlanYaml, a_map_a_text_and_a_key_say_the_same) {
  const Plan expected = parse_plan("tp=8 sp order=cp,tp,ep,dp,pp zero=1", Place{}).value();
  for (const char* text : {"tp: 8\nsp: true\norder: [cp, tp, ep, dp, pp]\nzero: 1\n",
                           "plan: {tp: 8, sp: , order: 'cp,tp,ep,dp,pp', zero: 1}\n",
                           "plan: tp=8 sp order=cp,tp,ep,dp,pp zero=1\n",
                           "\"tp=8 sp order=cp,tp,ep,dp,pp zero=1\"\n"}) {
    const auto plan = read_plan(text, "p.yaml");
    ASSERT_TRUE(plan) << text << plan.error()[0].what;
    EXPECT_EQ(*plan, expected) << text;
  }
  EXPECT_EQ(read_plan(write_plan_yaml(expected), "p").value(), expected);
  EXPECT_EQ(read_plan(write_plan_yaml(Plan{}), "p").value(), Plan{});
}

TEST(PlanYaml, mistakes_have_their_places) {
  const auto plan = read_plan("tp: 0\npq: 2\nzero: {a: 1}\n", "p.yaml");
  ASSERT_FALSE(plan);
  std::string messages;
  for (const Diagnostic& diagnostic : plan.error())
    messages += format_diagnostic(diagnostic, "error") + "\n";
  EXPECT_EQ(messages,
            "p.yaml:1:5: error: tp: 0 is not from 1 to 1048576\n"
            "p.yaml:2:1: error: unknown word 'pq'\n  hint: did you mean 'pp'?\n"
            "p.yaml:3:7: error: expected a single value, not a map\n");
  EXPECT_EQ(read_plan("plan: tp=8 dq=2\n", "p").error()[0].place.column, 12);
}

TEST(PlanYaml, names_the_file_of_its_input) {
  for (const char* text : {"plan: tp=8\ninput: p.yaml\n", "input: p.yaml\ntp: 8\n"}) {
    const auto read = read_plan_file(text, "plan.yaml");
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->plan.tensor_parallel, 8);
    EXPECT_EQ(read->input, "p.yaml");
  }
  EXPECT_EQ(read_plan_file("tp: 8\n", "plan.yaml")->input, "");
  const auto wrong = read_plan_file("input: [a, b]\ntq: 8\n", "plan.yaml");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().size(), 2u);
}

}  // namespace
}  // namespace fastpath
