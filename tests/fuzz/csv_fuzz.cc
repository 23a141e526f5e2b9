// The CSV reader and the table of products take any bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "import/csv/csv.h"
#include "import/csv/gemm_table.h"
#include "ir/semantics.h"
#include "require.h"

namespace {

/// What is read is written and read back to the same cells.
void check_round_trip(const fastpath::CsvTable& table) {
  std::string written;
  const auto add_row = [&](const std::vector<fastpath::CsvCell>& row) {
    for (std::size_t i = 0; i < row.size(); ++i)
      written += (i > 0 ? "," : "") + fastpath::csv_cell(row[i].text);
    written += '\n';
  };
  add_row(table.header);
  for (const auto& row : table.rows)
    add_row(row);
  // A row of one empty cell is an empty line, which is skipped.
  if (table.header.size() < 2) return;
  const auto again = fastpath::parse_csv(written, "written");
  require(again.has_value());
  require(again->rows.size() == table.rows.size());
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    for (std::size_t j = 0; j < table.header.size(); ++j)
      require(again->rows[i][j].text == table.rows[i][j].text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto table = fastpath::parse_csv(text, "fuzz");
  if (table) check_round_trip(*table);
  const auto workload = fastpath::read_gemm_table(text, "fuzz");
  if (workload) require(fastpath::count(workload->value).forward_work > fastpath::Flops{0});
  return 0;
}
