#include "import/catalog/reliability.h"

#include <optional>
#include <utility>

#include "import/catalog/embedded.h"
#include "import/catalog/table.h"

namespace fastpath {

Result<std::vector<InterruptedRun>> read_reliability(std::string_view text,
                                                     const std::string& file) {
  const auto table =
      CatalogTable::parse(text, file,
                          {"id", "name", "devices", "duration", "interruptions", "hardware_share",
                           "confidence", "source", "locator", "date", "notes"});
  if (!table) return failure(table.error());
  Diagnostics errors;
  std::vector<InterruptedRun> runs;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    const auto number = [&](std::string_view column) {
      const auto value = table->range(row, column, errors);
      if (!value || !(value->front() > 0)) {
        errors.push_back({table->place(row, column), std::string(column) + " must be above 0",
                          "leave the row out if it is not known"});
        return 1.0;
      }
      return value->front();
    };
    const Source source = table->source(row);
    const auto duration = table->figure<Seconds>(row, "duration", source, errors);
    const double per = number("devices") / number("interruptions");
    InterruptedRun run{std::string(table->text(row, "id")),
                       std::string(table->text(row, "name")),
                       {},
                       number("hardware_share")};
    const Seconds mtbf = per * duration.value_or(Figure<Seconds>{}).value;
    run.device_mtbf = {mtbf, mtbf, mtbf, source};
    if (!(mtbf > Seconds{})) {
      errors.push_back({table->place(row, "duration"), "duration must be above 0",
                        "the time in which the interruptions were counted"});
    }
    runs.push_back(std::move(run));
  }
  if (!errors.empty()) return failure(std::move(errors));
  return runs;
}

Result<std::vector<InterruptedRun>> embedded_reliability() {
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (file.path == "reliability/failures.csv") {
      return read_reliability(file.text, "catalog/" + std::string(file.path));
    }
  }
  return failure(Place{"catalog", 0, 0}, "the catalog has no reliability/failures.csv", {});
}

}  // namespace fastpath
