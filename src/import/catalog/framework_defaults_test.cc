#include "import/catalog/framework_defaults.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace fastpath {
namespace {

constexpr std::string_view kHeader =
    "framework,knob,value,when,since,confidence,source,locator,date,note\n";

FrameworkDefaults embedded() {
  auto table = FrameworkDefaults::embedded();
  if (!table) ADD_FAILURE() << table.error().front().what;
  return table.value_or(FrameworkDefaults{});
}

Plan complete(std::string_view framework, std::vector<PlanWord> words,
              const FrameworkSetting& setting = {}) {
  const auto completed = embedded().complete(words, framework, setting);
  EXPECT_TRUE(completed);
  return completed ? completed->plan : Plan{};
}

std::string value_of(std::string_view framework, std::string_view knob) {
  for (const FrameworkDefault& row : embedded().of(framework, {}, {})) {
    if (row.knob == knob) return row.value;
  }
  return {};
}

std::string mistake(const std::string& rows) {
  const auto table = FrameworkDefaults::parse(std::string(kHeader) + rows, "t.csv");
  return table ? "" : table.error().front().what;
}

TEST(framework_defaults, of_the_catalog_know_the_published_frameworks) {
  const std::vector<std::string> names = embedded().frameworks();
  for (const char* name :
       {"alpa", "deepspeed", "dgxc-benchmarking", "fms-fsdp", "internevo", "llm-foundry", "maxtext",
        "megatron-bridge", "megatron-core", "megatron-deepspeed", "megatron-lm", "megatron-sc21",
        "nemo", "primus", "torchtitan", "torchtune", "vtrain"})
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), name)) << name;
}

TEST(framework_defaults, every_row_has_a_source_with_a_commit_and_a_path) {
  for (const std::string& name : embedded().frameworks()) {
    for (const FrameworkDefault& row : embedded().of(name, {}, {})) {
      EXPECT_NE(row.source.cite.find('@'), std::string::npos) << name << ' ' << row.knob;
      EXPECT_FALSE(row.source.locator.empty()) << name << ' ' << row.knob;
      EXPECT_EQ(row.source.date.size(), 10U) << name << ' ' << row.knob;
    }
  }
}

TEST(framework_defaults, are_taken_where_nothing_is_stated) {
  const Plan plan = complete("nemo", {{"tp", "4", {}, {}}, {"recompute", "full", {}, {}}});
  EXPECT_EQ(plan.zero_stage, 1);
  EXPECT_TRUE(plan.sequence_parallel);
  EXPECT_EQ(plan.recompute, Recompute::full);
}

TEST(framework_defaults, hold_under_their_conditions_only) {
  EXPECT_FALSE(complete("nemo", {{"tp", "1", {}, {}}}).sequence_parallel);
  EXPECT_TRUE(complete("torchtitan", {}).reshard);
  EXPECT_FALSE(complete("torchtitan", {{"pp", "2", {}, {}}}).reshard);
  EXPECT_EQ(complete("deepspeed", {}).gradient_format, NumberFormat::fp32);
  EXPECT_EQ(complete("deepspeed", {{"zero", "2", {}, {}}}).gradient_format, NumberFormat::bf16);
}

TEST(framework_defaults, are_those_of_the_softwares_date) {
  EXPECT_FALSE(complete("megatron-lm", {}, {.date = "2022-05-19"}).flash_attention);
  EXPECT_TRUE(complete("megatron-lm", {}, {.date = "2025-01-01"}).flash_attention);
  EXPECT_TRUE(complete("megatron-lm", {}).flash_attention);
}

TEST(framework_defaults, come_from_parents_where_a_framework_has_none) {
  EXPECT_EQ(value_of("vtrain", "vocab"), "50257");
  EXPECT_EQ(value_of("vtrain", "vocab_multiple"), "128");
  EXPECT_EQ(value_of("vtrain", "recompute"), "full");
}

TEST(framework_defaults, refuse_what_no_plan_and_no_knob_takes) {
  EXPECT_EQ(mistake("a,zero,7,,,documented,r@1,p,2026-01-01,\n"), "zero: 7 is not from 0 to 3");
  EXPECT_EQ(mistake("a,speed,7,,,documented,r@1,p,2026-01-01,\n"), "unknown word 'speed'");
  EXPECT_EQ(mistake("a,zero,1,tp>2,,documented,r@1,p,2026-01-01,\n"), "unknown condition 'tp>2'");
  EXPECT_EQ(mistake("a,dropout,0.1,,,documented,r@1,p,2026-01-01,\n"),
            "'0.1' is neither true nor false");
  EXPECT_EQ(mistake("a,zero,1,,,assumed,r@1,p,2026-01-01,\n"), "an assumption needs a reason");
  EXPECT_EQ(mistake("a,inherits,b,,,documented,r@1,p,2026-01-01,\n"),
            "a inherits from 'b', which has no rows");
  EXPECT_EQ(mistake("a,inherits,b,,,documented,r@1,p,2026-01-01,\n"
                    "b,inherits,a,,,documented,r@1,p,2026-01-01,\n"),
            "a inherits without end");
}

}  // namespace
}  // namespace fastpath
