#include "report/text_report.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "report/json_text.h"
#include "report/units.h"

namespace fastpath {
namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kCyan = "\x1b[36m";
constexpr std::string_view kReset = "\x1b[0m";
constexpr int kBarWidth = 20;
constexpr int kShortestText = 12;       ///< a text column is not shortened below this
constexpr int kShortestWrapped = 30;    ///< a last text column is wrapped down to this
constexpr std::size_t kTurnedRows = 6;  ///< most rows of a table that may be turned
constexpr int kGap = 2;                 ///< blanks between columns
constexpr double kWideRange = 100;      ///< of a column's largest rate or time over its smallest

std::string styled(std::string_view text, std::string_view code, const TextStyle& style) {
  if (!style.color || text.empty()) return std::string(text);
  return fmt::format("{}{}{}", code, text, kReset);
}

/// Characters, taken as one terminal cell each.
int display_width(std::string_view text) {
  int width = 0;
  for (std::size_t i = 0; i < text.size(); ++width)
    i += std::max<std::size_t>(1, utf8_length(text, i));
  return width;
}

/// Byte offset of character `n`.
std::size_t offset_of(std::string_view text, int n) {
  std::size_t i = 0;
  for (; n > 0 && i < text.size(); --n)
    i += std::max<std::size_t>(1, utf8_length(text, i));
  return i;
}

/// Keeps both ends, since names differ there: "layer.attent...q_proj".
std::string shortened(const std::string& text, int width) {
  const int length = display_width(text);
  if (length <= width || width < 8) return text;
  const int tail = (width - 3) / 2;
  const int head = width - 3 - tail;
  return text.substr(0, offset_of(text, head)) + "..." +
         text.substr(offset_of(text, length - tail));
}

std::string padded(std::string_view text, int width, bool right) {
  const int missing = std::max(0, width - display_width(text));
  const std::string blanks(static_cast<std::size_t>(missing), ' ');
  return right ? blanks + std::string(text) : std::string(text) + blanks;
}

void append_without_trailing_blanks(std::string& out, std::string line) {
  while (!line.empty() && line.back() == ' ')
    line.pop_back();
  out += line;
  out += '\n';
}

/// Decimals that give four significant digits at `largest`.
int decimals_for(Unit unit, double largest) {
  if (unit == Unit::ratio) return 1;
  if (unit == Unit::count || largest >= 1000) return 0;
  if (largest >= 100) return 1;
  if (largest >= 10) return 2;
  return 3;
}

std::string with_separators(std::string digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  std::size_t point = digits.find('.');
  if (point == std::string::npos) point = digits.size();
  for (std::size_t i = point; i > first + 3; i -= 3)
    digits.insert(i - 3, 1, ',');
  return digits;
}

/// A number that is not zero never reads as zero.
std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return "?";
  if (value == 0) return "0";
  if (std::abs(value) >= 1e15) return fmt::format("{:.3e}", value);
  const double smallest = std::pow(10.0, -decimals);
  if (value != 0 && std::abs(value) < smallest / 2) {
    if (decimals == 0) return fmt::format("{:.2g}", value);
    return value < 0 ? "~0" : fmt::format("<{:.{}f}", smallest, decimals);
  }
  return with_separators(fmt::format("{:.{}f}", value, decimals));
}

double number_in(const std::vector<Cell>& row, std::size_t i) {
  if (i >= row.size()) return 0;
  const auto* number = std::get_if<double>(&row[i]);
  return number != nullptr && std::isfinite(*number) ? *number : 0;
}

/// How the numbers of one column are printed.
struct NumberStyle {
  Scale scale;
  int decimals = 0;
};

NumberStyle number_style(Unit unit, double largest, bool whole) {
  NumberStyle style;
  style.scale = scale_for(unit, largest);
  style.decimals = decimals_for(unit, largest / style.scale.factor);
  const bool plain = unit == Unit::none || unit == Unit::per_second || style.scale.name == "B" ||
                     style.scale.name == "FLOP";
  if (plain && whole) style.decimals = 0;
  // A price per token is a tiny number of dollars: there is no smaller unit to scale to.
  if (unit == Unit::dollars && largest > 0 && largest < 1) {
    style.decimals = 3 - static_cast<int>(std::floor(std::log10(largest)));
  }
  return style;
}

