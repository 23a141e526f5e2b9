#include <array>
#include <map>

#include <fmt/format.h>

#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/verbs.h"
#include "report/scatter_plot.h"
#include "validate/cross_validate.h"

namespace fastpath::cli {
namespace {

using Key = std::function<std::string(const ScoredRow&)>;

Table score_table(std::string name, std::string title) {
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
                          score.naive_mean, score.coverage, score.coverage_low, score.coverage_high,
                          score.median_width, score.winkler, worst});
  }
}

void add_run(Findings& findings, const CrossValidation& run, Folding folding) {
  const std::string name(name_of(folding));
  const std::string title = fmt::format("Folds: {} left out", name);
  Table kinds = score_table("by_kind_" + name, title + ", by kind");
  add_scores(kinds, run, [](const ScoredRow& row) { return row.kind; });
  Table formats = score_table("by_format_" + name, title + ", by kind and format");
  add_scores(formats, run, [](const ScoredRow& row) { return row.kind + ' ' + row.format; });
  Table devices = score_table("by_device_" + name, title + ", by device");
  add_scores(devices, run, [](const ScoredRow& row) { return row.device; });
  Table sources = score_table("by_source_" + name, title + ", by source");
  add_scores(sources, run, [](const ScoredRow& row) { return row.source; });
  for (Table* table : {&kinds, &formats, &devices, &sources})
    findings.tables.push_back(std::move(*table));
}

Table row_table() {
  return {"rows",
          "Every row",
          {{"id", Unit::none},
           {"folds", Unit::none},
           {"kind", Unit::none},
           {"format", Unit::none},
           {"device", Unit::none},
           {"source", Unit::none},
           {"predicted", Unit::seconds},
           {"without_correction", Unit::seconds},
           {"roofline", Unit::seconds},
           {"low", Unit::seconds},
           {"high", Unit::seconds},
           {"measured", Unit::seconds},
           {"regime", Unit::none}},
          {}};
}

void add_rows(Table& table, const CrossValidation& run, Folding folding) {
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const ScoredRow& row = run.rows[i];
    table.rows.push_back({row.id, std::string(name_of(folding)), row.kind, row.format, row.device,
                          row.source, row.predicted.base(), run.physics[i].base(), row.naive.base(),
                          row.low.base(), row.high.base(), row.measured.base(), row.regime});
  }
}

Table left_out_table(const std::vector<LeftOut>& left_out) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> groups;
  for (const LeftOut& row : left_out)
    groups[{row.rule, row.device}].push_back(row.id);
  Table table{
      "left_out",
      "Rows that are listed, not used",
      {{"rule", Unit::none}, {"device", Unit::none}, {"rows", Unit::count}, {"first", Unit::none}},
      {}};
  for (const auto& [group, ids] : groups) {
    table.rows.push_back({group.first, group.second, static_cast<double>(ids.size()), ids.front()});
  }
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
  static constexpr std::array<Flag, 5> flags{{
      {"of", FlagKind::choice, "WHAT", "operators (default) or training steps",
       "operators|training", false},
      {"kind", FlagKind::text, "KIND", "only rows of this operator (gemm, attention_decode, ...)",
       "", true},
      {"folds", FlagKind::choice, "WHAT",
       "what a prediction has not seen: shapes, rows, devices (of operators), configurations, "
       "sources (of training steps) or all of them in turn (default)",
       "shapes|rows|devices|configurations|sources|all", false},
      {"rows", FlagKind::yes, "", "a table of every row", "", false},
      {"plot", FlagKind::file, "FILE", "draw predicted against measured of each kind (SVG)", "",
       false},
  }};
  return flags;
}

int run_validate(Session& session, const Arguments& arguments) {
  if (arguments.text_or("of", "operators") == "training") {
    return run_validate_training(session, arguments);
  }
  const auto measured = measured_from(session, arguments, arguments.all("kind"), "");
  if (!measured) return session.fail(measured.error());
  session.warn(measured->warnings);
  const Usable usable = usable_rows(measured->rows, measured->devices);
  Findings findings;
  findings.title = "Predicted against measured operators";
  Table rows = row_table();
  std::string plot;
  for (const Folding folding : foldings_of(arguments.text_or("folds", "all"))) {
    const CrossValidation run =
        cross_validate(usable.rows, folding, [&](std::size_t done, std::size_t all) {
          session.say(fmt::format("folds of {}: {} of {}", name_of(folding), done, all));
        });
    add_run(findings, run, folding);
    add_rows(rows, run, folding);
    if (plot.empty()) plot = plot_of(run);
  }
  if (arguments.has("rows") || arguments.has("json")) findings.tables.push_back(std::move(rows));
  if (!usable.left_out.empty()) findings.tables.push_back(left_out_table(usable.left_out));
  findings.notes.emplace_back(
      "errors are |predicted / measured - 1|; intervals are 90 %, from residuals of the same kind "
      "and size in other folds; a row is predicted from parameters that have not seen its group");
  if (const auto file = arguments.text("plot")) {
    if (const auto wrong = write_file(*file, plot)) return session.fail({*wrong});
  }
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
