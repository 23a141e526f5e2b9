#include "cli/sources.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "analyze/system_findings.h"
#include "analyze/workload_findings.h"
#include "base/text.h"
#include "import/catalog/catalog.h"
#include "import/catalog/framework_defaults.h"
#include "import/csv/gemm_table.h"
#include "import/model/load.h"
#include "import/onnx/read.h"
#include "import/yaml/plan.h"
#include "import/yaml/workload.h"
#include "ir/plan_text.h"

namespace fastpath::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kTextLimit = 64U << 20U;   ///< bytes of a YAML or CSV file
constexpr std::uintmax_t kGraphLimit = 2147483647;  ///< bytes of an ONNX file: protobuf's own limit

struct Part {
  std::string_view name;
  EntryKind kind;
};

constexpr std::array<Part, 4> kParts{{{"systems", EntryKind::system},
                                      {"devices", EntryKind::device},
                                      {"links", EntryKind::link},
                                      {"storage", EntryKind::storage}}};

bool ends_with_any(const std::string& text, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) {
    return text.size() >= ending.size() &&
           equals_ignoring_case(std::string_view(text).substr(text.size() - ending.size()), ending);
  });
}

bool is_yaml(const std::string& name) { return ends_with_any(name, {".yaml", ".yml"}); }

using TextReader = Result<Imported<Workload>> (*)(std::string_view text, const std::string& file);

/// A reader of a text format whose workloads are of any phase: --train asks for a training step.
WorkloadReader text_reader(TextReader read) {
  return
      [read](const std::string& path, const ModelRequest& request) -> Result<Imported<Workload>> {
        const Result<std::string> text = read_file(path, kTextLimit);
        if (!text) return failure(text.error());
        Result<Imported<Workload>> workload = read(*text, path);
        if (workload && request.phase == Phase::training) workload->value.phase = Phase::training;
        return workload;
      };
}

WorkloadReader onnx_reader(const StepRequest& step) {
  return [dims = step.dims](const std::string& path,
                            const ModelRequest& request) -> Result<Imported<Workload>> {
    const Result<std::string> bytes = read_file(path, kGraphLimit);
    if (!bytes) return failure(bytes.error());
    return read_onnx(*bytes, path, {.dims = dims, .phase = request.phase});
  };
}

/// Readers of files that are workloads themselves.
std::map<std::string, WorkloadReader> readers_for(const StepRequest& step) {
  return {{".onnx", onnx_reader(step)},
          {".csv", text_reader(read_gemm_table)},
          {".yaml", text_reader(read_workload)},
          {".yml", text_reader(read_workload)}};
}

