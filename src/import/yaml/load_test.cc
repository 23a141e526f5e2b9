#include "import/yaml/load.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(load_file, a_class_has_limits_lengths_and_a_priority) {
  const auto load = read_load(
      "rate: 20\n"
      "length_spread: 0.5\n"
      "classes:\n"
      "  - {name: chat, share: 0.7, isl: 512, max_ttft: 500 ms, max_tpot: 30 ms}\n"
      "  - {name: batch, share: 0.3, priority: 1, osl: 100, length_spread: 0, max_latency: 2 "
      "min}\n",
      "load.yaml");
  ASSERT_TRUE(load.has_value());
  EXPECT_EQ(load->rate, 20);
  ASSERT_EQ(load->classes.size(), 2u);
  EXPECT_DOUBLE_EQ(load->classes[0].limits.first_token.base(), 0.5);
  EXPECT_EQ(load->classes[0].input->least, 256);
  EXPECT_EQ(load->classes[0].input->most, 768);
  EXPECT_FALSE(load->classes[0].output.has_value());
  EXPECT_EQ(load->classes[1].priority, 1);
  EXPECT_EQ(load->classes[1].output->most, 100);
  EXPECT_DOUBLE_EQ(load->classes[1].limits.total.base(), 120);
}

std::vector<std::string> mistakes(std::string_view text) {
  const auto load = read_load(text, "load.yaml");
  std::vector<std::string> all;
  if (load) return all;
  for (const Diagnostic& one : load.error()) {
    all.push_back(std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + " " +
                  one.what);
  }
  return all;
}

TEST(load_file, all_mistakes_are_told_with_their_places) {
  const auto all = mistakes(
      "rate: 20\n"
      "concurrency: 4\n"
      "rat: 3\n"
      "classes:\n"
      "  - {name: chat, share: 2, max_ttft: 500}\n"
      "  - {name: chat, share: 0.3, max_tpot: 0 ms}\n");
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[0], "2:14 more than one load");
  EXPECT_EQ(all[1].substr(0, 4), "3:1 ");
  EXPECT_EQ(all[2].substr(0, 5), "5:25 ");
  EXPECT_EQ(all[3].substr(0, 5), "5:38 ");
  EXPECT_EQ(all[4], "6:12 class 'chat' is given twice");
  EXPECT_EQ(all[5], "6:40 max_tpot is not above 0");
}

TEST(load_file, shares_add_up_and_a_trace_has_its_own_lengths) {
  EXPECT_EQ(mistakes("rate: 1\nclasses: [{name: a, share: 0.5}]\n"),
            std::vector<std::string>{"2:10 the shares of classes add up to 0.5, not to 1"});
  EXPECT_EQ(mistakes("requests: a.csv\nisl: 5\n"),
            std::vector<std::string>{"2:6 isl beside a trace"});
  EXPECT_FALSE(mistakes("rate: 1\nclasses: []\n").empty());
  EXPECT_FALSE(mistakes("rate: 1\nclasses: {}\n").empty());
}

}  // namespace
}  // namespace fastpath
