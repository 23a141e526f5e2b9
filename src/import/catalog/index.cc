#include "import/catalog/index.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{8} << 20;
constexpr std::size_t kMostFiles = 10'000;

bool is_yaml(std::string_view path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

/// The value of a key at the start of a line, without reading the YAML: "system: dgx-h100".
std::string_view top_level_value(std::string_view text, std::string_view key) {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, end - start);
    start = end + 1;
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) continue;
    line = line.substr(key.size() + 1);
    line = trim(line.substr(0, line.find(" #")));
    const bool quoted = line.size() > 1 && (line.front() == '"' || line.front() == '\'');
    return quoted ? line.substr(1, line.size() - 2) : line;
  }
  return {};
}

/// YAML files and tables below a folder, in order of their paths.
Result<std::vector<fs::path>> files_below(const fs::path& folder) {
  const Place place{folder.string(), 0, 0};
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator walk(folder, error);
  if (error) return failure(place, "cannot read the catalog folder", error.message());
  for (; walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    if (error) return failure(place, "cannot read the catalog folder", error.message());
    const fs::path& path = walk->path();
    if (path.extension() == ".csv" || is_yaml(path.native())) files.push_back(path);
    if (files.size() > kMostFiles) {
      return failure(place, fmt::format("more than {} files below the catalog folder", kMostFiles),
                     "name a folder that only holds a catalog");
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<std::string> read_catalog_file(const fs::path& path, const Place& place) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) {
    return failure(place, fmt::format("cannot read {}", path.string()), error.message());
  }
  if (size > kMostBytes) {
    return failure(place, fmt::format("{} is larger than {} MiB", path.string(), kMostBytes >> 20));
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text(size, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(size));
  if (!stream) return failure(place, fmt::format("cannot read {}", path.string()));
  return text;
}

Result<void> CatalogIndex::add(std::string_view path, const std::string& file,
                               std::string_view text) {
  if (is_yaml(path)) {
    add_yaml(file, text);
    return {};
  }
  if (!path.ends_with(".csv")) return {};
  if (path.ends_with("aliases.csv")) return add_aliases(file, text);
  if (path.ends_with("achieved.csv")) {
    auto table = AchievedTable::parse(text, file);
    if (!table) return failure(table.error());
    achieved_.add(*table);
    return {};
  }
  if (path.ends_with("kernels.csv")) {
    const auto table = KernelTable::parse(text, file);
    if (!table) return failure(table.error());
    kernels_.add(*table);
    return {};
  }
  const auto below = [&](std::string_view folder) {
    return path.starts_with(folder) || path.find(fmt::format("/{}", folder)) != path.npos;
  };
  if (below("collectives/")) {
    auto table = TuningTable::parse(text, file);
    if (!table) return failure(table.error());
    tunings_.add(*table);
    return {};
  }
  if (below("devices/")) return add_table(EntryKind::device, file, text);
  if (below("links/")) return add_table(EntryKind::link, file, text);
  if (below("storage/")) return add_table(EntryKind::storage, file, text);
  return {};
}

Result<void> CatalogIndex::add_folder(const fs::path& folder) {
  const auto files = files_below(folder);
  if (!files) return failure(files.error());
  Diagnostics errors;
  for (const fs::path& path : *files) {
    auto text = read_catalog_file(path, {path.string(), 0, 0});
    if (!text) {
      errors.insert(errors.end(), text.error().begin(), text.error().end());
      continue;
    }
    texts_.push_back(std::move(*text));
    const std::string below = path.lexically_relative(folder).generic_string();
    if (auto added = add(below, path.string(), texts_.back()); !added) {
      errors.insert(errors.end(), added.error().begin(), added.error().end());
    }
  }
  if (!errors.empty()) return failure(std::move(errors));
  return {};
}

Result<void> CatalogIndex::add_table(EntryKind kind, const std::string& file,
                                     std::string_view text) {
  const auto& columns = kind == EntryKind::device ? device_columns()
                        : kind == EntryKind::link ? link_columns()
                                                  : storage_columns();
  auto parsed = CatalogTable::parse(text, file, columns);
  if (!parsed) return failure(parsed.error());
  tables_.push_back(std::move(*parsed));
  const CatalogTable& table = tables_.back();
  Diagnostics errors;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string id(table.text(row, "id"));
    if (id.empty()) errors.push_back({table.place(row, "id"), "a row needs an id", {}});
    names_of(kind)[id] = {&table, row, ChipPart::own, file, {}};
    if (kind != EntryKind::device) continue;
    if (has_part(table, row, ChipPart::gpu)) {
      names_of(kind)[id + ".gpu"] = {&table, row, ChipPart::gpu, file, {}};
    }
    if (has_part(table, row, ChipPart::npu)) {
      names_of(kind)[id + ".npu"] = {&table, row, ChipPart::npu, file, {}};
    }
  }
  if (!errors.empty()) return failure(std::move(errors));
  return {};
}

Result<void> CatalogIndex::add_aliases(const std::string& file, std::string_view text) {
  const auto table = CatalogTable::parse(text, file, {"alias", "id", "source", "date"});
  if (!table) return failure(table.error());
  for (std::size_t row = 0; row < table->rows(); ++row) {
    aliases_[std::string(table->text(row, "alias"))] = std::string(table->text(row, "id"));
  }
  return {};
}

void CatalogIndex::add_yaml(const std::string& file, std::string_view text) {
  const std::string_view system = top_level_value(text, "system");
  if (!system.empty()) {
    names_of(EntryKind::system)[std::string(system)] = {nullptr, 0, ChipPart::own, file, text};
    return;
  }
  const std::string_view device = top_level_value(text, "device");
  if (!device.empty()) {
    names_of(EntryKind::device)[std::string(device)] = {nullptr, 0, ChipPart::own, file, text};
  }
}

const EntrySource* CatalogIndex::find(EntryKind kind, std::string_view name) const {
  const Names& all = names(kind);
  auto found = all.find(name);
  if (found == all.end()) {
    const auto alias = aliases_.find(name);
    if (alias != aliases_.end()) found = all.find(alias->second);
  }
  return found == all.end() ? nullptr : &found->second;
}

const CatalogIndex::Names& CatalogIndex::names(EntryKind kind) const {
  return names_[static_cast<std::size_t>(kind)];
}

std::vector<std::string> CatalogIndex::aliases_of(std::string_view id) const {
  std::vector<std::string> result;
  for (const auto& [alias, target] : aliases_) {
    if (target == id) result.push_back(alias);
  }
  return result;
}

tl::unexpected<Diagnostics> CatalogIndex::unknown(std::initializer_list<EntryKind> kinds,
                                                  std::string_view name, const Place& place) const {
  constexpr std::array<std::string_view, 4> kWords = {"device", "system", "link", "storage"};
  std::vector<std::string> candidates;
  std::string what;
  for (const EntryKind kind : kinds) {
    what += (what.empty() ? "" : " or ") + std::string(kWords[static_cast<std::size_t>(kind)]);
    for (const auto& [id, origin] : names(kind))
      candidates.push_back(id);
    if (kind != EntryKind::device) continue;
    for (const auto& [alias, id] : aliases_)
      candidates.push_back(alias);
  }
  return failure(place, fmt::format("unknown {} '{}'", what, name.substr(0, 80)),
                 did_you_mean(name, candidates));
}

}  // namespace fastpath
