/// Findings: tables with units, ready for any reporter.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace fastpath {

/// Unit of a column: base units only, so that text and JSON scale them in one place.
enum class Unit : std::uint8_t {
  none,
  seconds,
  bytes,
  flops,
  joules,
  dollars,
  bytes_per_second,
  flops_per_second,
  watts,
  dollars_per_second,
  per_second,
  ratio,  ///< a share; text shows per cent
  count,
};

struct Column {
  std::string name;  ///< snake_case without the unit; reporters add it
  Unit unit = Unit::none;
};

/// Empty, text or a number in the column's base unit.
using Cell = std::variant<std::monostate, std::string, double>;

struct Table {
  std::string name;   ///< snake_case: the JSON key
  std::string title;  ///< for people
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

struct Findings {
  std::string title;
  std::vector<Table> tables;
  std::vector<std::string> notes;  ///< assumptions and warnings, one sentence each
};

}  // namespace fastpath
