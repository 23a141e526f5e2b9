#include "import/csv/csv.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

using Row = std::vector<CsvCell>;

/// Walks the text once, cell by cell.
class CsvScanner {
 public:
  CsvScanner(std::string_view text, std::string file, const CsvLimits& limits)
      : text_(text), limits_(limits) {
    table_.file = std::move(file);
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  Result<CsvTable> scan() {
    while (!stopped_ && at_ < text_.size()) {
      if (skip_line()) continue;
      take_row(read_row());
    }
    if (table_.header.empty() && mistakes_.empty()) {
      error({table_.file, 1, 1}, "the file has no header", "name the columns in the first line");
    }
    if (!mistakes_.empty()) return failure(std::move(mistakes_));
    return std::move(table_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool at_line_end() const { return at_end() || text_[at_] == '\n' || text_[at_] == '\r'; }
  Place here() const { return {table_.file, line_, static_cast<int>(at_ - line_start_) + 1}; }

  void error(Place place, std::string what, std::string hint = {}) {
    mistakes_.push_back({std::move(place), std::move(what), std::move(hint)});
    if (mistakes_.size() >= limits_.mistakes) stopped_ = true;
  }

  void next_line() {
    if (at_end()) return;
    at_ += text_.substr(at_).starts_with("\r\n") ? 2 : 1;
    ++line_;
    line_start_ = at_;
  }

  /// An empty line or a comment.
  bool skip_line() {
    const std::size_t end = std::min(text_.find_first_of("\r\n", at_), text_.size());
    const std::string_view line = trim(text_.substr(at_, end - at_));
    if (!line.empty() && line.front() != '#') return false;
    at_ = end;
    next_line();
    return true;
  }

  Row read_row() {
    Row row;
    while (!stopped_) {
      row.push_back(read_cell());
      if (row.size() > limits_.columns) {
        error(here(), fmt::format("the row has more than {} cells", limits_.columns));
        stopped_ = true;
      }
      if (at_line_end()) break;
      ++at_;  // the comma
    }
    next_line();
    return row;
  }

  CsvCell read_cell() {
    while (!at_line_end() && (text_[at_] == ' ' || text_[at_] == '\t'))
      ++at_;
    CsvCell cell{{}, line_, here().column};
    if (!at_end() && text_[at_] == '"') {
      cell.text = read_quoted();
      return cell;
    }
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    cell.text = trim(text_.substr(at_, end - at_));
    at_ = end;
    return cell;
  }

  std::string read_quoted() {
    const Place start = here();
    std::string content;
    ++at_;
    while (!at_end()) {
      if (text_.substr(at_).starts_with("\"\"")) {
        content += '"';
        at_ += 2;
      } else if (text_[at_] == '"') {
        ++at_;
        skip_to_comma();
        return content;
      } else if (at_line_end()) {
        content += '\n';
        next_line();
      } else {
        content += text_[at_++];
      }
    }
    error(start, "the quote is not closed", "write a quote inside quotes twice");
    return content;
  }

  void skip_to_comma() {
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    if (!trim(text_.substr(at_, end - at_)).empty()) {
      error(here(), "text after the closing quote", "write a quote inside quotes twice");
    }
    at_ = end;
  }

  void take_row(Row row) {
    if (stopped_) return;
    if (table_.header.empty()) {
      table_.header = std::move(row);
      check_header();
      return;
    }
    if (row.size() != table_.header.size()) {
      error(
          table_.place(row.front()),
          fmt::format("the row has {} cells, the header has {}", row.size(), table_.header.size()),
          "put a cell that has a comma in it in double quotes");
      return;
    }
    if (table_.rows.size() >= limits_.rows) {
      error(table_.place(row.front()), fmt::format("more than {} rows", limits_.rows));
      stopped_ = true;
      return;
    }
    table_.rows.push_back(std::move(row));
  }

  void check_header() {
    std::map<std::string_view, int> seen;
    for (const CsvCell& cell : table_.header) {
      if (cell.text.empty()) error(table_.place(cell), "a column has no name");
      if (++seen[cell.text] == 2 && !cell.text.empty()) {
        error(table_.place(cell), fmt::format("column {} is given twice", in_quotes(cell.text)));
      }
    }
  }

  std::string_view text_;
  CsvLimits limits_;
  CsvTable table_;
  Diagnostics mistakes_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
  bool stopped_ = false;
};

}  // namespace

std::optional<std::size_t> CsvTable::column(std::string_view name) const {
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i].text == name) return i;
  }
  return std::nullopt;
}

Result<CsvTable> parse_csv(std::string_view text, const std::string& file,
                           const CsvLimits& limits) {
  if (text.size() > limits.bytes) {
    return failure(Place{file, 0, 0},
                   fmt::format("the file is larger than {} bytes", limits.bytes));
  }
  if (const auto bad = first_non_text(text)) {
    return failure(place_at(text, *bad, file), "this is not text in UTF-8");
  }
  return CsvScanner(text, file, limits).scan();
}

Diagnostics check_columns(const CsvTable& table, std::span<const std::string> required,
                          std::span<const std::string> optional) {
  Diagnostics mistakes;
  std::vector<std::string> known(required.begin(), required.end());
  known.insert(known.end(), optional.begin(), optional.end());
  for (const CsvCell& cell : table.header) {
    if (std::find(known.begin(), known.end(), cell.text) != known.end()) continue;
    mistakes.push_back({table.place(cell), fmt::format("unknown column {}", in_quotes(cell.text)),
                        did_you_mean(cell.text, known)});
  }
  for (const std::string& name : required) {
    if (table.column(name)) continue;
    const Place place =
        table.header.empty() ? Place{table.file, 1, 1} : table.place(table.header.front());
    mistakes.push_back({place, fmt::format("column '{}' is missing", name), {}});
  }
  return mistakes;
}

std::string csv_cell(std::string_view text) {
  // At the start of a file a byte-order mark would be taken for one.
  const bool plain = text.find_first_of(",\"\r\n#") == text.npos && trim(text) == text &&
                     !text.starts_with("\xEF\xBB\xBF");
  if (plain) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

}  // namespace fastpath
