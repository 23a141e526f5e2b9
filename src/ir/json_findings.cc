#include "ir/json.h"
#include "ir/json_archive.h"

namespace fastpath {
namespace {

constexpr std::string_view kSchema = "fastpath.findings-columns/1";

using UnitName = std::pair<std::string_view, Unit>;

constexpr std::array kUnitNames = std::to_array<UnitName>({
    {"", Unit::none},
    {"s", Unit::seconds},
    {"B", Unit::bytes},
    {"FLOP", Unit::flops},
    {"J", Unit::joules},
    {"USD", Unit::dollars},
    {"B/s", Unit::bytes_per_second},
    {"FLOP/s", Unit::flops_per_second},
    {"W", Unit::watts},
    {"USD/s", Unit::dollars_per_second},
    {"1/s", Unit::per_second},
    {"ratio", Unit::ratio},
    {"count", Unit::count},
});

}  // namespace

/// Found by argument-dependent look-up from ir/names.h.
static NameTable<Unit> names_of(Unit) { return kUnitNames; }

template <class A, Describes<Column> T>
void describe(A& archive, T& column) {
  auto& [name, unit] = column;
  archive("name", name);
  archive("unit", unit);
}

/// A cell is null, a text or a number.
static void describe_rows(JsonOut& archive, const std::vector<std::vector<Cell>>& rows) {
  OrderedJson list = OrderedJson::array();
  for (const std::vector<Cell>& row : rows) {
    OrderedJson& cells = list.emplace_back(OrderedJson::array());
    for (const Cell& cell : row) {
      if (const auto* text = std::get_if<std::string>(&cell)) {
        cells.push_back(*text);
      } else if (const auto* number = std::get_if<double>(&cell)) {
        cells.push_back(*number);
      } else {
        cells.push_back(nullptr);
      }
    }
  }
  archive.json()["rows"] = std::move(list);
}

template <class A, Describes<Table> T>
void describe(A& archive, T& table) {
  auto& [name, title, columns, rows] = table;
  archive("name", name);
  archive("title", title);
  archive("columns", columns);
  if constexpr (std::same_as<A, JsonOut>) {
    describe_rows(archive, rows);
  } else {
    archive("rows", rows);
  }
}

template <class A, Describes<Findings> T>
void describe(A& archive, T& findings) {
  auto& [title, tables, notes] = findings;
  archive("title", title);
  archive("tables", tables);
  archive("notes", notes);
}

template <>
void JsonIn::read(const Json& json, const JsonPath& path, JsonMistakes& mistakes, Cell& into) {
  if (json.is_string()) {
    into = json.get<std::string>();
  } else if (json.is_number()) {
    into = json.get<double>();
  } else if (!json.is_null()) {
    mistakes.add(path, "a cell is a text, a number or null");
  }
}

std::string to_json_text(const Findings& findings) {
  return document_text(kSchema, JsonOut::value(findings), 1);
}

Result<Findings> findings_from_json(std::string_view text, const std::string& file) {
  return read_document<Findings>(text, file, kSchema,
                                 [](const Findings& findings, JsonMistakes& mistakes) {
                                   const JsonPath root;
                                   const JsonPath tables{&root, "tables", 0};
                                   for (std::size_t i = 0; i < findings.tables.size(); ++i) {
                                     const Table& table = findings.tables[i];
                                     const JsonPath path{&tables, {}, i};
                                     for (const std::vector<Cell>& row : table.rows) {
                                       if (row.size() == table.columns.size()) continue;
                                       mistakes.add(path, "a row has not one cell per column");
                                       break;
                                     }
                                   }
                                 });
}

}  // namespace fastpath