bool ends_with_shares(const Table& table) {
  return !table.columns.empty() && table.columns.back().name == "share" &&
         table.columns.back().unit == Unit::ratio;
}

NumberStyle number_style(const Table& table, std::size_t column) {
  std::vector<double> sizes;  // of what is not zero
  double largest = 0;
  bool whole = true;
  for (const std::vector<Cell>& row : table.rows) {
    const double value = std::abs(number_in(row, column));
    largest = std::max(largest, value);
    if (value > 0) sizes.push_back(value);
    whole = whole && value == std::floor(value);
  }
  const Unit unit = table.columns[column].unit;
  std::sort(sizes.begin(), sizes.end());
  // From Ethernet to NVLink, from a kilobyte to a gigabyte: the unit of the largest would leave no
  // digits of the others. Where shares follow, the small ones do not matter.
  const bool wide = (unit == Unit::bytes_per_second || unit == Unit::seconds) && !sizes.empty() &&
                    sizes.front() * kWideRange < largest && !ends_with_shares(table);
  return number_style(unit, wide ? sizes[sizes.size() / 2] : largest, whole);
}

bool is_text_column(const Table& table, std::size_t column) {
  return std::any_of(table.rows.begin(), table.rows.end(), [&](const std::vector<Cell>& row) {
    return column < row.size() && std::holds_alternative<std::string>(row[column]);
  });
}

std::string cell_text(const Cell& cell, const NumberStyle& style) {
  if (const auto* text = std::get_if<std::string>(&cell)) return printable(*text);
  if (const auto* number = std::get_if<double>(&cell)) {
    return fixed(*number / style.scale.factor, style.decimals);
  }
  return "-";
}

std::string with_unit(std::string text, std::string_view unit) {
  if (unit.empty() || text == "-") return text;
  return text + " " + std::string(unit);
}

/// "step_time" -> "step time"; "tokens_per_device" in 1/s -> "tokens/s per device".
std::string label_of(const Column& column) {
  std::string label = printable(column.name);
  std::replace(label.begin(), label.end(), '_', ' ');
  if (column.unit == Unit::per_second)
    label.insert(std::min(label.size(), label.find(" per ")), "/s");
  return label;
}

/// A table as text, column by column.
struct Grid {
  std::vector<std::string> headers;
  std::vector<std::string> units;               ///< second line of the headers
  std::vector<std::vector<std::string>> cells;  ///< [row][column]
  std::vector<int> widths;
  std::vector<bool> right;
};

void measure(Grid& grid) {
  grid.widths.assign(grid.headers.size(), 0);
  for (std::size_t i = 0; i < grid.headers.size(); ++i) {
    grid.widths[i] = std::max(display_width(grid.headers[i]), display_width(grid.units[i]));
    for (const std::vector<std::string>& row : grid.cells)
      grid.widths[i] = std::max(grid.widths[i], display_width(row[i]));
  }
}

int total_width(const Grid& grid) {
  int width = 0;
  for (const int column : grid.widths)
    width += column + kGap;
  return width;
}

/// Whether no row has anything in the column.
bool is_empty(const Table& table, std::size_t column) {
  return std::all_of(table.rows.begin(), table.rows.end(), [&](const std::vector<Cell>& row) {
    if (column >= row.size()) return true;
    const auto* text = std::get_if<std::string>(&row[column]);
    return std::holds_alternative<std::monostate>(row[column]) || (text && text->empty());
  });
}

Grid grid_of(const Table& table) {
  Grid grid;
  grid.cells.resize(table.rows.size());
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (i > 0 && is_empty(table, i)) continue;
    const NumberStyle style = number_style(table, i);
    const bool text = is_text_column(table, i);
    const bool has_unit = !text && style.scale.name != "%";
    grid.headers.push_back(label_of(table.columns[i]));
    grid.units.emplace_back(has_unit ? style.scale.name : "");
    grid.right.push_back(!text);
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      const Cell cell = i < table.rows[r].size() ? table.rows[r][i] : Cell{};
      std::string shown = cell_text(cell, style);
      if (style.scale.name == "%" && shown != "-") shown += " %";
      grid.cells[r].push_back(std::move(shown));
    }
  }
  measure(grid);
  return grid;
}

