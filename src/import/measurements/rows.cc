#include "import/measurements/rows.h"

namespace fastpath {

double positive_number(const MeasurementRow& row, std::string_view column) {
  const auto value = row.number(column);
  if (value && *value > 0) return *value;
  if (value || row.text(column).empty()) {
    row.mistake(column, fmt::format("{} is not above 0", column));
  }
  return 1;
}

Result<void> read_measurement_rows(std::string_view text, const std::string& file,
                                   const std::vector<std::string>& columns,
                                   const std::function<void(const MeasurementRow&)>& read) {
  constexpr std::size_t kMostMistakes = 100;
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  Diagnostics errors;
  for (const std::string& name : columns) {
    if (!table->column(name)) {
      errors.push_back({{file, 1, 1}, fmt::format("column '{}' is missing", name), {}});
    }
  }
  if (!errors.empty()) return failure(std::move(errors));
  for (std::size_t i = 0; i < table->rows.size() && errors.size() < kMostMistakes; ++i)
    read(MeasurementRow(*table, i, errors));
  if (!errors.empty()) return failure(std::move(errors));
  return {};
}

}  // namespace fastpath
