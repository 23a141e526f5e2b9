#include <array>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/score_tables.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "report/scatter_plot.h"
#include "validate/cross_validate.h"
#include "validate/intervals.h"

namespace fastpath::cli {
namespace {

using Key = std::function<std::string(const ScoredRow&)>;

Table operator_scores(std::string name, std::string title) {
  return {std::move(name),
          std::move(title),
          {{"of", Unit::none},
           {"rows", Unit::count},
           {"median_error", Unit::ratio},
           {"mean_error", Unit::ratio},
           {"mean_without_correction", Unit::ratio},
           {"bias", Unit::ratio},
           {"roofline_median", Unit::ratio},
           {"roofline_mean", Unit::ratio},
           {"pooled_median", Unit::ratio},
           {"pooled_mean", Unit::ratio},
           {"coverage", Unit::ratio},
           {"coverage_from", Unit::ratio},
           {"coverage_to", Unit::ratio},
           {"width", Unit::ratio},
           {"winkler", Unit::none},
           {"worst", Unit::none}},
          {}};
}

double mean_without_correction(const CrossValidation& run, const Key& key,
                               const std::string& name) {
  double sum = 0;
  double rows = 0;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    if (key(run.rows[i]) != name) continue;
    sum += std::abs(run.physics[i] / run.rows[i].measured - 1);
    ++rows;
  }
  return rows > 0 ? sum / rows : 0;
}

void add_scores(Table& table, const CrossValidation& run, const Key& key) {
  for (const auto& [name, score] : score_by(run.rows, key, 3)) {
    std::string worst;
    for (const std::size_t i : score.worst)
      worst += (worst.empty() ? "" : " ") + run.rows[i].id;
    table.rows.push_back({name, static_cast<double>(score.rows), score.median, score.mean,
                          mean_without_correction(run, key, name), score.bias, score.naive_median,
                          score.naive_mean, score.pooled_median, score.pooled_mean, score.coverage,
                          score.coverage_low, score.coverage_high, score.median_width,
                          score.winkler, worst});
  }
}

/// Kinds and size classes of at least kEnoughForCoverage rows.
Table coverage_table(const CrossValidation& run, Folding folding) {
  constexpr std::size_t kEnoughForCoverage = 50;
  Table table{"coverage_" + std::string(name_of(folding)),
              fmt::format("Folds: {} left out, 90 % intervals by kind and size of the prediction, "
                          "beside one interval for all kinds",
                          name_of(folding)),
              {{"of", Unit::none},
               {"rows", Unit::count},
               {"coverage", Unit::ratio},
               {"coverage_from", Unit::ratio},
               {"coverage_to", Unit::ratio},
               {"inside", Unit::none},
               {"width", Unit::ratio},
               {"winkler", Unit::none},
               {"global_width", Unit::ratio},
               {"global_winkler", Unit::none}},
              {}};
  const auto key = [](const ScoredRow& row) { return row.kind + ", " + size_class(row.predicted); };
  std::vector<NamedScore> scores = score_by(run.rows, key, 0);
  scores.insert(scores.begin(), {"all", score(run.rows, 0)});
  for (const auto& [name, score] : scores) {
    if (score.rows < kEnoughForCoverage) continue;
    const bool inside =
        score.coverage_low <= score.coverage && score.coverage <= score.coverage_high;
    table.rows.push_back({name, static_cast<double>(score.rows), score.coverage, score.coverage_low,
                          score.coverage_high, inside ? "yes" : "no", score.median_width,
                          score.winkler, score.global_width, score.global_winkler});
  }
  return table;
}

void add_run(Findings& findings, const CrossValidation& run, Folding folding) {
  const std::string name(name_of(folding));
  const std::string title = fmt::format("Folds: {} left out", name);
  Table kinds = operator_scores("by_kind_" + name, title + ", by kind");
  add_scores(kinds, run, [](const ScoredRow& row) { return row.kind; });
  Table formats = operator_scores("by_format_" + name, title + ", by kind and format");
  add_scores(formats, run, [](const ScoredRow& row) { return row.kind + ' ' + row.format; });
  Table devices = operator_scores("by_device_" + name, title + ", by device");
  add_scores(devices, run, [](const ScoredRow& row) { return row.device; });
  Table sources = operator_scores("by_source_" + name, title + ", by source");
  add_scores(sources, run, [](const ScoredRow& row) { return row.source; });
  for (Table* table : {&kinds, &formats, &devices, &sources})
    findings.tables.push_back(std::move(*table));
  Table covered = coverage_table(run, folding);
  if (!covered.rows.empty()) findings.tables.push_back(std::move(covered));
}

/// Times are in microseconds, as the column `unit` says of each row.
Table row_table() {
  Table table{"rows", "Every row", {}, {}};
  for (const char* name :
       {"id", "predicted", "low", "high", "measured", "unit", "regime", "folds", "kind", "format",
        "device", "source", "without_correction", "roofline", "pooled"})
    table.columns.push_back({name, Unit::none});
  return table;
}

void add_rows(Table& table, const CrossValidation& run, Folding folding) {
  const auto us = [](Seconds time) { return time.base() * 1e6; };
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const ScoredRow& row = run.rows[i];
    table.rows.push_back({row.id, us(row.predicted), us(row.low), us(row.high), us(row.measured),
                          "us", row.regime, std::string(name_of(folding)), row.kind, row.format,
                          row.device, row.source, us(run.physics[i]), us(row.naive),
                          us(row.pooled)});
  }
}

