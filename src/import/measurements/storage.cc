#include "import/measurements/storage.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "import/csv/csv.h"
#include "import/measurements/row.h"

namespace fastpath {
namespace {

using Columns = std::vector<std::string>;

Diagnostics missing_columns(const CsvTable& table, const Columns& columns,
                            const std::string& file) {
  Diagnostics errors;
  for (const std::string& name : columns) {
    if (!table.column(name)) {
      errors.push_back({{file, 1, 1}, fmt::format("column '{}' is missing", name), {}});
    }
  }
  return errors;
}

double positive(const MeasurementRow& row, std::string_view column) {
  const auto value = row.number(column);
  if (value && *value > 0) return *value;
  if (value || row.text(column).empty()) {
    row.mistake(column, fmt::format("{} is not above 0", column));
  }
  return 1;
}

/// MLPerf Storage v1.0 accepts 70 % for CosmoFlow, 90 % for the others
/// (mlcommons/storage, rules of v1.0).
double least_utilisation(std::string_view workload) { return workload == "cosmoflow" ? 0.7 : 0.9; }

StorageRun storage_run(const MeasurementRow& row) {
  StorageRun run;
  run.id = row.text("id");
  run.organisation = row.text("org");
  run.system = row.text("system_storage");
  run.workload = row.text("workload");
  run.accelerator = row.text("emulated_accelerator");
  run.samples_per_file = std::max(1.0, row.number_or("samples_per_file", 1));
  run.layout = run.samples_per_file > 1 ? SampleLayout::shards : SampleLayout::files;
  run.streams = row.text("access_pattern").find("tfrecord") != std::string_view::npos;
  run.accelerators = positive(row, "num_accelerators");
  run.batch = positive(row, "batch_size");
  run.sample = Bytes{positive(row, "record_bytes_mean")};
  run.compute = Seconds{positive(row, "compute_time_s_per_batch")};
  run.rate = Hertz{positive(row, "samples_per_s")};
  run.utilisation = least_utilisation(run.workload);
  if (const auto read = row.number("local_drive_peak_read_MB_s")) {
    run.drive_read = BytesPerSecond{*read * 1e6};
  }
  if (const auto iops = row.number("local_drive_peak_read_iops_4k")) run.drive_random = Hertz{*iops};
  return run;
}

template <class Run>
Result<std::vector<Run>> read_rows(std::string_view text, const std::string& file,
                                   const Columns& columns,
                                   const std::function<void(const MeasurementRow&,
                                                            std::vector<Run>&)>& read) {
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  Diagnostics errors = missing_columns(*table, columns, file);
  std::vector<Run> runs;
  for (std::size_t i = 0; errors.empty() && i < table->rows.size(); ++i)
    read(MeasurementRow(*table, i, errors), runs);
  if (!errors.empty()) return failure(std::move(errors));
  return runs;
}

}  // namespace

Result<std::vector<StorageRun>> read_storage_runs(std::string_view text, const std::string& file) {
  return read_rows<StorageRun>(
      text, file,
      {"id", "org", "system_storage", "workload", "emulated_accelerator", "num_accelerators",
       "batch_size", "record_bytes_mean", "compute_time_s_per_batch", "samples_per_s"},
      [](const MeasurementRow& row, std::vector<StorageRun>& runs) {
        runs.push_back(storage_run(row));
      });
}

Result<std::vector<DecodeRun>> read_decode_runs(std::string_view text, const std::string& file) {
  return read_rows<DecodeRun>(
      text, file, {"id", "device", "decoder", "mode", "num_workers", "images_per_s_mean"},
      [](const MeasurementRow& row, std::vector<DecodeRun>& runs) {
        const bool alone = row.text("mode") == "single_thread_memory";
        if (!alone && row.text("mode") != "dataloader") return;
        DecodeRun run;
        run.id = row.text("id");
        run.device = row.text("device");
        run.decoder = row.text("decoder");
        run.alone = alone;
        run.workers = static_cast<int>(std::min(row.number_or("num_workers", 0), 1e4));
        run.rate = Hertz{positive(row, "images_per_s_mean")};
        runs.push_back(std::move(run));
      });
}

}  // namespace fastpath