Table entry_table(std::string_view part, const std::vector<CatalogEntry>& entries) {
  Table table{std::string(part),
              fmt::format("{} ({})", part, entries.size()),
              {{"id", Unit::none}, {"name", Unit::none}},
              {}};
  const bool systems = part == "systems";
  const bool devices = part == "devices";
  if (systems) {
    table.columns.push_back({"devices", Unit::count});
    table.columns.push_back({"device", Unit::none});
  }
  if (devices) {
    table.columns.push_back({"kind", Unit::none});
    table.columns.push_back({"year", Unit::none});
    table.columns.push_back({"data_sheet", Unit::none});
  }
  if (systems || devices) table.columns.push_back({"also_called", Unit::none});
  for (const CatalogEntry& entry : entries) {
    std::vector<Cell> row{entry.id, entry.name};
    if (systems) {
      row.emplace_back(static_cast<double>(entry.devices));
      row.emplace_back(entry.device);
    }
    if (devices) {
      row.emplace_back(entry.device_kind);
      row.push_back(entry.year ? Cell{std::to_string(*entry.year)} : Cell{});
      row.emplace_back(std::string(entry.has_data_sheet ? "yes" : "none"));
    }
    if (systems || devices) row.emplace_back(fmt::format("{}", fmt::join(entry.aliases, ", ")));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Diagnostic nothing_found(const std::string& part, const std::string& word,
                         const std::vector<std::string>& names) {
  return {{.file = "catalog"},
          fmt::format("there is no '{}' among the {}", word, part),
          did_you_mean(word, names)};
}

bool contains_ignoring_case(std::string_view text, std::string_view word) {
  for (std::size_t i = 0; i + word.size() <= text.size(); ++i) {
    if (equals_ignoring_case(text.substr(i, word.size()), word)) return true;
  }
  return false;
}

}  // namespace

struct Sources::State {
  std::vector<fs::path> folders;
  Catalog catalog;

  ModelLibrary models(const StepRequest& step) const {
    return {.catalog = embedded_catalog(), .folders = folders, .readers = readers_for(step)};
  }

  Findings parts() const;
  Result<Findings> entries(const Part& part, const std::string& word) const;
  Result<Findings> model_list(const std::string& word) const;
};

Findings Sources::State::parts() const {
  Table table{"parts", "Parts", {{"part", Unit::none}, {"entries", Unit::count}}, {}};
  for (const Part& part : kParts) {
    table.rows.push_back(
        {std::string(part.name), static_cast<double>(catalog.ids(part.kind).size())});
  }
  table.rows.push_back(
      {std::string("models"), static_cast<double>(model_names(models({})).size())});
  return {
      "FastPath's catalog",
      {std::move(table)},
      {"fastpath catalog devices lists a part, fastpath catalog devices h100 searches it, and a "
       "whole name is shown with its sources."}};
}

Result<Findings> Sources::State::entries(const Part& part, const std::string& word) const {
  const bool shown = part.kind == EntryKind::system || part.kind == EntryKind::device;
  const std::vector<std::string> ids = catalog.ids(part.kind);
  if (shown && std::find(ids.begin(), ids.end(), word) != ids.end()) {
    Result<System> system = catalog.system(word);
    if (!system) return failure(std::move(system.error()));
    return describe_system(*system);
  }
  CatalogQuery query;
  query.kind = part.kind;
  if (!word.empty()) query.words = {word};
  const Imported<std::vector<CatalogEntry>> found = catalog.search(query);
  if (found.value.empty()) return failure({nothing_found(std::string(part.name), word, ids)});
  return Findings{"FastPath's catalog", {entry_table(part.name, found.value)}, {}};
}

Result<Findings> Sources::State::model_list(const std::string& word) const {
  const ModelLibrary library = models({});
  const std::vector<std::string> names = model_names(library);
  if (std::find(names.begin(), names.end(), word) != names.end()) {
    const ModelRequest request{.phase = Phase::forward, .sequence = 1};
    const Result<Imported<Workload>> workload = load_model(word, request, library);
    if (!workload) return failure(workload.error());
    return describe_workload(workload->value, 10);
  }
  Table table{"models", "", {{"model", Unit::none}}, {}};
  for (const std::string& name : names) {
    if (contains_ignoring_case(name, word)) table.rows.push_back({name});
  }
  if (table.rows.empty()) return failure({nothing_found("models", word, names)});
  table.title = fmt::format("models ({})", table.rows.size());
  return Findings{"FastPath's catalog", {std::move(table)}, {}};
}

Sources::Sources(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sources::Sources(Sources&&) noexcept = default;
Sources& Sources::operator=(Sources&&) noexcept = default;
Sources::~Sources() = default;

Result<Sources> Sources::open(const Session& session, const Arguments& arguments) {
  std::vector<fs::path> folders;
  if (const auto folder = session.environment("FASTPATH_CATALOG"); folder && !folder->empty()) {
    folders.emplace_back(*folder);
  }
  for (const std::string& folder : arguments.all("catalog"))
    folders.emplace_back(folder);  // later ones override earlier ones
  Result<Catalog> catalog = load_catalog(folders);
  if (!catalog) return failure(std::move(catalog.error()));
  return Sources(std::make_unique<State>(State{std::move(folders), std::move(*catalog)}));
}

Result<Imported<Workload>> Sources::workload(const std::string& model,
                                             const StepRequest& request) const {
  const ModelRequest step{.phase = request.phase.value_or(Phase::forward),
                          .batch = request.batch,
                          .sequence = request.sequence,
                          .past = request.past};
  return load_model(model, step, state_->models(request));
}

Result<TrainingRows> Sources::training_rows(std::string_view text, const std::string& file) const {
  const ModelLibrary library = state_->models({});
  const Result<FrameworkDefaults> defaults = FrameworkDefaults::embedded();
  if (!defaults) return failure(defaults.error());
  return read_training_rows(text, file, {library, *defaults});
}

const Catalog& Sources::entries() const { return state_->catalog; }

Result<System> Sources::system(const std::string& name) const {
  return state_->catalog.system(name);
}

Result<Findings> Sources::catalog(const std::string& kind, const std::string& word) const {
  if (kind.empty()) return state_->parts();
  if (kind == "models") return state_->model_list(word);
  const auto* part = std::find_if(kParts.begin(), kParts.end(),
                                  [&](const Part& candidate) { return candidate.name == kind; });
  if (part == kParts.end()) {
    return failure({nothing_found("parts of the catalog", kind, {"systems", "devices", "models"})});
  }
  return state_->entries(*part, word);
}

bool is_graph(const std::string& model) {
  if (ends_with_any(model, {".onnx", ".csv"})) return true;
  if (!is_yaml(model)) return false;
  const Result<std::string> text = read_file(model, kTextLimit);
  return text && (text->starts_with("workload:") || text->find("\nworkload:") != std::string::npos);
}

Result<Plan> plan_from(const std::string& text_or_file) {
  if (!is_yaml(text_or_file))
    return parse_plan(text_or_file, {.file = "plan", .line = 1, .column = 1});
  const Result<std::string> text = read_file(text_or_file, kTextLimit);
  if (!text) return failure(text.error());
  return read_plan(*text, text_or_file);
}

std::string describe_plan(const Plan& plan) {
  const std::string text = write_plan(plan);
  return text.empty() ? "tp=1" : text;
}

Result<std::string> read_file(const std::string& path, std::uintmax_t limit) {
  const Place place{.file = path};
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return failure(place, "there is no such file", "check the path");
  if (fs::is_directory(status)) return failure(place, "is a folder", "name a file in it");
  if (!fs::is_regular_file(status)) return failure(place, "is not a regular file", "copy it first");
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return failure(place, fmt::format("cannot be read: {}", error.message()));
  if (size > limit) {
    return failure(place, fmt::format("has {} bytes; at most {} are read", size, limit));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(size));
  if (!file) return failure(place, "cannot be read", "check its permissions");
  return text;
}

}  // namespace fastpath::cli