Table left_out_table(const std::vector<LeftOut>& left_out) {
  Table table{"left_out",
              "Rows that are listed, not used",
              {{"id", Unit::none}, {"device", Unit::none}, {"rule", Unit::none}},
              {}};
  for (const LeftOut& row : left_out)
    table.rows.push_back({row.id, row.device, row.rule});
  return table;
}

std::string plot_of(const CrossValidation& run) {
  std::map<std::string, ScatterPanel> panels;
  for (const ScoredRow& row : run.rows) {
    ScatterPanel& panel = panels[row.kind];
    panel.title = row.kind;
    panel.points.push_back({row.measured.base(), row.predicted.base(), row.id + ' ' + row.device});
  }
  std::vector<ScatterPanel> all;
  all.reserve(panels.size());
  for (auto& [kind, panel] : panels)
    all.push_back(std::move(panel));
  return scatter_svg(all, "s");
}

std::vector<Folding> foldings_of(const std::string& name) {
  std::vector<Folding> all;
  for (const Folding folding : {Folding::shapes, Folding::rows, Folding::devices}) {
    if (name == "all" || name == name_of(folding)) all.push_back(folding);
  }
  return all;
}

}  // namespace

std::span<const Flag> validate_flags() {
  static constexpr std::array<Flag, 7> kFlags{{
      {"of", FlagKind::choice, "WHAT",
       "operators (default), training steps, their memory, serving, offline inference, storage and "
       "decoding, or networks on CPUs of phones and boards (edge)",
       "operators|training|training-memory|serving|inference|storage|edge", false},
      {"kind", FlagKind::text, "KIND", "only rows of this operator (gemm, attention_decode, ...)",
       "", true},
      {"folds", FlagKind::choice, "WHAT",
       "what a prediction has not seen: shapes, rows, devices (of operators), configurations, "
       "sources (of training steps), models (of serving) or all of them in turn (default)",
       "shapes|rows|devices|configurations|sources|models|all", false},
      {"rows", FlagKind::yes, "", "a table of every row", "", false},
      {"constants", FlagKind::file, "FILE",
       "write the engines' constants, as catalog/engines/constants.csv (of serving)", "", false},
      {"threads", FlagKind::whole, "N", "worker threads; default: one a core", "", false},
      {"plot", FlagKind::file, "FILE", "draw predicted against measured of each kind (SVG)", "",
       false},
  }};
  return kFlags;
}

namespace {

int run_validate_operators(Session& session, const Arguments& arguments) {
  const auto measured = measured_from(session, arguments, arguments.all("kind"), "");
  if (!measured) return session.fail(measured.error());
  session.warn(measured->warnings);
  const Usable usable = usable_rows(measured->rows, measured->devices);
  Findings findings;
  findings.title = "Predicted against measured operators";
  Table rows = row_table();
  std::string plot;
  for (const Folding folding : foldings_of(arguments.text_or("folds", "all"))) {
    const CrossValidation run = cross_validate(
        usable.rows, folding,
        [&](std::size_t done, std::size_t all) {
          session.say(fmt::format("folds of {}: {} of {}", name_of(folding), done, all));
        },
        static_cast<unsigned>(arguments.whole_or("threads", 0)));
    add_run(findings, run, folding);
    add_rows(rows, run, folding);
    if (plot.empty()) plot = plot_of(run);
  }
  if (arguments.has("rows") || arguments.has("json")) findings.tables.push_back(std::move(rows));
  if (auto peers =
          measured->folder.empty() ? std::nullopt : stated_by_peers(measured->folder, false)) {
    findings.tables.push_back(std::move(*peers));
  }
  if (!usable.left_out.empty()) findings.tables.push_back(left_out_table(usable.left_out));
  findings.notes.emplace_back(
      "errors are |predicted / measured - 1|; intervals are 90 %, from residuals of the same kind "
      "and size in other folds; a row is predicted from parameters that have not seen its group");
  findings.notes.emplace_back(
      "roofline: max(work / peak, bytes / bandwidth) of the data sheet, nothing fitted; pooled: "
      "launch + roofline / efficiency, two constants for each kind and format over all devices");
  if (const auto file = arguments.text("plot")) {
    if (const auto wrong = write_file(*file, plot)) return session.fail({*wrong});
  }
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace

int run_validate(Session& session, const Arguments& arguments) {
  const std::string of = arguments.text_or("of", "operators");
  if (of == "training") return run_validate_training(session, arguments);
  if (of == "training-memory") return run_validate_memory(session, arguments);
  if (of == "storage") return run_validate_storage(session, arguments);
  if (of == "edge") return run_validate_edge(session, arguments);
  if (of == "serving" || of == "inference") return run_validate_serving(session, arguments);
  return run_validate_operators(session, arguments);
}

}  // namespace fastpath::cli
