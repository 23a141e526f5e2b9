#include "import/serving/mlperf.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "import/csv/csv.h"
#include "import/measurements/row.h"

namespace fastpath {
namespace {

struct MlperfTask {
  std::string model;
  double input = 1;
  double output = 1;
  ServiceObjective limits;
};

/// By task and scenario; the empty scenario is any.
using Tasks = std::map<std::pair<std::string, std::string>, MlperfTask>;

void check_columns(const CsvTable& table, std::initializer_list<const char*> needed,
                   Diagnostics& errors) {
  for (const char* column : needed) {
    if (!table.column(column))
      errors.push_back({{table.file, 1, 1}, fmt::format("no column '{}'", column), {}});
  }
}

Tasks tasks_of(const CsvTable& table, Diagnostics& errors) {
  check_columns(table, {"task", "scenario", "model", "isl", "osl", "ttft_ms", "tpot_ms"}, errors);
  Tasks tasks;
  if (!errors.empty()) return tasks;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const MeasurementRow row(table, i, errors);
    MlperfTask one;
    one.model = row.text("model");
    one.input = std::clamp(row.need("isl"), 1.0, 1e9);
    one.output = std::clamp(row.need("osl"), 1.0, 1e9);
    one.limits.first_token = Seconds{row.number_or("ttft_ms", 0) * 1e-3};
    one.limits.per_token = Seconds{row.number_or("tpot_ms", 0) * 1e-3};
    tasks[{std::string(row.text("task")), std::string(row.text("scenario"))}] = one;
  }
  return tasks;
}

class Reader {
 public:
  Reader(const Tasks& tasks, MlperfRows& rows) : tasks_(tasks), rows_(rows) {}

  void read(const MeasurementRow& row) {
    MlperfRun run;
    run.id = row.text("id");
    run.task = row.text("task");
    run.scenario = row.text("scenario");
    run.engine = row.text("engine");
    run.device = row.text("device");
    run.system = row.text("system");
    run.collection = row.text("collection");
    const MlperfTask* task = task_of(run);
    const std::string why = why_not(run, task, row);
    if (!why.empty()) {
      rows_.unscored.push_back({run.id, why});
      return;
    }
    run.kind = run.scenario == "offline" ? MlperfScenario::offline : MlperfScenario::server;
    run.model = task->model;
    run.input = static_cast<std::int64_t>(task->input);
    run.output = static_cast<std::int64_t>(task->output);
    if (run.kind == MlperfScenario::server) run.limits = task->limits;
    run.devices = static_cast<std::int64_t>(std::min(1e6, row.need("devices")));
    const double each = row.text("unit") == "tok/s" ? 1 : task->output;
    run.tokens_per_second = each * row.need("value");
    run.assumed.push_back(fmt::format("lengths {} in, {} out", run.input, run.output));
    set_formats(row.text("precision"), run);
    rows_.runs.push_back(std::move(run));
  }

 private:
  const MlperfTask* task_of(const MlperfRun& run) const {
    auto found = tasks_.find({run.task, run.scenario});
    if (found == tasks_.end()) found = tasks_.find({run.task, ""});
    return found == tasks_.end() ? nullptr : &found->second;
  }

  static std::string why_not(const MlperfRun& run, const MlperfTask* task,
                             const MeasurementRow& row) {
    if (task == nullptr)
      return fmt::format("MLPerf {}: no language model that answers under load", run.task);
    if (run.scenario != "offline" && run.scenario != "server" && run.scenario != "interactive")
      return "MLPerf " + run.scenario + ": not a figure of an engine under load";
    if (run.engine.empty()) return "MLPerf: none of the catalog's engines ran it";
    if (run.system.empty()) return "MLPerf: the catalog has no node of this device";
    if (!row.number("devices")) return "MLPerf: does not state the number of devices";
    const bool limited = task->limits.first_token > Seconds{};
    if (run.scenario != "offline" && !limited) return "MLPerf: its limit is on whole answers";
    return {};
  }

  static void set_formats(std::string_view precision, MlperfRun& run) {
    const bool narrow = precision == "fp4";
    const NumberFormat format = narrow ? NumberFormat::nvfp4 : NumberFormat::fp8;
    if (precision != "fp8" && !narrow) run.assumed.emplace_back("weights=fp8");
    run.plan.weight_format = run.plan.compute_format = format;
    run.plan.cache_format = NumberFormat::fp8;
    run.plan.execution = Execution::graph;
    run.assumed.emplace_back("cache=fp8");
  }

  const Tasks& tasks_;
  MlperfRows& rows_;
};

}  // namespace

Result<MlperfRows> read_mlperf(std::string_view rows, const std::string& rows_file,
                               std::string_view tasks, const std::string& tasks_file) {
  const auto table = parse_csv(rows, rows_file);
  const auto task_table = parse_csv(tasks, tasks_file);
  Diagnostics errors;
  for (const auto* one : {&table, &task_table}) {
    if (!*one) errors.insert(errors.end(), one->error().begin(), one->error().end());
  }
  if (!errors.empty()) return failure(std::move(errors));
  const Tasks known = tasks_of(*task_table, errors);
  check_columns(*table,
                {"id", "task", "scenario", "engine", "device", "system", "devices", "value", "unit",
                 "precision", "collection"},
                errors);
  if (!errors.empty()) return failure(std::move(errors));
  MlperfRows result;
  Reader reader(known, result);
  for (std::size_t i = 0; i < table->rows.size(); ++i)
    reader.read(MeasurementRow(*table, i, errors));
  if (!errors.empty()) return failure(std::move(errors));
  return result;
}

}  // namespace fastpath
