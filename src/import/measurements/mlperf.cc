#include "import/measurements/mlperf.h"

#include "import/measurements/rows.h"

namespace fastpath {

Result<std::vector<TinyRun>> read_tiny_runs(std::string_view text, const std::string& file) {
  std::vector<TinyRun> runs;
  const auto read = read_measurement_rows(
      text, file,
      {"id", "device", "round", "submitter", "system", "division", "benchmark", "median_inf_per_s"},
      [&](const MeasurementRow& row) {
        TinyRun& run = runs.emplace_back();
        run.id = row.text("id");
        run.device = row.text("device");
        run.submission =
            fmt::format("{} {} {}", row.text("submitter"), row.text("round"), row.text("system"));
        run.benchmark = row.text("benchmark");
        run.closed = row.text("division") == "closed";
        run.in_floats = row.text("system").find("float") != std::string_view::npos;
        run.accelerated = !row.text("accelerator").empty();
        run.time = Seconds{1 / positive_number(row, "median_inf_per_s")};
      });
  if (!read) return failure(read.error());
  return runs;
}

Result<std::vector<TinyNetwork>> read_tiny_networks(std::string_view text,
                                                    const std::string& file) {
  std::vector<TinyNetwork> networks;
  const auto read = read_measurement_rows(
      text, file,
      {"benchmark", "layers", "convolution_macs", "pointwise_macs", "depthwise_macs", "dense_macs"},
      [&](const MeasurementRow& row) {
        TinyNetwork& network = networks.emplace_back();
        network.benchmark = row.text("benchmark");
        network.layers = positive_number(row, "layers");
        network.convolution = row.number_or("convolution_macs", 0);
        network.pointwise = row.number_or("pointwise_macs", 0);
        network.depthwise = row.number_or("depthwise_macs", 0);
        network.dense = row.number_or("dense_macs", 0);
      });
  if (!read) return failure(read.error());
  return networks;
}

Result<std::vector<MobileRun>> read_mobile_runs(std::string_view text, const std::string& file) {
  std::vector<MobileRun> runs;
  const auto read =
      read_measurement_rows(text, file, {"id", "device", "scenario", "benchmark", "p90_latency_ns"},
                            [&](const MeasurementRow& row) {
                              MobileRun& run = runs.emplace_back();
                              run.id = row.text("id");
                              run.device = row.text("device");
                              run.benchmark = row.text("benchmark");
                              run.single = row.text("scenario") == "SingleStream";
                              run.time = Seconds{positive_number(row, "p90_latency_ns") * 1e-9};
                            });
  if (!read) return failure(read.error());
  return runs;
}

}  // namespace fastpath
