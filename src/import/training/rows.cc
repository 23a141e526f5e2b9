#include "import/training/rows.h"

#include <algorithm>
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
    for (const char* column : {"id", "device", "n_devices", "value"}) {
      if (table_.column(column)) continue;
      errors_.push_back({{table_.file, 1, 1}, fmt::format("no column '{}'", column), {}});
    }
    if (!table_.column("metric") && !table_.column("component")) {
      errors_.push_back({{table_.file, 1, 1}, "no column 'metric' or 'component'", {}});
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
    const bool of_memory = !row.text("component").empty();
    const auto step = of_memory ? Seconds{} : step_of(row, sizes);
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
    auto run = run_of(row, sizes);
    if (!run) return;
    run->step = *step;
    if (of_memory) {
      rows_.memory.push_back({std::move(*run), counted(row), peak_of(row)});
    } else {
      rows_.runs.push_back(std::move(*run));
    }
  }

  static MemoryCounted counted(const MeasurementRow& row) {
    const std::string_view what = row.text("component");
    if (what == "allocated") return MemoryCounted::allocated;
    if (what == "reserved") return MemoryCounted::reserved;
    if (what != "device") {
      row.mistake("component", fmt::format("unknown component {}", in_quotes(what)),
                  "use allocated, reserved or device");
    }
    return MemoryCounted::device;
  }

  static Bytes peak_of(const MeasurementRow& row) {
    const std::string_view unit = row.text("unit");
    if (unit != "GB" && unit != "GiB") {
      row.mistake("unit", fmt::format("unknown unit {}", in_quotes(unit)), "use GB or GiB");
    }
    return Bytes{row.need("value") * (unit == "GiB" ? 1024.0 * 1024 * 1024 : 1e9)};
  }

  std::vector<PlanWord> words_of(const MeasurementRow& row, const RunSizes& sizes,
                                 const FrameworkSetting& setting) const {
    const auto settings = sources_.defaults.of(row.text("framework"), setting, Plan{});
    std::vector<PlanWord> words = words_of_text(row.text("plan"), row.place("plan"));
    const std::size_t own = words.size();
    for (PlanWord& word : printed_words(row, sizes, settings)) {
      const auto said = [&](const PlanWord& other) { return other.key == word.key; };
      if (std::none_of(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(own), said))
        words.push_back(std::move(word));
    }
    return words;
  }

  /// Nothing if the row is left out or mistaken, which is noted.
  std::optional<TrainingRun> run_of(const MeasurementRow& row, const RunSizes& sizes) {
    TrainingRun run;
    run.id = row.text("id");
    run.source = row.text("source");
    run.framework = row.text("framework");
    run.model = row.text("model");
    run.device = row.text("device");
    run.system = row.text("system").empty() ? row.text("device") : row.text("system");
    run.devices = sizes.devices;
    run.place = row.place("id");
    run.stack = sources_.defaults.root_of(run.framework);
    const FrameworkSetting setting{"", activation_format(row.text("precision")),
                                   trains_adapters(row)};
    const auto plan =
        sources_.defaults.complete(words_of(row, sizes, setting), run.framework, setting);
    if (!plan) {
      errors_.insert(errors_.end(), plan.error().begin(), plan.error().end());
      return std::nullopt;
    }
    run.plan = plan->plan;
    if (setting.adapters && run.plan.lora_rank == 0) {
      leave_out(row, "trains adapters of a rank that neither it nor its framework states");
      return std::nullopt;
    }
    const auto settings = sources_.defaults.of(run.framework, setting, run.plan);
    const Result<DecoderSpec> spec = spec_of(row, sizes, sources_.models, settings);
    if (!spec) {
      errors_.insert(errors_.end(), spec.error().begin(), spec.error().end());
      return std::nullopt;
    }
    for (const FrameworkDefault& one : plan->assumed)
      run.assumed.push_back(one.knob + "=" + one.value);
    if (row.text("vocab").empty()) run.assumed.push_back(fmt::format("vocab={}", spec->vocab));
    run.workload = workload(*spec, sizes);
    return run;
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
