#include "analyze/runtime_findings.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

RuntimeEvent event(const std::string& name, double start, double duration, std::uint64_t run) {
  return {name, name == "c" ? "Conv" : "Add", "", Seconds{start}, Seconds{duration}, run};
}

/// A warm-up and three executions of a convolution and an addition.
std::vector<RuntimeEvent> events() {
  return {event("c", 0, 90, 0),  event("a", 90, 9, 0),  event("c", 100, 4, 1),
          event("a", 104, 1, 1), event("c", 200, 6, 2), event("a", 206, 3, 2),
          event("c", 300, 5, 3), event("a", 305, 2, 3)};
}

TEST(runtime_operators, are_medians_without_warm_ups) {
  const auto operators = operators_of(events(), 1);
  ASSERT_EQ(operators.size(), 2u);
  EXPECT_EQ(operators[0].runs, 3u);
  EXPECT_DOUBLE_EQ(operators[0].median.base(), 5);
  EXPECT_DOUBLE_EQ(operators[0].quiet.base(), 4);
  EXPECT_EQ(operators_of(events(), 9)[0].runs, 4u);  // no more than warm-ups: all count
}

TEST(runtime_operators, shares_add_up) {
  const Table table = runtime_types_table(operators_of(events(), 1));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(std::get<std::string>(table.rows[0][0]), "Conv");
  EXPECT_DOUBLE_EQ(std::get<double>(table.rows[0][3]) + std::get<double>(table.rows[1][3]), 1);
}

TEST(runtime_operators, that_hold_others_count_without_them) {
  // An If of 20 around one of 8 that holds 3, and 5 beside it.
  const auto at = [](const std::string& name, const std::string& type, double start,
                     double length) {
    return RuntimeEvent{name, type, "", Seconds{start}, Seconds{length}, 0};
  };
  const std::vector<RuntimeEvent> nested{at("outer", "If", 10, 20), at("inner", "If", 10, 8),
                                         at("a", "Add", 12, 3), at("b", "Add", 20, 5),
                                         at("c", "Add", 30, 2)};
  const auto operators = operators_of(nested, 0);
  ASSERT_EQ(operators.size(), 5u);
  EXPECT_DOUBLE_EQ(operators[0].median.base(), 7);
  EXPECT_DOUBLE_EQ(operators[1].median.base(), 5);
  EXPECT_TRUE(operators[1].holds_others);
  double sum = 0;
  for (const RuntimeOperator& one : operators)
    sum += one.median.base();
  EXPECT_DOUBLE_EQ(sum, 22);
  // By the three that hold none.
  EXPECT_DOUBLE_EQ(profiler_cost(operators, Seconds{4}).base(), 2);
}

TEST(runtime_timeline, is_of_the_middle_execution) {
  const Timeline timeline = timeline_of(events(), 1, "model");
  EXPECT_EQ(timeline.origin, Origin::measured);
  ASSERT_EQ(timeline.spans.size(), 2u);
  EXPECT_EQ(timeline.spans[0].start, 0);
  EXPECT_EQ(timeline.spans[1].start, 5'000'000'000'000);
  EXPECT_EQ(timeline.spans[1].duration, 2'000'000'000'000);
  EXPECT_TRUE(timeline_of({}, 1, "model").spans.empty());
}

}  // namespace
}  // namespace fastpath
