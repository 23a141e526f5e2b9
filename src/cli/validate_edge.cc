#include <array>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>

#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "import/catalog/catalog.h"
#include "import/measurements/edge.h"
#include "validate/edge.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 64u << 20;
constexpr std::array<std::string_view, 3> kPublished{"edge_cnn.csv", "edge_cnn_layers.csv",
                                                     "edge_cnn_models.csv"};
constexpr std::array<EdgeFolds, 3> kFolds{EdgeFolds::networks, EdgeFolds::devices,
                                          EdgeFolds::three};

CpuFacts facts_of(const Catalog& catalog, const Device& device) {
  CpuFacts facts;
  facts.device = device.id;
  facts.clusters = core_clusters(device.units);
  facts.instructions = catalog.instructions(device.id);
  if (!device.memories.empty() && device.memories.front().bandwidth) {
    facts.bandwidth = device.memories.front().bandwidth->value;
  }
  for (const Peak& peak : device.peaks)
    facts.has_peak = facts.has_peak || peak.format == NumberFormat::fp32;
  return facts;
}

void add_cpus(const Catalog& catalog, EdgeData& data) {
  std::vector<CpuFacts> cpus;
  std::vector<FlopsPerSecond> peaks;
  for (const std::string& id : catalog.ids(EntryKind::device)) {
    const Result<Device> device = catalog.device(id);
    if (!device) continue;
    CpuFacts facts = facts_of(catalog, *device);
    if (facts.clusters.empty()) continue;
    for (const Peak& peak : device->peaks) {
      if (peak.format != NumberFormat::fp32) continue;
      cpus.push_back(facts);
      peaks.push_back(peak.rate.value);
    }
    data.cpus[id] = std::move(facts);
  }
  data.flops_per_cycle = core_widths(cpus, peaks);
}

Result<void> read_file_into(EdgeData& data, const std::string& file) {
  const Result<std::string> text = read_file(file, kMostBytes);
  if (!text) return failure(text.error());
  const auto add = [](const auto& read, auto& to) -> Result<void> {
    if (!read) return failure(read.error());
    to.insert(to.end(), read->begin(), read->end());
    return {};
  };
  const bool layers = text->find("k_h") != std::string::npos;
  if (layers) return add(read_edge_layers(*text, file), data.layers);
  if (text->find("n_layers") != std::string::npos) {
    return add(read_edge_networks(*text, file), data.networks);
  }
  return add(read_edge_runs(*text, file), data.runs);
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

Table score_table(std::string name, std::string title) {
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
    case EdgeFolds::three:
      table.rows.push_back(score_row("device known by three timings", run, all, 0.18));
  }
}

Table by(const EdgeValidation& run, std::string name, std::string title,
         const std::function<std::string(const ScoredRow&)>& key) {
  Table table = score_table(std::move(name), std::move(title));
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
Result<EdgeData> read_edge(const Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return failure(sources.error());
  std::vector<std::string> files = arguments.operands();
  if (files.empty()) {
    auto found = published_files(session, kPublished);
    if (!found) return failure(found.error());
    files = std::move(*found);
  }
  EdgeData data;
  for (const std::string& file : files) {
    if (const auto read = read_file_into(data, file); !read) return failure(read.error());
  }
  add_cpus(sources->entries(), data);
  return data;
}

}  // namespace

int run_validate_edge(Session& session, const Arguments& arguments) {
  const Result<EdgeData> read = read_edge(session, arguments);
  if (!read) return session.fail(read.error());
  const EdgeData& data = *read;
  Findings findings;
  findings.title = "Predicted against measured networks on CPUs of phones, boards and PCs";
  findings.tables.push_back(score_table("bars", "Bars"));
  for (const EdgeFolds folds : kFolds) {
    const EdgeValidation run = validate_edge(data, folds, [&](std::size_t done, std::size_t all) {
      session.say(fmt::format("{} left out: {} of {}", name_of(folds), done, all));
    });
    add_bars(findings.tables.front(), run, folds);
    const bool networks = folds == EdgeFolds::networks;
    if (folds != EdgeFolds::three) {
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
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
