#include "import/catalog/table.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fastpath {
namespace {

constexpr std::size_t kMissing = static_cast<std::size_t>(-1);

}  // namespace

Result<CatalogTable> CatalogTable::parse(std::string_view text, const std::string& file,
                                         const std::vector<std::string>& known) {
  auto csv = parse_csv(text, file);
  if (!csv) return failure(csv.error());
  CatalogTable table;
  table.csv_ = std::move(*csv);
  Diagnostics errors;
  for (const CsvCell& cell : table.csv_.header) {
    const std::size_t bracket = cell.text.find('[');
    Column column{std::string(trim(std::string_view(cell.text).substr(0, bracket))), {}};
    if (bracket != std::string::npos) {
      std::string_view unit = std::string_view(cell.text).substr(bracket + 1);
      if (unit.ends_with(']')) unit.remove_suffix(1);
      column.unit = std::string(trim(unit));
    }
    if (std::find(known.begin(), known.end(), column.name) == known.end()) {
      errors.push_back({table.csv_.place(cell), fmt::format("unknown column '{}'", column.name),
                        did_you_mean(column.name, known)});
    }
    table.columns_.push_back(std::move(column));
  }
  if (!errors.empty()) return failure(std::move(errors));
  return table;
}

std::size_t CatalogTable::index(std::string_view column) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == column) return i;
  }
  return kMissing;
}

std::string_view CatalogTable::unit(std::string_view column) const {
  const std::size_t i = index(column);
  return i == kMissing ? std::string_view() : columns_[i].unit;
}

std::string_view CatalogTable::text(std::size_t row, std::string_view column) const {
  const std::size_t i = index(column);
  return i == kMissing ? std::string_view() : csv_.rows[row][i].text;
}

Place CatalogTable::place(std::size_t row, std::string_view column) const {
  const std::size_t i = index(column);
  return i == kMissing ? Place{csv_.file, 0, 0} : csv_.place(csv_.rows[row][i]);
}

std::optional<std::array<double, 3>> CatalogTable::range(std::size_t row, std::string_view column,
                                                         Diagnostics& errors) const {
  const std::string_view cell = text(row, column);
  if (cell.empty()) return std::nullopt;
  return range_of(cell, place(row, column), errors);
}

std::optional<std::array<double, 3>> CatalogTable::range_of(std::string_view cell,
                                                            const Place& place,
                                                            Diagnostics& errors) {
  const bool middle = cell.find('~') != std::string_view::npos;
  std::vector<double> numbers;
  for (const std::string_view part : split(cell, middle ? '~' : '|')) {
    const auto number = parse_number(part);
    if (!number || !std::isfinite(*number) || *number < 0) {
      errors.push_back({place, fmt::format("'{}' is not a number", part.substr(0, 40)),
                        "write a number, a|b (a preferred) or a~b (a range)"});
      return std::nullopt;
    }
    numbers.push_back(*number);
  }
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  return std::array<double, 3>{middle ? std::sqrt(*low * *high) : numbers.front(), *low, *high};
}

Source CatalogTable::source(std::size_t row) const {
  return {std::string(text(row, "source")), std::string(text(row, "locator")),
          std::string(text(row, "date")), std::string(text(row, "confidence"))};
}

}  // namespace fastpath