/// The text column that is best shortened; none left: the number of columns. A first column names
/// the rows, often in words to be typed again: it is shortened last.
std::size_t widest_text(const Grid& grid) {
  const std::size_t none = grid.widths.size();
  std::size_t widest = none;
  for (std::size_t i = 1; i < none; ++i) {
    if (grid.right[i] || grid.widths[i] <= kShortestText) continue;
    if (widest == none || grid.widths[i] > grid.widths[widest]) widest = i;
  }
  const bool first = widest == none && !grid.right[0] && grid.widths[0] > kShortestText;
  return first ? 0 : widest;
}

/// Wraps the last column, if it is text and leaves room, and then shortens the widest text column
/// until the grid fits or no text is left to shorten.
void fit(Grid& grid, int width) {
  if (!grid.right.back()) {
    const int room = grid.widths.back() - (total_width(grid) - width);
    if (room >= kShortestWrapped) grid.widths.back() = std::min(grid.widths.back(), room);
  }
  while (total_width(grid) > width) {
    const std::size_t widest = widest_text(grid);
    if (widest == grid.widths.size()) break;
    --grid.widths[widest];
  }
  const std::size_t last = grid.widths.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    if (i == last && !grid.right[last] && grid.widths[last] >= kShortestWrapped) continue;
    grid.headers[i] = shortened(grid.headers[i], grid.widths[i]);
    for (std::vector<std::string>& row : grid.cells)
      row[i] = shortened(row[i], grid.widths[i]);
  }
}

/// Whether rows are too wide even with every text at its shortest.
bool never_fits(const Grid& grid, int width) {
  int least = 0;
  for (std::size_t i = 0; i < grid.widths.size(); ++i) {
    least += kGap + (grid.right[i] ? grid.widths[i] : std::min(grid.widths[i], kShortestText));
  }
  return least > width;
}

std::string bar(double share, const TextStyle& style) {
  const double clamped = std::clamp(share, 0.0, 1.0);
  const auto length = static_cast<std::size_t>(std::lround(clamped * kBarWidth));
  return styled(std::string(length, '#'), kCyan, style);
}

std::string grid_line(const Grid& grid, const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i + 1 < cells.size(); ++i)
    line += std::string(kGap, ' ') + padded(cells[i], grid.widths[i], grid.right[i]);
  const int indent = display_width(line) + kGap;
  std::string last = cells.back();
  if (display_width(last) > grid.widths.back()) {
    last = wrapped(last, indent + grid.widths.back(), indent);
  }
  return line + std::string(kGap, ' ') + padded(last, grid.widths.back(), grid.right.back());
}

std::string header_lines(const Grid& grid, const TextStyle& style) {
  std::string out;
  for (const std::vector<std::string>& line : {grid.headers, grid.units}) {
    std::string text;
    append_without_trailing_blanks(text, grid_line(grid, line));
    text.pop_back();
    if (!text.empty()) out += styled(text, kDim, style) + "\n";
  }
  return out;
}

std::string as_rows(const Table& table, Grid grid, const TextStyle& style) {
  const bool bars = ends_with_shares(table) && total_width(grid) + kGap + kBarWidth <= style.width;
  fit(grid, style.width);
  std::string out = header_lines(grid, style);
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    std::string line = grid_line(grid, grid.cells[r]);
    if (bars) line += "  " + bar(number_in(table.rows[r], table.columns.size() - 1), style);
    append_without_trailing_blanks(out, std::move(line));
  }
  return out;
}

/// Whether columns i + 1 and i + 2 are the interval of column i.
bool has_interval(const Table& table, std::size_t i) {
  return i + 2 < table.columns.size() &&
         table.columns[i + 1].name == table.columns[i].name + "_low" &&
         table.columns[i + 2].name == table.columns[i].name + "_high";
}

