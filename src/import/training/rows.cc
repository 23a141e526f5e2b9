#include "import/training/rows.h"

#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "import/csv/csv.h"
#include "import/measurements/row.h"
#include "import/training/shape.h"

namespace fastpath {
namespace {

/// The time of a step that a metric means; nothing for those that no time follows from.
std::optional<Seconds> step_of(const MeasurementRow& row, const RunSizes& sizes) {
  const double value = row.need("value");
  if (row.text("metric") == "iteration_time_s") return Seconds{value};
  if (row.text("metric") == "tokens_per_s_per_gpu") {
    const auto tokens = static_cast<double>(sizes.global_batch * sizes.sequence);
    return Seconds{tokens / (value * static_cast<double>(sizes.devices))};
  }
  return std::nullopt;
}

class Reader {
 public:
  Reader(const CsvTable& table, const TrainingSources& sources)
      : table_(table), sources_(sources) {}

  Result<TrainingRows> read() {
    for (const char* column : {"id", "device", "n_devices", "metric", "value"}) {
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
  void leave_out(const MeasurementRow& row, std::string rule) {
    rows_.unscored.push_back({std::string(row.text("id")), std::move(rule)});
  }

  void read_row(const MeasurementRow& row) {
    if (const auto missing = missing_size(row)) {
      leave_out(row, fmt::format("does not state {}", *missing));
      return;
    }
    const RunSizes sizes = sizes_of(row);
    const auto step = step_of(row, sizes);
    if (!step) {
      leave_out(row, fmt::format("prints {}, not a time or a rate of tokens", row.text("metric")));
      return;
    }
    for (const std::string_view doubt : {"low-confidence", "disagrees", "!= device count"}) {
      if (row.text("notes").find(doubt) == std::string_view::npos) continue;
      leave_out(row, fmt::format("its notes say '{}'", doubt));
      return;
    }
    if (sizes.devices % (sizes.tensor * sizes.pipeline) != 0) {
      leave_out(row, "tp x pp does not divide the devices");
      return;
    }
    add(row, sizes, *step);
  }

  void add(const MeasurementRow& row, const RunSizes& sizes, Seconds step) {
    TrainingRun run;
    run.id = row.text("id");
    run.source = row.text("source");
    run.framework = row.text("framework");
    run.model = row.text("model");
    run.device = row.text("device");
    run.system = row.text("system").empty() ? row.text("device") : row.text("system");
    run.devices = sizes.devices;
    run.step = step;
    run.place = row.place("id");
    run.stack = sources_.defaults.root_of(run.framework);
    const FrameworkSetting setting{"", activation_format(row.text("precision")),
                                   trains_adapters(row)};
    const auto plan = sources_.defaults.complete(printed_words(row, sizes), run.framework, setting);
    if (!plan) {
      errors_.insert(errors_.end(), plan.error().begin(), plan.error().end());
      return;
    }
    run.plan = plan->plan;
    if (setting.adapters && run.plan.lora_rank == 0) {
      leave_out(row, "trains adapters of a rank that neither it nor its framework states");
      return;
    }
    const auto settings = sources_.defaults.of(run.framework, setting, run.plan);
    const Result<DecoderSpec> spec = spec_of(row, sizes, sources_.models, settings);
    if (!spec) {
      errors_.insert(errors_.end(), spec.error().begin(), spec.error().end());
      return;
    }
    for (const FrameworkDefault& one : plan->assumed)
      run.assumed.push_back(one.knob + "=" + one.value);
    if (row.text("vocab").empty()) run.assumed.push_back(fmt::format("vocab={}", spec->vocab));
    run.workload = workload(*spec, sizes);
    rows_.runs.push_back(std::move(run));
  }

  std::shared_ptr<const Workload> workload(const DecoderSpec& spec, const RunSizes& sizes) {
    const LayerSpec& layer = spec.layers.front();
    const std::string key =
        fmt::format("{} {} {} {} {} {} {} {} {} {}", spec.name, spec.hidden, spec.vocab,
                    layer_count(spec), layer.mlp.ffn, layer.mixer.heads, layer.mixer.kv_heads,
                    sizes.sequence, sizes.global_batch, layer.mlp.gated);
    auto& slot = workloads_[key];
    if (!slot) {
      ModelRequest request;
      request.phase = Phase::training;
      request.batch = sizes.global_batch;
      request.sequence = sizes.sequence;
      slot = std::make_shared<const Workload>(build_decoder(spec, request));
    }
    return slot;
  }

  const CsvTable& table_;
  const TrainingSources& sources_;
  Diagnostics errors_;
  TrainingRows rows_;
  std::map<std::string, std::shared_ptr<const Workload>> workloads_;
};

}  // namespace

Result<TrainingRows> read_training_rows(std::string_view text, const std::string& file,
                                        const TrainingSources& sources) {
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  return Reader(*table, sources).read();
}

}  // namespace fastpath
