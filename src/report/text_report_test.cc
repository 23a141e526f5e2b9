#include "report/text_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastpath {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Table times() {
  return {"times",
          "Times",
          {{"what", Unit::none}, {"time", Unit::seconds}, {"share", Unit::ratio}},
          {{std::string("compute"), 0.75e-3, 0.75}, {std::string("network"), 0.25e-3, 0.25}}};
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from);
    longest = std::max(longest, end - from);
    from = end + 1;
  }
  return longest;
}

TEST(TextReport, a_column_has_one_scale_with_its_unit_below_the_header) {
  EXPECT_EQ(text_report({"", {times()}, {}}),
            "Times\n"
            "  what      time   share\n"
            "              us\n"
            "  compute  750.0  75.0 %  ###############\n"
            "  network  250.0  25.0 %  #####\n");
}

TEST(TextReport, colour_adds_escapes_and_changes_no_words) {
  std::string colored = text_report({"T", {times()}, {"n"}}, {.color = true, .width = 100});
  EXPECT_THAT(colored, HasSubstr("\x1b["));
  for (std::size_t at = colored.find('\x1b'); at != std::string::npos; at = colored.find('\x1b'))
    colored.erase(at, colored.find('m', at) - at + 1);
  EXPECT_EQ(colored, text_report({"T", {times()}, {"n"}}));
}

TEST(TextReport, a_single_row_is_a_list_with_intervals) {
  const Table table{"s",
                    "S",
                    {{"step_time", Unit::seconds},
                     {"step_time_low", Unit::seconds},
                     {"step_time_high", Unit::seconds},
                     {"tokens", Unit::per_second}},
                    {{3.4, 3.0, 4.0, 12345.0}}};
  EXPECT_EQ(text_report({"", {table}, {}}),
            "S\n  step time  3.400 s (90 %: 3.000 to 4.000 s)\n  tokens/s   12,345\n");
}

TEST(TextReport, a_number_that_is_not_zero_never_reads_as_zero) {
  Table table = times();
  table.rows[1][1] = 1e-12;
  EXPECT_THAT(text_report({"", {table}, {}}), HasSubstr("<0.1"));
}

TEST(TextReport, long_names_are_shortened_until_the_table_fits) {
  Table table = times();
  table.rows[0][0] = std::string(300, 'x');
  table.columns.push_back({"more", Unit::count});
  table.rows[0].push_back(1.0);
  table.rows[1].push_back(2.0);
  EXPECT_LE(longest_line(text_report({"", {table}, {}}, {.color = false, .width = 80})), 80U);
}

TEST(TextReport, names_of_rows_are_shortened_last_and_the_others_evenly) {
  const Table table{"t",
                    "T",
                    {{"id", Unit::none}, {"a", Unit::none}, {"b", Unit::none}, {"n", Unit::count}},
                    {{std::string(20, 'i'), std::string(30, 'a'), std::string(24, 'b'), 1.0},
                     {std::string("j"), std::string("k"), std::string("l"), 2.0}}};
  const std::string text = text_report({"", {table}, {}}, {.color = false, .width = 69});
  EXPECT_THAT(text, HasSubstr(std::string(20, 'i')));
  EXPECT_THAT(text, HasSubstr(" aaaaaaaaa...aaaaaaaa  bbbbbbbbb...bbbbbbbb "));
}

TEST(TextReport, a_column_that_nothing_is_in_is_left_out) {
  const Table table{
      "t",
      "T",
      {{"id", Unit::none}, {"gone", Unit::none}, {"none", Unit::watts}},
      {{std::string("x"), std::string(), Cell{}}, {std::string("y"), std::string(), Cell{}}}};
  EXPECT_EQ(text_report({"", {table}, {}}), "T\n  id\n  x\n  y\n");
}

TEST(TextReport, a_long_last_text_is_wrapped_not_cut) {
  Table table{"t",
              "T",
              {{"a", Unit::none}, {"b", Unit::none}},
              {{std::string("x"), std::string("one two three four five six seven eight nine ten")},
               {std::string("y"), std::string("z")}}};
  EXPECT_EQ(text_report({"", {table}, {}}, {.color = false, .width = 40}),
            "T\n  a  b\n  x  one two three four five six seven\n     eight nine ten\n  y  z\n");
}

TEST(TextReport, names_from_files_cannot_steer_the_terminal) {
  Table table = times();
  table.rows[0][0] = std::string("\x1b[2Jevil\r\n\xff");
  const std::string text = text_report({"\x1b]0;title", {table}, {}});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, HasSubstr("?[2Jevil???"));
}

TEST(TextReport, a_ragged_or_empty_table_is_printed) {
  EXPECT_THAT(text_report({"", {{"a", "A", {{"x", Unit::none}}, {}}}, {}}), HasSubstr("(none)"));
  Table table = times();
  table.rows[0].clear();
  EXPECT_THAT(text_report({"", {table}, {}}), HasSubstr("network"));
}

TEST(FormatCell, picks_the_scale_that_reads_best) {
  EXPECT_EQ(format_cell(3.412e-3, Unit::seconds), "3.412 ms");
  EXPECT_EQ(format_cell(7200 * 3, Unit::seconds), "6.000 h");
  EXPECT_EQ(format_cell(80 * 0x1p30, Unit::bytes), "80.00 GiB");
  EXPECT_EQ(format_cell(989.4e12, Unit::flops_per_second), "989.4 TFLOP/s");
  EXPECT_EQ(format_cell(0.612, Unit::ratio), "61.2 %");
  EXPECT_EQ(format_cell(8030261248, Unit::count), "8,030,261,248");
  EXPECT_EQ(format_cell(2.5e-7, Unit::dollars), "0.0000002500 USD");
}

}  // namespace
}  // namespace fastpath