std::string interval_text(const Table& table, std::size_t row, std::size_t i,
                          const NumberStyle& style) {
  const std::vector<Cell>& cells = table.rows[row];
  if (cells.size() <= i + 2 || cells[i].index() != 2 || cells[i + 1].index() != 2 ||
      cells[i + 2].index() != 2) {
    return "";
  }
  return fmt::format("  (90 %: {} to {})", cell_text(cells[i + 1], style),
                     with_unit(cell_text(cells[i + 2], style), style.scale.name));
}

/// One line of a turned table: the cells of one column.
struct TurnedLine {
  std::string label;
  std::vector<std::string> cells;
};

std::vector<TurnedLine> turned_lines(const Table& table) {
  std::vector<TurnedLine> lines;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const NumberStyle style = number_style(table, i);
    const bool interval = has_interval(table, i);
    TurnedLine line{label_of(table.columns[i]), {}};
    bool empty = true;
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      const Cell cell = i < table.rows[r].size() ? table.rows[r][i] : Cell{};
      std::string text = cell_text(cell, style);
      empty = empty && text == "-";
      if (std::holds_alternative<double>(cell)) text = with_unit(std::move(text), style.scale.name);
      if (interval && table.rows.size() == 1) text += interval_text(table, r, i, style);
      line.cells.push_back(std::move(text));
    }
    if (!empty) lines.push_back(std::move(line));
    if (interval) i += 2;
  }
  return lines;
}

std::string as_list(const Table& table, const TextStyle& style) {
  const std::vector<TurnedLine> lines = turned_lines(table);
  int label_width = 0;
  std::vector<int> widths(table.rows.size(), 0);
  for (const TurnedLine& line : lines) {
    label_width = std::max(label_width, display_width(line.label));
    for (std::size_t r = 0; r < widths.size(); ++r)
      widths[r] = std::max(widths[r], display_width(line.cells[r]));
  }
  const int room =
      (style.width - label_width - kGap) / std::max<int>(1, static_cast<int>(widths.size())) - kGap;
  std::string out;
  for (const TurnedLine& line : lines) {
    std::string text = "  " + styled(padded(line.label, label_width, false), kDim, style);
    if (widths.size() == 1) {
      text += "  " + wrapped(line.cells[0], style.width, label_width + 2 * kGap);
    } else {
      for (std::size_t r = 0; r < widths.size(); ++r) {
        const int width = std::min(widths[r], std::max(room, kShortestText));
        text += "  " + padded(shortened(line.cells[r], width), width, true);
      }
    }
    append_without_trailing_blanks(out, std::move(text));
  }
  return out;
}

std::string table_text(const Table& table, const TextStyle& style) {
  std::string out = styled(table.title.empty() ? table.name : printable(table.title), kBold, style);
  out += '\n';
  if (table.rows.empty()) return out + "  (none)\n";
  Grid grid = grid_of(table);
  const bool turned =
      table.rows.size() == 1 || (table.rows.size() <= kTurnedRows && never_fits(grid, style.width));
  return out + (turned ? as_list(table, style) : as_rows(table, std::move(grid), style));
}

}  // namespace

std::string format_cell(double value, Unit unit) {
  const NumberStyle style = number_style(unit, std::abs(value), value == std::floor(value));
  return with_unit(cell_text(Cell{value}, style), style.scale.name);
}

std::string wrapped(std::string_view text, int width, int indent) {
  const int room = std::max(kShortestText, width - indent);
  std::string out;
  int used = 0;
  for (const std::string_view word : words(text)) {
    const int length = display_width(word);
    if (used > 0 && used + 1 + length > room) {
      out += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
      used = 0;
    }
    if (used > 0) out += ' ';
    out += word;
    used += length + (used > 0 ? 1 : 0);
  }
  return out;
}

std::string text_report(const Findings& findings, const TextStyle& style) {
  std::string out;
  if (!findings.title.empty()) {
    out += styled(wrapped(printable(findings.title), style.width, 0), kBold, style) + "\n";
  }
  for (const Table& table : findings.tables) {
    if (!out.empty()) out += '\n';
    out += table_text(table, style);
  }
  if (findings.notes.empty()) return out;
  out += (out.empty() ? "" : "\n") + styled("Notes", kBold, style) + "\n";
  for (const std::string& note : findings.notes)
    out += "  - " + wrapped(printable(note), style.width, 4) + "\n";
  return out;
}

}  // namespace fastpath
