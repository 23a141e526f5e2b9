#include "import/catalog/kernels.h"

#include <fmt/format.h>

#include "import/catalog/table.h"
#include "import/csv/csv.h"

namespace fastpath {
namespace {

bool is_time(const KernelParameterInfo& parameter) { return parameter.unit == "s"; }

/// Times are written in microseconds.
double scale_of(const KernelParameterInfo& parameter) { return is_time(parameter) ? 1e-6 : 1; }

double read_parameter(const CatalogTable& table, std::size_t row, KernelParameter parameter,
                      Diagnostics& errors) {
  const KernelParameterInfo& range = info(parameter);
  const std::string column(range.name);
  const auto cell = table.range(row, column, errors);
  if (!cell) return range.value;  // not given: as where nothing is known, or a mistake told already
  const double value = cell->at(0) * scale_of(range);
  if (value >= range.low * 0.999 && value <= range.high * 1.001) return value;
  errors.push_back(
      {table.place(row, column),
       fmt::format("{} must lie between {:g} and {:g} {}", column, range.low / scale_of(range),
                   range.high / scale_of(range), is_time(range) ? "us" : range.unit),
       {}});
  return range.value;
}

/// How well an entry describes what it was fitted to. Empty cells: not known.
void read_quality(const CatalogTable& table, std::size_t row, KernelEntry& entry,
                  Diagnostics& errors) {
  const auto number = [&](std::string_view column) {
    const auto cell = table.range(row, column, errors);
    return cell ? cell->at(0) : 0;
  };
  entry.spread = number("spread");
  entry.low = number("low");
  entry.high = number("high");
  if (entry.low > entry.high) {
    errors.push_back({table.place(row, "low"), "low must not be above high", {}});
  }
  entry.shortest = Seconds{number("shortest") * 1e-6};
  entry.longest = Seconds{number("longest") * 1e-6};
  entry.rows = static_cast<std::uint32_t>(std::min(number("rows"), 1e9));
}

/// The column with its unit.
std::string column_title(const std::string& column) {
  if (column == "shortest" || column == "longest") return column + " [us]";
  for (std::size_t i = 0; i < kKernelParameters; ++i) {
    const KernelParameterInfo& parameter = info(static_cast<KernelParameter>(i));
    if (parameter.name != column) continue;
    if (is_time(parameter)) return column + " [us]";
    return fmt::format("{} [{}]", column, parameter.unit.empty() ? "x" : parameter.unit);
  }
  return column;
}

}  // namespace

const std::vector<std::string>& kernel_columns() {
  static const std::vector<std::string> columns = [] {
    std::vector<std::string> names = {"scope", "class", "format", "library"};
    for (std::size_t i = 0; i < kKernelParameters; ++i)
      names.emplace_back(info(static_cast<KernelParameter>(i)).name);
    for (const char* name :
         {"spread", "low", "high", "shortest", "longest", "rows", "source", "date"})
      names.emplace_back(name);
    return names;
  }();
  return columns;
}

Result<KernelTable> KernelTable::parse(std::string_view text, const std::string& file) {
  const auto table = CatalogTable::parse(text, file, kernel_columns());
  if (!table) return failure(table.error());
  KernelTable result;
  Diagnostics errors;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    KernelEntry entry;
    const auto kernel_class = parse_kernel_class(table->text(row, "class"));
    if (!kernel_class) {
      errors.push_back({table->place(row, "class"), "unknown class of kernels", {}});
      continue;
    }
    entry.kernel_class = *kernel_class;
    entry.format = table->text(row, "format");
    entry.library = table->text(row, "library");
    for (std::size_t i = 0; i < kKernelParameters; ++i)
      entry.parameters.values[i] =
          read_parameter(*table, row, static_cast<KernelParameter>(i), errors);
    read_quality(*table, row, entry, errors);
    result.entries_[std::string(table->text(row, "scope"))].push_back(std::move(entry));
  }
  if (!errors.empty()) return failure(std::move(errors));
  return result;
}

void KernelTable::apply(Device& device) const {
  device.kernels.clear();
  std::vector<std::string> scopes = {device.id};
  if (!device.family.empty()) scopes.push_back("family:" + device.family);
  scopes.push_back("kind:" + device.kind);
  for (const std::string& scope : scopes) {
    const auto found = entries_.find(scope);
    if (found == entries_.end()) continue;
    device.kernels.insert(device.kernels.end(), found->second.begin(), found->second.end());
  }
}

void KernelTable::add(const KernelTable& later) {
  for (const auto& [scope, entries] : later.entries_) {
    std::vector<KernelEntry>& all = entries_[scope];
    all.insert(all.begin(), entries.begin(), entries.end());
  }
}

std::string kernel_table_header() {
  std::string header;
  for (const std::string& column : kernel_columns())
    header += (header.empty() ? "" : ",") + column_title(column);
  return header;
}

std::string kernel_table_row(const std::string& scope, const KernelEntry& entry,
                             const std::string& source, const std::string& date) {
  std::string row = fmt::format("{},{},{},{}", csv_cell(scope), name_of(entry.kernel_class),
                                csv_cell(entry.format), csv_cell(entry.library));
  for (std::size_t i = 0; i < kKernelParameters; ++i) {
    const KernelParameterInfo& range = info(static_cast<KernelParameter>(i));
    row += fmt::format(",{:.4g}", entry.parameters.values[i] / scale_of(range));
  }
  return row + fmt::format(",{:.3f},{:.3f},{:.3f},{:.4g},{:.4g},{},{},{}", entry.spread, entry.low,
                           entry.high, entry.shortest.base() * 1e6, entry.longest.base() * 1e6,
                           entry.rows, csv_cell(source), date);
}

}  // namespace fastpath
