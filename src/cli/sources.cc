#include "cli/sources.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "analyze/system_findings.h"
#include "base/text.h"
#include "import/catalog/catalog.h"
#include "import/hf/config.h"
#include "import/model/decoder.h"
#include "ir/plan_text.h"

namespace fastpath::cli {
namespace {

namespace fs = std::filesystem;

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::optional<EntryKind> entry_kind(std::string_view kind) {
  if (kind == "systems") return EntryKind::system;
  if (kind == "devices") return EntryKind::device;
  if (kind == "links") return EntryKind::link;
  if (kind == "storage") return EntryKind::storage;
  return std::nullopt;
}

Table entry_table(const std::string& name, const std::vector<CatalogEntry>& entries) {
  Table table{name,
              fmt::format("{} ({})", name, entries.size()),
              {{"id", Unit::none},
               {"name", Unit::none},
               {"aliases", Unit::none},
               {"device", Unit::none},
               {"devices", Unit::count},
               {"year", Unit::none},
               {"data_sheet", Unit::none}},
              {}};
  for (const CatalogEntry& entry : entries) {
    table.rows.push_back({entry.id, entry.name, fmt::format("{}", fmt::join(entry.aliases, ", ")),
                          entry.kind == EntryKind::system ? entry.device : entry.device_kind,
                          static_cast<double>(entry.devices),
                          entry.year ? Cell{fmt::format("{}", *entry.year)} : Cell{},
                          std::string(entry.has_data_sheet ? "yes" : "none")});
  }
  return table;
}

}  // namespace

struct Sources::State {
  std::vector<std::string> folders;
  Catalog catalog;
};

Sources::Sources(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sources::Sources(Sources&&) noexcept = default;
Sources& Sources::operator=(Sources&&) noexcept = default;
Sources::~Sources() = default;

Result<Sources> Sources::open(const Session& session, const Arguments& arguments) {
  std::vector<std::string> folders;
  if (const auto folder = session.environment("FASTPATH_CATALOG"); folder && !folder->empty()) {
    folders.push_back(*folder);
  }
  for (const std::string& folder : arguments.all("catalog"))
    folders.push_back(folder);  // later ones override earlier ones
  Result<Catalog> catalog = load_catalog(std::vector<fs::path>(folders.begin(), folders.end()));
  if (!catalog) return failure(std::move(catalog.error()));
  return Sources(std::make_unique<State>(State{std::move(folders), std::move(*catalog)}));
}

Result<Imported<Workload>> Sources::workload(const std::string& model,
                                             const StepRequest& request) const {
  std::ifstream file(model);
  std::stringstream text;
  text << file.rdbuf();
  auto spec = read_hf_config(text.str(), model);
  if (!spec) return failure(spec.error());
  spec->value.name = model;
  return Imported<Workload>{build_decoder(spec->value, {.phase = *request.phase,
                                                        .batch = request.batch,
                                                        .sequence = request.sequence,
                                                        .past = request.past}),
                            spec->warnings};
}

Result<System> Sources::system(const std::string& name) const {
  return state_->catalog.system(name);
}

bool Sources::is_graph(const std::string& model) const {
  return lower_case(model).ends_with(".onnx");
}

Result<Findings> Sources::catalog(const std::string& kind, const std::string& word) const {
  Findings findings;
  findings.title = "FastPath's catalog";
  if (kind.empty()) {
    Table table{"parts", "Parts", {{"part", Unit::none}, {"entries", Unit::count}}, {}};
    for (const std::string name : {"systems", "devices", "links", "storage"}) {
      const std::size_t count = state_->catalog.ids(*entry_kind(name)).size();
      table.rows.push_back({name, static_cast<double>(count)});
    }
    findings.tables.push_back(std::move(table));
    findings.notes.emplace_back("fastpath catalog devices h100 searches; a whole name shows it.");
    return findings;
  }
  const std::optional<EntryKind> entry = entry_kind(kind);
  if (!entry) return failure({.file = kind}, "not there yet");
  if (!word.empty()) {
    const bool shows = *entry == EntryKind::system || *entry == EntryKind::device;
    const std::vector<std::string> ids = state_->catalog.ids(*entry);
    if (shows && std::find(ids.begin(), ids.end(), word) != ids.end()) {
      Result<System> system = state_->catalog.system(word);
      if (!system) return failure(std::move(system.error()));
      return describe_system(*system);
    }
  }
  CatalogQuery query;
  query.kind = entry;
  if (!word.empty()) query.words = {word};
  const auto found = state_->catalog.search(query);
  if (found.value.empty()) {
    return failure({.file = "catalog"}, fmt::format("no {} with '{}'", kind, word),
                   did_you_mean(word, state_->catalog.ids(*entry)));
  }
  findings.tables.push_back(entry_table(kind, found.value));
  return findings;
}

Result<Plan> plan_from(const std::string& text_or_file) {
  return parse_plan(text_or_file, {.file = "plan"});
}

std::string describe_plan(const Plan& plan) {
  const std::string text = write_plan(plan);
  return text.empty() ? "one device" : text;
}

std::string write_program(const Program& program) { return program.workload + "\n"; }

}  // namespace fastpath::cli
