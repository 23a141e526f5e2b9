#include <array>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "import/catalog/catalog.h"
#include "import/measurements/edge.h"
#include "import/measurements/mlperf.h"
#include "validate/edge.h"
#include "validate/mlperf.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 64u << 20;
constexpr std::array<std::string_view, 6> kPublished{
    "edge_cnn.csv",    "edge_cnn_layers.csv",      "edge_cnn_models.csv",
    "mlperf_tiny.csv", "mlperf_tiny_networks.csv", "mlperf_mobile.csv"};

struct Published {
  EdgeData edge;
  MlperfData mlperf;
};

constexpr std::array<EdgeFolds, 4> kFolds{EdgeFolds::networks, EdgeFolds::devices, EdgeFolds::cores,
                                          EdgeFolds::three};

CpuFacts facts_of(const Catalog& catalog, const Device& device) {
  CpuFacts facts;
  facts.device = device.id;
  facts.clusters = core_clusters(device.units);
  facts.instructions = catalog.instructions(device.id);
  if (!device.memories.empty() && device.memories.front().bandwidth) {
    facts.bandwidth = device.memories.front().bandwidth->value;
  }
  if (device.clock) facts.boost = device.clock->value;
  for (const Peak& peak : device.peaks)
    facts.has_peak = facts.has_peak || peak.format == NumberFormat::fp32;
  return facts;
}

void add_cpus(const Catalog& catalog, Published& published) {
  EdgeData& data = published.edge;
  std::vector<CpuFacts> cpus;
  std::vector<FlopsPerSecond> peaks;
  for (const std::string& id : catalog.ids(EntryKind::device)) {
    const Result<Device> device = catalog.device(id);
    if (!device) continue;
    CpuFacts facts = facts_of(catalog, *device);
    if (facts.clusters.empty()) continue;
    BoardFacts& board = published.mlperf.boards[id];
    board.cpu = facts;
    for (const Peak& peak : device->peaks) {
      if (peak.format == NumberFormat::int8) board.int8 = peak.rate.value;
      if (peak.format != NumberFormat::fp32) continue;
      cpus.push_back(facts);
      peaks.push_back(peak.rate.value);
    }
    data.cpus[id] = std::move(facts);
  }
  data.flops_per_cycle = core_widths(cpus, peaks);
}

/// Appends what is read.
template <class T>
Result<void> add(const Result<std::vector<T>>& read, std::vector<T>& to) {
  if (!read) return failure(read.error());
  to.insert(to.end(), read->begin(), read->end());
  return {};
}

/// Told apart by their columns.
Result<void> read_file_into(Published& data, const std::string& file) {
  const Result<std::string> text = read_file(file, kMostBytes);
  if (!text) return failure(text.error());
  const auto has = [&](std::string_view column) { return text->find(column) != std::string::npos; };
  MlperfData& mlperf = data.mlperf;
  if (has("median_inf_per_s")) return add(read_tiny_runs(*text, file), mlperf.tiny);
  if (has("convolution_macs")) return add(read_tiny_networks(*text, file), mlperf.networks);
  if (has("p90_latency_ns")) return add(read_mobile_runs(*text, file), mlperf.mobile);
  if (has("k_h")) return add(read_edge_layers(*text, file), data.edge.layers);
  if (has("n_layers")) return add(read_edge_networks(*text, file), data.edge.networks);
  return add(read_edge_runs(*text, file), data.edge.runs);
}

using Wanted = std::function<bool(std::size_t)>;

std::vector<Cell> score_row(const std::string& name, const EdgeValidation& run,
                            const Wanted& wanted, Cell bar) {
  std::vector<ScoredRow> rows;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    if (wanted(i)) rows.push_back(run.rows[i]);
  }
  const Score s = score(rows, 0);
  return {name,
          static_cast<double>(s.rows),
          s.median,
          s.mean,
          s.bias,
          s.pooled_median,
          s.coverage,
          s.coverage_low,
          s.coverage_high,
          s.median_width,
          std::move(bar)};
}

Table edge_scores(std::string name, std::string title) {
  return {std::move(name),
          std::move(title),
          {{"of"},
           {"rows", Unit::count},
           {"median_error", Unit::ratio},
           {"mean_error", Unit::ratio},
           {"bias", Unit::ratio},
           {"pooled_median", Unit::ratio},
           {"coverage", Unit::ratio},
           {"coverage_from", Unit::ratio},
           {"coverage_to", Unit::ratio},
           {"width", Unit::ratio},
           {"bar", Unit::ratio}},
          {}};
}

