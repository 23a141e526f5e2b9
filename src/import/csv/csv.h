/// Comma-separated values (RFC 4180): quotes, line breaks inside quotes, CRLF, a byte-order mark.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastpath/result.h"

namespace fastpath {

struct CsvLimits {
  std::size_t bytes = 64u << 20;
  std::size_t rows = 1'000'000;
  std::size_t columns = 1'000;
  std::size_t mistakes = 100;
};

struct CsvCell {
  std::string text;  ///< unquoted, white space at both ends removed unless quoted
  int line = 0;
  int column = 0;  ///< in bytes
};

/// A header and rows that all have its number of cells.
struct CsvTable {
  std::string file;
  std::vector<CsvCell> header;
  std::vector<std::vector<CsvCell>> rows;

  std::optional<std::size_t> column(std::string_view name) const;
  Place place(const CsvCell& cell) const { return {file, cell.line, cell.column}; }
};

/// Reads a table whose first row names the columns. Empty lines and lines that start with '#' are
/// skipped. Errors: not text, an unclosed or misplaced quote, a row with more or fewer cells than
/// the header, a column named twice or not at all, no header, what exceeds a limit.
Result<CsvTable> parse_csv(std::string_view text, const std::string& file,
                           const CsvLimits& limits = {});

/// Mistakes about the header: `required` columns that are missing, and columns that are neither
/// required nor optional, with a did-you-mean.
Diagnostics check_columns(const CsvTable& table, std::span<const std::string> required,
                          std::span<const std::string> optional);

/// `text` as one cell, quoted if it must be.
std::string csv_cell(std::string_view text);

}  // namespace fastpath
