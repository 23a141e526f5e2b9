#include "report/data_report.h"

#include <cmath>

#include "report/json_text.h"
#include "report/units.h"

namespace fastpath {
namespace {

void append_json_cell(std::string& out, const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    append_json_string(out, *text);
  } else if (const auto* number = std::get_if<double>(&cell)) {
    append_json_number(out, *number);
  } else {
    out += "null";
  }
}

void append_json_row(std::string& out, const Table& table, const std::vector<Cell>& row) {
  out += '{';
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (i > 0) out += ", ";
    append_json_string(out, key_of(table.columns[i]));
    out += ": ";
    append_json_cell(out, i < row.size() ? row[i] : Cell{});
  }
  out += '}';
}

void append_json_table(std::string& out, const Table& table) {
  out += "    ";
  append_json_string(out, table.name);
  out += ": [";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    out += i > 0 ? ",\n      " : "\n      ";
    append_json_row(out, table, table.rows[i]);
  }
  out += table.rows.empty() ? "]" : "\n    ]";
}

void append_csv_text(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_csv_cell(std::string& out, const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    append_csv_text(out, *text);
  } else if (const auto* number = std::get_if<double>(&cell)) {
    if (std::isfinite(*number)) append_json_number(out, *number);
  }
}

void append_csv_table(std::string& out, const Table& table) {
  out += "# " + table.name + "\n";
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (i > 0) out += ',';
    append_csv_text(out, key_of(table.columns[i]));
  }
  out += '\n';
  for (const std::vector<Cell>& row : table.rows) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (i > 0) out += ',';
      if (i < row.size()) append_csv_cell(out, row[i]);
    }
    out += '\n';
  }
}

}  // namespace

std::string json_report(const Findings& findings) {
  std::string out = "{\n  \"schema\": ";
  append_json_string(out, kFindingsSchema);
  out += ",\n  \"title\": ";
  append_json_string(out, findings.title);
  out += ",\n  \"tables\": {";
  for (std::size_t i = 0; i < findings.tables.size(); ++i) {
    out += i > 0 ? ",\n" : "\n";
    append_json_table(out, findings.tables[i]);
  }
  out += findings.tables.empty() ? "},\n  \"notes\": [" : "\n  },\n  \"notes\": [";
  for (std::size_t i = 0; i < findings.notes.size(); ++i) {
    out += i > 0 ? ",\n    " : "\n    ";
    append_json_string(out, findings.notes[i]);
  }
  out += findings.notes.empty() ? "]\n}\n" : "\n  ]\n}\n";
  return out;
}

std::string csv_report(const Findings& findings) {
  std::string out;
  for (const Table& table : findings.tables) {
    if (!out.empty()) out += '\n';
    append_csv_table(out, table);
  }
  return out;
}

}  // namespace fastpath
