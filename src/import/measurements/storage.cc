#include "import/measurements/storage.h"

#include <algorithm>

#include "import/measurements/rows.h"

namespace fastpath {
namespace {

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
  run.accelerators = positive_number(row, "num_accelerators");
  run.batch = positive_number(row, "batch_size");
  run.sample = Bytes{positive_number(row, "record_bytes_mean")};
  run.compute = Seconds{positive_number(row, "compute_time_s_per_batch")};
  run.rate = Hertz{positive_number(row, "samples_per_s")};
  run.utilisation = least_utilisation(run.workload);
  if (const auto read = row.number("local_drive_peak_read_MB_s")) {
    run.drive_read = BytesPerSecond{*read * 1e6};
  }
  if (const auto iops = row.number("local_drive_peak_read_iops_4k"))
    run.drive_random = Hertz{*iops};
  return run;
}

}  // namespace

Result<std::vector<StorageRun>> read_storage_runs(std::string_view text, const std::string& file) {
  std::vector<StorageRun> runs;
  const auto read = read_measurement_rows(
      text, file,
      {"id", "org", "system_storage", "workload", "emulated_accelerator", "num_accelerators",
       "batch_size", "record_bytes_mean", "compute_time_s_per_batch", "samples_per_s"},
      [&](const MeasurementRow& row) { runs.push_back(storage_run(row)); });
  if (!read) return failure(read.error());
  return runs;
}

Result<std::vector<DecodeRun>> read_decode_runs(std::string_view text, const std::string& file) {
  std::vector<DecodeRun> runs;
  const auto read = read_measurement_rows(
      text, file, {"id", "device", "decoder", "mode", "num_workers", "images_per_s_mean"},
      [&](const MeasurementRow& row) {
        const bool alone = row.text("mode") == "single_thread_memory";
        if (!alone && row.text("mode") != "dataloader") return;
        DecodeRun& run = runs.emplace_back();
        run.id = row.text("id");
        run.device = row.text("device");
        run.decoder = row.text("decoder");
        run.alone = alone;
        run.workers = static_cast<int>(std::min(row.number_or("num_workers", 0), 1e4));
        run.rate = Hertz{positive_number(row, "images_per_s_mean")};
      });
  if (!read) return failure(read.error());
  return runs;
}

}  // namespace fastpath
