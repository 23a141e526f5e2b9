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
#include "ir/semantics.h"

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
  return [dims = step.dims, as_executed = step.as_executed](
             const std::string& path, const ModelRequest& request) -> Result<Imported<Workload>> {
    const Result<std::string> bytes = read_file(path, kGraphLimit);
    if (!bytes) return failure(bytes.error());
    return read_onnx(*bytes, path,
                     {.dims = dims, .phase = request.phase, .as_executed = as_executed});
  };
}

/// Readers of files that are workloads themselves.
std::map<std::string, WorkloadReader> readers_for(const StepRequest& step) {
  return {{".onnx", onnx_reader(step)},
          {".csv", text_reader(read_gemm_table)},
          {".yaml", text_reader(read_workload)},
          {".yml", text_reader(read_workload)}};
}

template <class Q>
Cell value_of(const std::optional<Figure<Q>>& figure) {
  return figure ? Cell{figure->value.base()} : Cell{};
}

/// Links by name, with what a message and a collective meet on them.
Table link_table(const Catalog& catalog, const std::vector<CatalogEntry>& entries) {
  Table table{"links",
              fmt::format("links ({}), per direction and device", entries.size()),
              {{"id", Unit::none},
               {"name", Unit::none},
               {"bandwidth", Unit::bytes_per_second},
               {"achieved", Unit::ratio},
               {"latency", Unit::seconds},
               {"setup", Unit::seconds}},
              {}};
  for (const CatalogEntry& entry : entries) {
    const Result<Link> link = catalog.link(entry.id);
    if (!link) continue;
    table.rows.push_back({entry.id, entry.name, link->bandwidth.value.base(), link->achieved.value,
                          link->latency.value.base(), link->setup.value.base()});
  }
  return table;
}

Table storage_table(const Catalog& catalog, const std::vector<CatalogEntry>& entries) {
  Table table{"storage",
              fmt::format("storage ({})", entries.size()),
              {{"id", Unit::none},
               {"name", Unit::none},
               {"read", Unit::bytes_per_second},
               {"write", Unit::bytes_per_second}},
              {}};
  for (const CatalogEntry& entry : entries) {
    const Result<Storage> storage = catalog.storage(entry.id);
    if (!storage) continue;
    table.rows.push_back({entry.id, entry.name, value_of(storage->read), value_of(storage->write)});
  }
  return table;
}

/// Sizes of a workload's dimensions, by name.
Diagnostics set_dims(Workload& workload,
                     const std::vector<std::pair<std::string, std::int64_t>>& sizes) {
  Diagnostics mistakes;
  std::vector<std::string> names;
  for (const Dim& dim : workload.dims)
    names.push_back(dim.name);
  for (const auto& [name, size] : sizes) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      mistakes.push_back({{.file = "command line"},
                          fmt::format("the workload has no dimension '{}'", name),
                          did_you_mean(name, names)});
      continue;
    }
    workload.dims[static_cast<std::size_t>(found - names.begin())].size = size;
  }
  if (!mistakes.empty()) return mistakes;
  for (std::string& mistake : mistakes_in(workload))
    mistakes.push_back({{.file = "command line"}, std::move(mistake), "check the sizes of --dim"});
  return mistakes;
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
      row.emplace_back();
      if (entry.year) row.back() = std::to_string(*entry.year);
      row.emplace_back(std::string(entry.has_data_sheet ? "yes" : "none"));
    }
    if (systems || devices) row.emplace_back(fmt::format("{}", fmt::join(entry.aliases, ", ")));
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// "megatron:FILE" in its parts; no framework where none is in front.
std::pair<std::string, std::string> framework_and_file(const std::string& text) {
  const std::size_t colon = text.find(':');
  for (const std::string& name : framework_names()) {
    if (text.substr(0, colon) == name && colon != text.npos) return {name, text.substr(colon + 1)};
  }
  return {"", text};
}

