#include "import/serving/replays.h"

#include <algorithm>

#include <fmt/format.h>

#include "import/csv/csv.h"
#include "import/measurements/row.h"

namespace fastpath {

Result<std::vector<ReplayRun>> read_replays(std::string_view text, const std::string& file) {
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  Diagnostics errors;
  for (const char* column : {"id", "device", "system", "engine", "model", "tp", "token_budget",
                             "max_sequences", "requests"}) {
    if (table->column(column)) continue;
    errors.push_back({{file, 1, 1}, fmt::format("no column '{}'", column), {}});
  }
  if (!errors.empty()) return failure(std::move(errors));
  std::vector<ReplayRun> runs;
  for (std::size_t i = 0; i < table->rows.size(); ++i) {
    const MeasurementRow row(*table, i, errors);
    const auto whole = [&](std::string_view column) {
      return static_cast<std::int64_t>(std::min(1e9, row.need(column)));
    };
    ReplayRun one;
    one.run.id = row.text("id");
    one.run.device = row.text("device");
    one.run.system = row.text("system");
    one.run.engine = row.text("engine");
    one.run.version = row.text("version");
    one.run.model = row.text("model");
    one.run.precision = row.text("precision");
    one.run.source = row.text("source");
    one.run.collection = row.text("source");
    one.run.plan.tensor_parallel = static_cast<int>(std::min<std::int64_t>(65536, whole("tp")));
    one.run.plan.execution = Execution::graph;
    one.run.place = row.place("id");
    one.token_budget = whole("token_budget");
    one.max_sequences = whole("max_sequences");
    one.requests = row.text("requests");
    runs.push_back(std::move(one));
  }
  if (!errors.empty()) return failure(std::move(errors));
  return runs;
}

}  // namespace fastpath
