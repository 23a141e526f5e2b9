/// Tables of the catalog: CSV whose columns carry their unit, `bandwidth [GB/s]`.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/system.h"

#include "base/text.h"
#include "base/units.h"
#include "import/csv/csv.h"

namespace fastpath {

/// A table read once. Cells are read when a row is asked for.
class CatalogTable {
 public:
  /// `known`: the columns that a reader asks for, without units. Others are mistakes.
  static Result<CatalogTable> parse(std::string_view text, const std::string& file,
                                    const std::vector<std::string>& known);

  std::size_t rows() const { return csv_.rows.size(); }
  std::string_view text(std::size_t row, std::string_view column) const;
  Place place(std::size_t row, std::string_view column) const;

  /// A cell with its column's unit. `a|b|c`: a is the value, all span the range. `a~b`: the
  /// geometric middle. Empty: nothing. Mistakes go to `errors`.
  template <class Q>
  std::optional<Figure<Q>> figure(std::size_t row, std::string_view column, const Source& source,
                                  Diagnostics& errors) const {
    const std::string_view cell = text(row, column);
    if (cell.empty()) return std::nullopt;
    const Place where = place(row, column);
    const auto numbers = range_of(cell, where, errors);
    if (!numbers) return std::nullopt;
    const auto one = parse_quantity<Q>("1 " + std::string(unit(column)), where);
    if (!one) {
      errors.insert(errors.end(), one.error().begin(), one.error().end());
      return std::nullopt;
    }
    return Figure<Q>{numbers->at(0) * *one, numbers->at(1) * *one, numbers->at(2) * *one, source};
  }

  /// value, low and high of a cell without unit.
  std::optional<std::array<double, 3>> range(std::size_t row, std::string_view column,
                                             Diagnostics& errors) const;

  /// The columns source, locator, date and confidence.
  Source source(std::size_t row) const;

 private:
  struct Column {
    std::string name;
    std::string unit;
  };

  std::size_t index(std::string_view column) const;
  std::string_view unit(std::string_view column) const;
  static std::optional<std::array<double, 3>> range_of(std::string_view cell, const Place& place,
                                                       Diagnostics& errors);

  CsvTable csv_;
  std::vector<Column> columns_;
};

}  // namespace fastpath
