#include "import/catalog/framework_factors.h"

#include <algorithm>

#include <fmt/format.h>

#include "import/catalog/embedded.h"
#include "import/catalog/table.h"

namespace fastpath {
namespace {

constexpr std::string_view kTable = "frameworks/factors.csv";

class RowReader {
 public:
  RowReader(const CatalogTable& table, std::size_t row, Diagnostics& errors)
      : table_(table), row_(row), errors_(errors) {}

  double number(std::string_view column) {
    const auto range = table_.range(row_, column, errors_);
    if (!range) missing(column);
    return range ? range->at(0) : 1;
  }

  Figure<Seconds> time(std::string_view column) {
    const auto figure = table_.figure<Seconds>(row_, column, table_.source(row_), errors_);
    if (!figure) missing(column);
    return figure.value_or(Figure<Seconds>{});
  }

 private:
  void missing(std::string_view column) {
    errors_.push_back(
        {table_.place(row_, column), fmt::format("a row needs a value for '{}'", column), {}});
  }

  const CatalogTable& table_;
  std::size_t row_;
  Diagnostics& errors_;
};

Framework framework_from(const CatalogTable& table, std::size_t row, Diagnostics& errors) {
  RowReader read(table, row, errors);
  Framework framework;
  framework.id = std::string(table.text(row, "stack"));
  framework.contraction.value = read.number("contraction");
  framework.memory.value = read.number("memory");
  framework.network.value = read.number("network");
  framework.experts.value = read.number("experts");
  framework.quantise.value = read.number("quantise");
  framework.launch = read.time("launch");
  framework.step = read.time("step");
  framework.low = read.number("low");
  framework.high = read.number("high");
  framework.rows = static_cast<std::size_t>(read.number("rows"));
  return framework;
}

}  // namespace

Result<FrameworkFactors> FrameworkFactors::parse(std::string_view text, const std::string& file) {
  const auto table = CatalogTable::parse(
      text, file,
      {"stack", "generation", "contraction", "memory", "network", "experts", "quantise", "launch",
       "step", "spread", "low", "high", "rows", "source", "date"});
  if (!table) return failure(table.error());
  FrameworkFactors factors;
  Diagnostics errors;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    factors.rows_.push_back({std::string(table->text(row, "stack")),
                             std::string(table->text(row, "generation")),
                             framework_from(*table, row, errors)});
  }
  if (!errors.empty()) return failure(std::move(errors));
  return factors;
}

Result<FrameworkFactors> FrameworkFactors::embedded() {
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (file.path == kTable) return parse(file.text, fmt::format("catalog/{}", kTable));
  }
  return FrameworkFactors{};
}

bool FrameworkFactors::knows(std::string_view generation) const {
  return !generation.empty() && std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) {
    return row.generation == generation;
  });
}

const Framework* FrameworkFactors::find(std::string_view stack, std::string_view generation) const {
  const Framework* best = nullptr;
  int best_fit = -1;
  for (const Row& row : rows_) {
    const bool any_stack = row.stack.empty();
    const bool any_generation = row.generation.empty();
    if (!(any_stack || row.stack == stack) || !(any_generation || row.generation == generation))
      continue;
    const int fit = (any_stack ? 0 : 2) + (any_generation ? 0 : 1);
    if (fit > best_fit) best = &row.framework;
    if (fit > best_fit) best_fit = fit;
  }
  return best;
}

}  // namespace fastpath
