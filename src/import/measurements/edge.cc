#include "import/measurements/edge.h"

#include <algorithm>
#include <charconv>

#include "import/measurements/rows.h"

namespace fastpath {
namespace {

int small_whole(const MeasurementRow& row, std::string_view column) {
  return static_cast<int>(std::min(row.number_or(column, 0), 1e6));
}

/// 2022.25 of "2022-04-24"; 0 of what is no date.
double year_of(std::string_view date) {
  int year = 0;
  int month = 0;
  const auto end = std::from_chars(date.data(), date.data() + date.size(), year);
  if (end.ec != std::errc{} || end.ptr == date.data() + date.size() || *end.ptr != '-') return 0;
  std::from_chars(end.ptr + 1, date.data() + date.size(), month);
  return year + (month - 1) / 12.0;
}

}  // namespace

Result<std::vector<EdgeRun>> read_edge_runs(std::string_view text, const std::string& file) {
  std::vector<EdgeRun> runs;
  const auto read = read_measurement_rows(
      text, file, {"id", "device", "entry", "num_threads", "powersave", "model", "min_ms"},
      [&](const MeasurementRow& row) {
        EdgeRun& run = runs.emplace_back();
        run.id = row.text("id");
        run.device = row.text("device");
        run.source = row.text("source");
        run.entry = small_whole(row, "entry");
        run.threads = static_cast<int>(std::min(positive_number(row, "num_threads"), 1e6));
        run.powersave = small_whole(row, "powersave");
        run.network = row.text("model");
        run.time = Seconds{positive_number(row, "min_ms") * 1e-3};
        run.recorded = year_of(row.text("recorded"));
        if (const auto clock = row.number("clock_ghz")) run.clock = Hertz{*clock * 1e9};
        run.built_for = row.text("built_for");
      });
  if (!read) return failure(read.error());
  return runs;
}

Result<std::vector<EdgeLayer>> read_edge_layers(std::string_view text, const std::string& file) {
  std::vector<EdgeLayer> layers;
  const auto read = read_measurement_rows(
      text, file,
      {"model", "type", "in_c", "k_h", "stride", "groups", "out_c", "out_h", "out_w", "macs"},
      [&](const MeasurementRow& row) {
        EdgeLayer& layer = layers.emplace_back();
        layer.network = row.text("model");
        layer.fully_connected = row.text("type") == "InnerProduct";
        layer.in_channels = row.number_or("in_c", 1);
        layer.kernel = small_whole(row, "k_h");
        layer.stride = small_whole(row, "stride");
        layer.groups = std::max(1.0, row.number_or("groups", 1));
        layer.out_channels = row.number_or("out_c", 1);
        layer.out_height = row.number_or("out_h", 1);
        layer.out_width = row.number_or("out_w", 1);
        layer.macs = row.number_or("macs", 0);
      });
  if (!read) return failure(read.error());
  return layers;
}

Result<std::vector<EdgeNetwork>> read_edge_networks(std::string_view text,
                                                    const std::string& file) {
  std::vector<EdgeNetwork> networks;
  const auto read = read_measurement_rows(
      text, file, {"model", "n_layers", "macs", "activation_elems_out"},
      [&](const MeasurementRow& row) {
        networks.push_back({std::string(row.text("model")), positive_number(row, "n_layers"),
                            row.number_or("activation_elems_out", 0), row.number_or("macs", 0)});
      });
  if (!read) return failure(read.error());
  return networks;
}

}  // namespace fastpath
