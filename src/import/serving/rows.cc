#include "import/serving/rows.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "import/csv/csv.h"
#include "import/measurements/row.h"

namespace fastpath {
namespace {

class Reader {
 public:
  explicit Reader(const CsvTable& table) : table_(table) {}

  Result<ServingRows> read() {
    std::vector<const char*> needed{"id",  "system", "engine",      "model",
                                    "isl", "osl",    "concurrency", "tp"};
    offline_ = table_.column("output_tokens_per_s").has_value();
    if (!offline_) needed.insert(needed.end(), {"ttft_ms", "tpot_ms"});
    for (const char* column : needed) {
      if (table_.column(column)) continue;
      errors_.push_back({{table_.file, 1, 1}, fmt::format("no column '{}'", column), {}});
    }
    if (!errors_.empty()) return failure(std::move(errors_));
    for (std::size_t i = 0; i < table_.rows.size(); ++i)
      read_row(MeasurementRow(table_, i, errors_));
    if (!errors_.empty()) return failure(std::move(errors_));
    return std::move(rows_);
  }

 private:
  static int count(const MeasurementRow& row, const std::string& column) {
    return static_cast<int>(std::clamp(row.number_or(column, 1), 1.0, 65536.0));
  }

  /// Experts over attention-data-parallel ranks are expert-parallel; over tensor ranks they are
  /// split as tensors, which moves and multiplies the same bytes.
  static Plan plan_of(const MeasurementRow& row, const std::string& prefix, ServingRun& run) {
    Plan plan;
    plan.tensor_parallel = count(row, prefix + "tp");
    plan.pipeline_parallel = count(row, prefix + "pp");
    plan.data_parallel = count(row, prefix + "dp");
    plan.execution = Execution::graph;
    if (plan.data_parallel > 1) {
      plan.expert_parallel = plan.data_parallel;
    } else if (count(row, prefix + "ep") > 1) {
      run.assumed.emplace_back("experts split as tensors");
    }
    return plan;
  }

  void set_formats(const MeasurementRow& row, ServingRun& run, Plan& plan) {
    const std::string_view precision = row.text("precision");
    if (precision == "fp8") {
      plan.weight_format = plan.compute_format = NumberFormat::fp8;
    } else if (precision == "fp4") {
      plan.weight_format = plan.compute_format = NumberFormat::nvfp4;
    } else if (!precision.empty() && precision != "bf16" && precision != "fp16" &&
               precision != "fp8" && precision != "fp4") {
      row.mistake("precision", "is not bf16, fp16, fp8 or fp4");
    }
    // NVIDIA's quantised checkpoints keep keys and values in fp8.
    if (run.engine == "trtllm" && (precision == "fp8" || precision == "fp4")) {
      plan.cache_format = NumberFormat::fp8;
      run.assumed.emplace_back("cache=fp8");
    }
  }

  void read_row(const MeasurementRow& row) {
    const bool apart = row.text("mode") == "disagg";
    for (const char* column : {"isl", "osl", "concurrency", "tp", "ttft_ms", "tpot_ms"}) {
      if (offline_ && column != std::string_view("isl")) break;
      if (!row.text(column).empty()) continue;
      leave_out(row, fmt::format("does not state {}", column));
      return;
    }
    if (apart && (row.text("workers").empty() || row.text("prefill_workers").empty())) {
      leave_out(row, "does not state the numbers of workers");
      return;
    }
    ServingRun run;
    run.id = row.text("id");
    run.source = row.text("source");
    run.collection = row.text("collection");
    run.engine = row.text("engine");
    run.version = row.text("version");
    run.model = row.text("model");
    run.precision = row.text("precision");
    run.device = row.text("device");
    run.system = row.text("system");
    run.place = row.place("id");
    run.plan = plan_of(row, "", run);
    set_formats(row, run, run.plan);
    if (apart) {
      run.workers = count(row, "workers");
      run.prefill_workers = count(row, "prefill_workers");
      run.prefill_plan = plan_of(row, "prefill_", run);
      set_formats(row, run, run.prefill_plan);
    }
    run.input = static_cast<std::int64_t>(row.need("isl"));
    run.output = static_cast<std::int64_t>(row.need("osl"));
    if (offline_) {
      add_offline(row, std::move(run));
      return;
    }
    run.concurrency = static_cast<std::int64_t>(row.need("concurrency"));
    set_replicas(row, run);
    run.ttft = Seconds{row.need("ttft_ms") * 1e-3};
    run.tpot = Seconds{row.need("tpot_ms") * 1e-3};
    run.assumed.emplace_back("statistic=mean");
    run.assumed.emplace_back("no shared prefixes");
    set_lengths(row, run);
    rows_.runs.push_back(std::move(run));
  }

  void add_offline(const MeasurementRow& row, ServingRun run) {
    run.offline = true;
    run.concurrency = static_cast<std::int64_t>(row.number_or("concurrency", 0));
    run.tpot = Seconds{1 / row.need("output_tokens_per_s")};
    run.assumed.emplace_back(run.concurrency > 0 ? "one batch, all prompts first"
                                                 : "three times what runs at one time");
    rows_.runs.push_back(std::move(run));
  }

  /// What a row's source does not state of its client.
  static void set_lengths(const MeasurementRow& row, ServingRun& run) {
    const std::string_view lengths = row.text("lengths");
    const auto share = lengths.empty() ? std::nullopt : parse_number(lengths);
    if (share && *share > 0 && *share <= 1) {
      run.shortest = *share;
      run.assumed.push_back(fmt::format("lengths drawn from {:g}", *share));
    } else if (lengths == "drifting") {
      run.drifts = true;
      run.assumed.emplace_back("equal lengths; clients fall out of step");
    } else if (lengths.empty() || lengths == "equal") {
      run.assumed.emplace_back("equal lengths");
    } else {
      row.mistake("lengths", "is not equal, drifting or a share from 0 to 1");
    }
  }

  /// Clients over the sequences of a replica: several replicas behind one endpoint.
  static void set_replicas(const MeasurementRow& row, ServingRun& run) {
    const auto batch = row.number("batch");
    if (!batch || run.prefill_workers > 0) return;
    const double ranks = *batch * static_cast<double>(run.plan.data_parallel);
    const double replicas = std::round(static_cast<double>(run.concurrency) / ranks);
    if (replicas < 2) return;
    run.workers = static_cast<std::int64_t>(replicas);
    run.assumed.push_back(fmt::format("replicas={}", run.workers));
  }

  void leave_out(const MeasurementRow& row, std::string rule) {
    rows_.unscored.push_back({std::string(row.text("id")), std::move(rule)});
  }

  const CsvTable& table_;
  bool offline_ = false;
  Diagnostics errors_;
  ServingRows rows_;
};

}  // namespace

Result<ServingRows> read_serving_rows(std::string_view text, const std::string& file) {
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  return Reader(*table).read();
}

}  // namespace fastpath
