#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastpath {
namespace {

using ::testing::ElementsAre;
using Names = std::vector<std::string>;

TEST(Text, trims_splits_and_finds_words) {
  EXPECT_EQ(trim("  a b\t\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_THAT(split("a, b,,c ", ','), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(words("  tp=8 \t dp=2\n"), ElementsAre("tp=8", "dp=2"));
  EXPECT_THAT(words("   "), ElementsAre());
}

TEST(Text, distance_counts_edits_and_swapped_neighbours_once) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("hiden", "hidden"), 1u);
  EXPECT_EQ(edit_distance("ffn", "fnf"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", "abc"), 0u);
}

TEST(Text, suggests_what_was_probably_meant) {
  const Names names{"matmul", "attention", "rms_norm"};
  EXPECT_EQ(nearest("matmull", names), "matmul");
  EXPECT_EQ(nearest("Attention", names), "attention");
  EXPECT_EQ(nearest("rmsnorm", names), "rms_norm");
  EXPECT_EQ(nearest("transpose", names), std::nullopt);
  EXPECT_EQ(nearest("h100", Names{"nvidia-h100-sxm-80gb", "nvidia-h100-pcie"}), "nvidia-h100-pcie");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), names), std::nullopt);
}

TEST(Text, a_hint_names_the_nearest_else_the_known_words) {
  EXPECT_EQ(did_you_mean("matmull", Names{"matmul"}), "did you mean 'matmul'?");
  EXPECT_EQ(did_you_mean("dgx-a100", Names{"dgx-h100", "dgx-a100-40gb", "dgx-a100-80gb"}),
            "did you mean 'dgx-a100-40gb', 'dgx-a100-80gb'?");
  EXPECT_EQ(did_you_mean("xyz", Names{"tp", "dp"}), "known: tp, dp");
  EXPECT_EQ(did_you_mean("x", Names{}), "");
  EXPECT_THAT(did_you_mean("?", Names(20, "name")), ::testing::EndsWith("... (20 in all)"));
}

TEST(Text, quotes_are_short_and_printable) {
  EXPECT_EQ(in_quotes("tp"), "'tp'");
  EXPECT_EQ(in_quotes("a\x1b[31m\n"), "'a\\x1b[31m\\n'");
  EXPECT_LT(in_quotes(std::string(1000, 'a')).size(), 70u);
}

TEST(Text, what_is_not_text_is_found) {
  EXPECT_EQ(first_non_text("a\tb\r\n\u00b5\u20ac\U0001F600"), std::nullopt);
  EXPECT_EQ(first_non_text(std::string_view("ab\0c", 4)), 2u);
  EXPECT_EQ(first_non_text("a\x04"), 1u);
  for (const char* wrong : {"\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"})
    EXPECT_EQ(first_non_text(wrong), 0u);
}

TEST(Text, an_offset_has_a_line_and_a_column) {
  const Place place = place_at("ab\ncd\n", 4, "f");
  EXPECT_EQ(place.line, 2);
  EXPECT_EQ(place.column, 2);
  EXPECT_EQ(place_at("ab", 99, "f").column, 3);
}

TEST(Text, diagnostics_look_like_a_compilers) {
  EXPECT_EQ(format_diagnostic({{"a.yaml", 3, 7}, "no such key", "did you mean 'x'?"}, "error"),
            "a.yaml:3:7: error: no such key\n  hint: did you mean 'x'?");
  EXPECT_EQ(format_diagnostic({{"plan", 0, 4}, "bad", ""}, "warning"), "plan: warning: bad");
  EXPECT_EQ(format_diagnostic({{}, "bad", ""}, "error"), "error: bad");
}

TEST(Text, a_number_is_a_whole_or_decimal_number_and_nothing_else) {
  EXPECT_EQ(parse_number("2.5"), 2.5);
  EXPECT_EQ(parse_number("-1e3"), -1000);
  EXPECT_EQ(parse_number(".5"), 0.5);
  for (const char* wrong : {"", "nan", "inf", "-inf", "0x10", "1e999", "2 ", "2x", "+2", "-", "."})
    EXPECT_EQ(parse_number(wrong), std::nullopt) << wrong;
  EXPECT_EQ(parse_integer("-12"), -12);
  for (const char* wrong : {"", "1.5", "1e3", "99999999999999999999", "12a", " 1"})
    EXPECT_EQ(parse_integer(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace fastpath
