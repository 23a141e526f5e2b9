#include "import/catalog/catalog.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "import/catalog/embedded.h"
#include "import/catalog/index.h"
#include "import/catalog/resolver.h"
#include "ir/system.h"

namespace fastpath {
namespace {

const Place kCommandLine{"command line", 0, 0};

bool contains_ignoring_case(std::string_view text, std::string_view word) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [&](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

/// "dgx-h100:16" -> the name and 16; without a number the name alone.
std::pair<std::string_view, std::optional<long long>> split_count(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos) return {name, std::nullopt};
  const auto count = parse_integer(name.substr(colon + 1));
  if (!count) return {name, std::nullopt};
  return {name.substr(0, colon), count};
}

CatalogEntry device_entry(const Device& device) {
  CatalogEntry entry;
  entry.kind = EntryKind::device;
  entry.id = device.id;
  entry.name = device.name;
  entry.vendor = device.vendor;
  entry.device_kind = device.kind;
  entry.device = device.id;
  entry.year = device.year;
  entry.has_data_sheet = device.has_data_sheet();
  if (!device.peaks.empty()) entry.confidence = device.peaks.front().rate.source.confidence;
  return entry;
}

CatalogEntry system_entry(const System& system) {
  CatalogEntry entry = device_entry(system.device);
  entry.kind = EntryKind::system;
  entry.id = system.id;
  entry.name = system.name;
  entry.devices = system.device_count();
  return entry;
}

CatalogEntry named_entry(EntryKind kind, std::string_view id, std::string name,
                         const Source& source) {
  CatalogEntry entry;
  entry.kind = kind;
  entry.id = std::string(id);
  entry.name = std::move(name);
  entry.confidence = source.confidence;
  return entry;
}

Result<CatalogEntry> read_entry(EntryKind kind, std::string_view id, const CatalogIndex& index) {
  Resolver resolver(index);
  const auto as_entry = [&](auto read, auto make) -> Result<CatalogEntry> {
    if (!read) return failure(read.error());
    return make(*read);
  };
  switch (kind) {
    case EntryKind::device: return as_entry(resolver.device(id, kCommandLine), device_entry);
    case EntryKind::system: return as_entry(resolver.system(id, kCommandLine), system_entry);
    case EntryKind::link:
      return as_entry(resolver.link(id, kCommandLine), [&](const Link& link) {
        return named_entry(kind, id, link.name, link.bandwidth.source);
      });
    case EntryKind::storage: break;
  }
  return as_entry(resolver.storage(id, kCommandLine), [&](const Storage& storage) {
    return named_entry(kind, id, storage.name, storage.read ? storage.read->source : Source{});
  });
}

bool has_word(const CatalogEntry& entry, std::string_view notes, std::string_view word) {
  const auto in = [&](std::string_view text) { return contains_ignoring_case(text, word); };
  return in(entry.id) || in(entry.name) || in(entry.vendor) || in(entry.device) || in(notes) ||
         std::any_of(entry.aliases.begin(), entry.aliases.end(), in);
}

bool matches(const CatalogEntry& entry, std::string_view notes, const CatalogQuery& query) {
  const bool of_kind = query.device_kind.empty() || query.device_kind == entry.device_kind;
  const bool of_vendor = query.vendor.empty() || equals_ignoring_case(query.vendor, entry.vendor);
  const bool late = !query.first_year || (entry.year && *entry.year >= *query.first_year);
  const bool early = !query.last_year || (entry.year && *entry.year <= *query.last_year);
  return of_kind && of_vendor && late && early &&
         std::all_of(query.words.begin(), query.words.end(),
                     [&](const std::string& word) { return has_word(entry, notes, word); });
}

}  // namespace

Catalog::Catalog(std::unique_ptr<CatalogIndex> index) : index_(std::move(index)) {}
Catalog::Catalog(Catalog&&) noexcept = default;
Catalog& Catalog::operator=(Catalog&&) noexcept = default;
Catalog::~Catalog() = default;

Result<System> Catalog::system(std::string_view name) const {
  const auto [base, count] = split_count(name);
  auto system = Resolver(*index_).system(base, kCommandLine);
  if (!system || !count) return system;
  return with_device_count(std::move(*system), *count);
}

Result<Device> Catalog::device(std::string_view name) const {
  return Resolver(*index_).device(name, kCommandLine);
}

std::string Catalog::instructions(std::string_view name) const {
  const EntrySource* source = index_->find(EntryKind::device, name);
  if (source == nullptr || source->table == nullptr) return {};
  return std::string(source->table->text(source->row, "isa"));
}

Result<Link> Catalog::link(std::string_view name) const {
  return Resolver(*index_).link(name, kCommandLine);
}

Result<Storage> Catalog::storage(std::string_view name) const {
  return Resolver(*index_).storage(name, kCommandLine);
}

std::optional<Hertz> Catalog::random_reads(std::string_view storage) const {
  const EntrySource* source = index_->find(EntryKind::storage, storage);
  if (source == nullptr || source->table == nullptr) return std::nullopt;
  Diagnostics errors;
  const auto rate = source->table->range(source->row, "read rate", errors);
  return rate ? std::optional(Hertz{rate->at(0)}) : std::nullopt;
}

Imported<std::vector<CatalogEntry>> Catalog::search(const CatalogQuery& query) const {
  Imported<std::vector<CatalogEntry>> found;
  for (const EntryKind kind :
       {EntryKind::system, EntryKind::device, EntryKind::link, EntryKind::storage}) {
    if (query.kind && *query.kind != kind) continue;
    for (const auto& [id, origin] : index_->names(kind)) {
      auto entry = read_entry(kind, id, *index_);
      if (!entry) {
        found.warnings.insert(found.warnings.end(), entry.error().begin(), entry.error().end());
        continue;
      }
      entry->file = origin.file;
      entry->aliases = index_->aliases_of(id);
      const std::string_view notes =
          origin.table == nullptr ? origin.text : origin.table->text(origin.row, "notes");
      if (matches(*entry, notes, query)) found.value.push_back(std::move(*entry));
    }
  }
  return found;
}

std::vector<std::string> Catalog::ids(EntryKind kind) const {
  std::vector<std::string> result;
  for (const auto& [id, origin] : index_->names(kind))
    result.push_back(id);
  return result;
}

Result<Catalog> load_catalog(std::span<const std::filesystem::path> user_folders) {
  auto index = std::make_unique<CatalogIndex>();
  for (const EmbeddedFile& file : embedded_catalog()) {
    const auto added = index->add(file.path, fmt::format("catalog/{}", file.path), file.text);
    if (!added) return failure(added.error());
  }
  for (const std::filesystem::path& folder : user_folders) {
    if (auto added = index->add_folder(folder); !added) return failure(added.error());
  }
  return Catalog(std::move(index));
}

}  // namespace fastpath
