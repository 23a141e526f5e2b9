#include "cli/score_tables.h"

#include <map>
#include <utility>

#include "base/text.h"
#include "cli/sources.h"
#include "import/csv/csv.h"

namespace fastpath::cli {

Table score_table(std::string name, std::string title, std::span<const ScoredRow> rows,
                  const RowKey& key) {
  Table table{std::move(name),
              std::move(title),
              {{"of", Unit::none},
               {"rows", Unit::count},
               {"median_error", Unit::ratio},
               {"mean_error", Unit::ratio},
               {"bias", Unit::ratio},
               {"unfitted_median", Unit::ratio},
               {"unfitted_mean", Unit::ratio},
               {"coverage", Unit::ratio},
               {"coverage_from", Unit::ratio},
               {"coverage_to", Unit::ratio},
               {"width", Unit::ratio},
               {"worst", Unit::none}},
              {}};
  for (const auto& [group, score] : score_by(rows, key, 2)) {
    std::string worst;
    for (const std::size_t i : score.worst)
      worst += (worst.empty() ? "" : " ") + rows[i].id;
    table.rows.push_back({group, static_cast<double>(score.rows), score.median, score.mean,
                          score.bias, score.naive_median, score.naive_mean, score.coverage,
                          score.coverage_low, score.coverage_high, score.median_width, worst});
  }
  return table;
}

Table unscored_table(const std::vector<UnscoredRun>& unscored) {
  std::map<std::string, std::vector<std::string>> rules;
  for (const UnscoredRun& run : unscored)
    rules[run.rule].push_back(run.id);
  Table table{"unscored",
              "Rows that are listed, not scored",
              {{"rule", Unit::none}, {"rows", Unit::count}, {"first", Unit::none}},
              {}};
  for (const auto& [rule, ids] : rules)
    table.rows.push_back({rule, static_cast<double>(ids.size()), ids.front()});
  return table;
}

std::optional<Table> stated_by_peers(const std::string& folder, bool of_serving) {
  constexpr std::uintmax_t kMostTableBytes = 1u << 20;
  const std::string file = folder + "/peers.csv";
  const Result<std::string> text = read_file(file, kMostTableBytes);
  if (!text) return std::nullopt;
  const Result<CsvTable> csv = parse_csv(*text, file);
  if (!csv) return std::nullopt;
  Table table{"peers", "What other tools say of themselves, or were found to be off by", {}, {}};
  for (const CsvCell& cell : csv->header)
    table.columns.push_back({cell.text, cell.text == "share" ? Unit::ratio : Unit::none});
  for (const auto& cells : csv->rows) {
    if (cells.empty() || (cells.front().text == "serving") != of_serving) continue;
    std::vector<Cell>& row = table.rows.emplace_back();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto number = parse_number(cells[i].text);
      const bool ratio = table.columns[i].unit == Unit::ratio && number;
      row.push_back(ratio ? Cell{*number} : Cell{cells[i].text});
    }
  }
  return table;
}

}  // namespace fastpath::cli
