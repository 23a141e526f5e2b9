// The CSV reader, the table of products and the published tables of storage and networks take any
// bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "import/csv/csv.h"
#include "import/csv/gemm_table.h"
#include "import/measurements/edge.h"
#include "import/measurements/mlperf.h"
#include "import/measurements/peers.h"
#include "import/measurements/storage.h"
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
  if (const auto runs = fastpath::read_storage_runs(text, "fuzz")) {
    for (const auto& run : *runs)
      require(run.accelerators > 0 && run.compute > fastpath::Seconds{});
  }
  if (const auto runs = fastpath::read_decode_runs(text, "fuzz")) {
    for (const auto& run : *runs)
      require(run.workers >= 0);
  }
  if (const auto runs = fastpath::read_edge_runs(text, "fuzz")) {
    for (const auto& run : *runs)
      require(run.threads > 0 && run.time > fastpath::Seconds{});
  }
  if (const auto steps = fastpath::read_peer_steps(text, "fuzz")) {
    for (const auto& step : *steps)
      require(step.predicted > fastpath::Seconds{});
  }
  if (const auto runs = fastpath::read_tiny_runs(text, "fuzz")) {
    for (const auto& run : *runs)
      require(run.time > fastpath::Seconds{});
  }
  (void)fastpath::read_tiny_networks(text, "fuzz");
  (void)fastpath::read_mobile_runs(text, "fuzz");
  (void)fastpath::read_edge_layers(text, "fuzz");
  (void)fastpath::read_edge_networks(text, "fuzz");
  return 0;
}