Diagnostic nothing_found(const std::string& where, const std::string& word,
                         const std::vector<std::string>& names) {
  return {{.file = "catalog"},
          fmt::format("there is no '{}' in {}", word, where),
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

  std::vector<std::string> model_ids() const { return model_names(models({})); }
  std::vector<std::string> ids(std::string_view part) const;

  Findings summary() const;
  Table table_of(const Part& part, const std::string& word) const;
  Table table_of_models(const std::string& word) const;
  Result<Findings> shown(std::string_view part, const std::string& name) const;
  Result<Findings> listed(const std::string& part, const std::string& word) const;
  Result<Findings> found_anywhere(const std::string& word) const;
};

/// Names of a part, in order.
std::vector<std::string> Sources::State::ids(std::string_view part) const {
  const auto* found = std::find_if(kParts.begin(), kParts.end(),
                                   [&](const Part& known) { return known.name == part; });
  return found == kParts.end() ? model_ids() : catalog.ids(found->kind);
}

Findings Sources::State::summary() const {
  Table table{"parts", "Parts", {{"part", Unit::none}, {"entries", Unit::count}}, {}};
  for (const std::string& part : Sources::parts())
    table.rows.push_back({part, static_cast<double>(ids(part).size())});
  return {"FastPath's catalog",
          {std::move(table)},
          {"fastpath catalog devices lists a part, fastpath catalog devices h100 searches it, "
           "fastpath catalog h100 searches all, and a whole name is shown with its sources."}};
}

Table Sources::State::table_of(const Part& part, const std::string& word) const {
  CatalogQuery query;
  query.kind = part.kind;
  if (!word.empty()) query.words = {word};
  const std::vector<CatalogEntry> found = catalog.search(query).value;
  if (part.kind == EntryKind::link) return link_table(catalog, found);
  if (part.kind == EntryKind::storage) return storage_table(catalog, found);
  return entry_table(part.name, found);
}

Table Sources::State::table_of_models(const std::string& word) const {
  Table table{"models", "", {{"model", Unit::none}}, {}};
  for (const std::string& name : model_ids()) {
    if (contains_ignoring_case(name, word)) table.rows.push_back({name});
  }
  table.title = fmt::format("models ({})", table.rows.size());
  return table;
}

/// All that is known of one entry; no tables for links and storage, which a list tells whole.
Result<Findings> Sources::State::shown(std::string_view part, const std::string& name) const {
  const std::vector<std::string> names = ids(part);
  if (std::find(names.begin(), names.end(), name) == names.end()) return Findings{};
  if (part == "models") {
    const ModelRequest request{.phase = Phase::forward, .sequence = 1};
    const Result<Imported<Workload>> workload = load_model(name, request, models({}));
    if (!workload) return failure(workload.error());
    return describe_workload(workload->value, 10);
  }
  if (part != "systems" && part != "devices") return Findings{};
  const Result<System> system = catalog.system(name);
  if (!system) return failure(system.error());
  return describe_system(*system);
}

Result<Findings> Sources::State::listed(const std::string& part, const std::string& word) const {
  Result<Findings> one = shown(part, word);
  if (!one || !one->tables.empty()) return one;
  const auto* found = std::find_if(kParts.begin(), kParts.end(),
                                   [&](const Part& known) { return known.name == part; });
  Table table = found == kParts.end() ? table_of_models(word) : table_of(*found, word);
  if (table.rows.empty()) {
    return failure({nothing_found("the " + part, word, ids(part))});
  }
  return Findings{"FastPath's catalog", {std::move(table)}, {}};
}

/// The entry of this name in any part, else all entries that have the word in them.
Result<Findings> Sources::State::found_anywhere(const std::string& word) const {
  std::vector<std::string> names = Sources::parts();
  Findings findings{"FastPath's catalog", {}, {}};
  for (const std::string& part : Sources::parts()) {
    Result<Findings> one = shown(part, word);
    if (!one || !one->tables.empty()) return one;
    const std::vector<std::string> more = ids(part);
    names.insert(names.end(), more.begin(), more.end());
  }
  for (const Part& part : kParts)
    findings.tables.push_back(table_of(part, word));
  findings.tables.push_back(table_of_models(word));
  std::erase_if(findings.tables, [](const Table& table) { return table.rows.empty(); });
  if (findings.tables.empty()) return failure({nothing_found("the catalog", word, names)});
  return findings;
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
  Result<Imported<Workload>> workload = load_model(model, step, state_->models(request));
  const bool sized = !workload || request.dims.empty() || ends_with_any(model, {".onnx"});
  if (sized) return workload;
  const Diagnostics mistakes = set_dims(workload->value, request.dims);
  if (!mistakes.empty()) return failure(mistakes);
  return workload;
}

bool Sources::has_own_sizes(const std::string& model) const {
  return is_own_workload(model, state_->models({}));
}

std::string Sources::repository(const std::string& model) const {
  constexpr std::string_view kSource = "source: \"";
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (file.path != fmt::format("models/{}.yaml", model)) continue;
    const std::size_t begin = file.text.find(kSource);
    if (begin == file.text.npos) return {};
    const std::string_view rest = file.text.substr(begin + kSource.size());
    const std::string_view name = rest.substr(0, rest.find_first_of(",\"\n"));
    const bool is_repository =
        std::count(name.begin(), name.end(), '/') == 1 && name.find(' ') == name.npos;
    return is_repository ? std::string(name) : std::string();
  }
  return {};
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

std::vector<std::string> Sources::parts() {
  std::vector<std::string> names;
  names.reserve(kParts.size() + 1);
  for (const Part& part : kParts)
    names.emplace_back(part.name);
  names.emplace_back("models");
  return names;
}

Result<Findings> Sources::catalog(const std::string& kind, const std::string& word) const {
  if (kind.empty()) return word.empty() ? state_->summary() : state_->found_anywhere(word);
  const std::vector<std::string> known = parts();
  if (std::find(known.begin(), known.end(), kind) == known.end()) {
    return failure({.file = "command line"}, fmt::format("unknown part of the catalog '{}'", kind),
                   did_you_mean(kind, known));
  }
  return state_->listed(kind, word);
}

Result<Plan> GivenPlan::on(std::int64_t devices) const {
  return job ? plan_on_devices(*job, devices) : Result<Plan>(plan);
}

Result<GivenPlan> plan_from(const std::string& text_or_file) {
  const auto [framework, file] = framework_and_file(text_or_file);
  const bool framework_file =
      !framework.empty() || ends_with_any(file, {".sh", ".toml", ".json", ".yaml", ".yml"});
  if (!framework_file) {
    Result<Plan> plan = parse_plan(text_or_file, {.file = "plan", .line = 1, .column = 1});
    if (!plan) return failure(std::move(plan.error()));
    return GivenPlan{*plan, std::nullopt, {}};
  }
  const Result<std::string> text = read_file(file, kTextLimit);
  if (!text) return failure(text.error());
  const std::string told = framework.empty() ? framework_of(*text, file) : framework;
  if (told.empty()) {
    Result<PlanFile> read = read_plan_file(*text, file);
    if (!read) return failure(std::move(read.error()));
    const std::string& input = read->input;
    const std::string beside = (fs::path(file).parent_path() / input).string();
    return GivenPlan{read->plan, std::nullopt, {}, input.empty() ? input : beside};
  }
  Result<Imported<FrameworkJob>> job = read_framework(*text, file, told);
  if (!job) return failure(std::move(job.error()));
  return GivenPlan{job->value.plan, std::move(job->value), std::move(job->warnings)};
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
