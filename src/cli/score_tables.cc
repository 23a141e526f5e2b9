#include "cli/score_tables.h"

#include <map>
#include <utility>

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

}  // namespace fastpath::cli