void add_bars(Table& table, const EdgeValidation& run, EdgeFolds folds) {
  const auto all = [](std::size_t) { return true; };
  const auto sheet = [&](std::size_t i) { return bool{run.has_sheet[i]}; };
  switch (folds) {
    case EdgeFolds::networks:
      table.rows.push_back(score_row("device seen, network left out", run, all, 0.15));
      return;
    case EdgeFolds::devices:
      table.rows.push_back(score_row("device left out, with data sheet", run, sheet, 0.25));
      table.rows.push_back(score_row("device left out, all", run, all, {}));
      return;
    case EdgeFolds::cores:
      table.rows.push_back(score_row("device and its core designs left out", run, sheet, {}));
      return;
    case EdgeFolds::three:
      table.rows.push_back(score_row("device known by three timings", run, all, 0.18));
  }
}

Table by(const EdgeValidation& run, std::string name, std::string title,
         const std::function<std::string(const ScoredRow&)>& key) {
  Table table = edge_scores(std::move(name), std::move(title));
  std::set<std::string> names;
  for (const ScoredRow& row : run.rows)
    names.insert(key(row));
  for (const std::string& one : names) {
    table.rows.push_back(
        score_row(one, run, [&](std::size_t i) { return key(run.rows[i]) == one; }, {}));
    table.rows.back().pop_back();
  }
  table.columns.pop_back();
  return table;
}

Table every_row(const EdgeValidation& run, EdgeFolds folds) {
  Table table{"rows_" + std::string(name_of(folds)),
              "Every row",
              {{"id"},
               {"device"},
               {"setting"},
               {"network"},
               {"measured", Unit::seconds},
               {"predicted", Unit::seconds},
               {"low", Unit::seconds},
               {"high", Unit::seconds},
               {"regime"}},
              {}};
  for (char& letter : table.name)
    letter = letter == ' ' ? '_' : letter;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const ScoredRow& row = run.rows[i];
    table.rows.push_back({row.id, row.device, run.settings[i], row.format, row.measured.base(),
                          row.predicted.base(), row.low.base(), row.high.base(), row.regime});
  }
  return table;
}

/// The files among the operands, or the catalog's.
Result<Published> read_edge(const Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return failure(sources.error());
  std::vector<std::string> files = arguments.operands();
  if (files.empty()) {
    auto found = published_files(session, kPublished);
    if (!found) return failure(found.error());
    files = std::move(*found);
  }
  Published data;
  for (const std::string& file : files) {
    if (const auto read = read_file_into(data, file); !read) return failure(read.error());
  }
  add_cpus(sources->entries(), data);
  return data;
}

void add_folds(Session& session, const Arguments& arguments, const EdgeData& data,
               Findings& findings) {
  findings.tables.push_back(edge_scores("bars", "Bars"));
  for (const EdgeFolds folds : kFolds) {
    const EdgeValidation run = validate_edge(data, folds, [&](std::size_t done, std::size_t all) {
      session.say(fmt::format("{} left out: {} of {}", name_of(folds), done, all));
    });
    add_bars(findings.tables.front(), run, folds);
    const bool networks = folds == EdgeFolds::networks;
    if (networks || folds == EdgeFolds::devices) {
      findings.tables.push_back(
          by(run, networks ? "networks" : "devices", networks ? "By network" : "By device",
             [&](const ScoredRow& row) { return networks ? row.format : row.device; }));
    }
    if (arguments.has("rows") || arguments.has("json")) {
      findings.tables.push_back(every_row(run, folds));
    }
  }
  findings.notes.emplace_back(
      "errors are |predicted / measured - 1| of the least time; pooled: multiply-accumulates over "
      "the median rate of the setting's other networks");
}

}  // namespace

int run_validate_edge(Session& session, const Arguments& arguments) {
  const Result<Published> read = read_edge(session, arguments);
  if (!read) return session.fail(read.error());
  Findings findings;
  findings.title = "Predicted against measured networks on CPUs of phones, boards and PCs";
  if (!read->edge.runs.empty()) add_folds(session, arguments, read->edge, findings);
  Findings mlperf = validate_mlperf(read->mlperf);
  for (Table& table : mlperf.tables)
    findings.tables.push_back(std::move(table));
  findings.notes.insert(findings.notes.end(), mlperf.notes.begin(), mlperf.notes.end());
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
