#include "import/csv/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;

std::string errors_of(std::string_view text, const CsvLimits& limits = {}) {
  const auto table = parse_csv(text, "t.csv", limits);
  std::string messages;
  if (table) return messages;
  for (const Diagnostic& diagnostic : table.error())
    messages += format_diagnostic(diagnostic, "error") + "\n";
  return messages;
}

TEST(Csv, reads_quotes_line_ends_marks_and_comments) {
  const auto table = parse_csv(
      "\xEF\xBB\xBF# made by hand\r\nname, note\r\n\r\na,\"x, \"\"y\"\"\nz\"\r\nb,\n", "t");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->column("note"), 1u);
  EXPECT_EQ(table->column("nope"), std::nullopt);
  ASSERT_EQ(table->rows.size(), 2u);
  EXPECT_EQ(table->rows[0][1].text, "x, \"y\"\nz");
  EXPECT_EQ(table->rows[0][1].line, 4);
  EXPECT_EQ(table->rows[0][1].column, 3);
  EXPECT_EQ(table->rows[1][1].text, "");
  EXPECT_EQ(table->rows[1][0].line, 6);
}

TEST(Csv, a_ragged_row_is_an_error_with_its_place) {
  EXPECT_EQ(errors_of("a,b\n1,2,3\n4\n"),
            "t.csv:2:1: error: the row has 3 cells, the header has 2\n"
            "  hint: put a cell that has a comma in it in double quotes\n"
            "t.csv:3:1: error: the row has 1 cells, the header has 2\n"
            "  hint: put a cell that has a comma in it in double quotes\n");
}

TEST(Csv, broken_quotes_are_errors) {
  EXPECT_THAT(errors_of("a,b\n1,\"x\n"), HasSubstr("t.csv:2:3: error: the quote is not closed"));
  EXPECT_THAT(errors_of("a\n\"x\"y\n"),
              HasSubstr("t.csv:2:4: error: text after the closing quote"));
}

TEST(Csv, a_header_names_each_column_once) {
  EXPECT_THAT(errors_of(""), HasSubstr("no header"));
  EXPECT_THAT(errors_of("a,,b\n"), HasSubstr("t.csv:1:3: error: a column has no name"));
  EXPECT_THAT(errors_of("a,b,a\n"), HasSubstr("t.csv:1:5: error: column 'a' is given twice"));
}

TEST(Csv, limits_hold) {
  EXPECT_THAT(errors_of("a\n1\n2\n3\n", CsvLimits{.rows = 2}), HasSubstr("more than 2 rows"));
  EXPECT_THAT(errors_of("a,b,c\n", CsvLimits{.columns = 2}), HasSubstr("more than 2 cells"));
  EXPECT_THAT(errors_of("a,b,c\n", CsvLimits{.bytes = 2}), HasSubstr("larger than 2 bytes"));
  EXPECT_THAT(errors_of(std::string_view("a\0b", 3)),
              HasSubstr("t.csv:1:2: error: this is not text"));
}

TEST(Csv, unknown_and_missing_columns_are_named) {
  const auto table = parse_csv("naem,m\n", "t.csv");
  ASSERT_TRUE(table);
  const std::vector<std::string> required{"name", "m"};
  const Diagnostics mistakes = check_columns(*table, required, {});
  ASSERT_EQ(mistakes.size(), 2u);
  EXPECT_EQ(format_diagnostic(mistakes[0], "error"),
            "t.csv:1:1: error: unknown column 'naem'\n  hint: did you mean 'name'?");
  EXPECT_EQ(mistakes[1].what, "column 'name' is missing");
}

TEST(Csv, a_written_cell_reads_back) {
  for (const std::string text : {"a", "a,b", "\"", " x ", "#x", "1\n2", "", "\xEF\xBB\xBF"}) {
    const auto table = parse_csv("k,l\nv," + csv_cell(text) + "\n", "t");
    ASSERT_TRUE(table) << text;
    EXPECT_EQ(table->rows[0][1].text, text);
  }
}

}  // namespace
}  // namespace fastpath
