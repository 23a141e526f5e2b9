#include "import/catalog/resolver.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ir/system.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestChain = 32;

/// A file named in a file stands beside it.
fs::path path_of(std::string_view name, const Place& place) {
  fs::path path(name);
  if (path.is_absolute()) return path;
  return (fs::path(place.file).parent_path() / path).lexically_normal();
}

}  // namespace

bool names_a_file(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml");
}

Result<void> Resolver::enter(const std::string& file, const Place& place) {
  const auto found = std::find(chain_.begin(), chain_.end(), file);
  if (found != chain_.end()) {
    return failure(place, fmt::format("{} is based on itself", file),
                   fmt::format("{} -> {}", fmt::join(found, chain_.end(), " -> "), file));
  }
  if (chain_.size() >= kLongestChain) {
    return failure(place, fmt::format("more than {} files are based on each other", kLongestChain));
  }
  chain_.push_back(file);
  return {};
}

Result<System> Resolver::system_file(std::string_view name, const Place& place) {
  const fs::path path = path_of(name, place);
  const auto text = read_catalog_file(path, place);
  if (!text) return failure(text.error());
  if (auto entered = enter(path.string(), place); !entered) return failure(entered.error());
  auto system = read_system_yaml(*text, path.string(), *this);
  leave();
  return system;
}

Result<Device> Resolver::device_file(std::string_view name, const Place& place) {
  const fs::path path = path_of(name, place);
  const auto text = read_catalog_file(path, place);
  if (!text) return failure(text.error());
  if (auto entered = enter(path.string(), place); !entered) return failure(entered.error());
  auto device = read_device_yaml(*text, path.string(), *this);
  leave();
  return device;
}

Result<System> Resolver::system(std::string_view name, const Place& place) {
  if (names_a_file(name)) return system_file(name, place);
  const EntrySource* origin = index_.find(EntryKind::system, name);
  if (origin == nullptr) {
    if (index_.find(EntryKind::device, name) == nullptr) {
      return index_.unknown({EntryKind::system, EntryKind::device}, name, place);
    }
    auto alone = device(name, place);
    if (!alone) return failure(alone.error());
    return system_of(std::move(*alone));
  }
  if (auto entered = enter(origin->file, place); !entered) return failure(entered.error());
  auto system = read_system_yaml(origin->text, origin->file, *this);
  leave();
  return system;
}

Result<Device> Resolver::device(std::string_view name, const Place& place) {
  if (names_a_file(name)) return device_file(name, place);
  const EntrySource* origin = index_.find(EntryKind::device, name);
  if (origin == nullptr) return index_.unknown({EntryKind::device}, name, place);
  if (origin->table != nullptr) {
    auto device = read_device_row(*origin->table, origin->row, origin->part);
    if (!device) return failure(device.error());
    set_achieved(*device, family_of_row(*origin->table, origin->row, origin->part));
    return device;
  }
  if (auto entered = enter(origin->file, place); !entered) return failure(entered.error());
  auto device = read_device_yaml(origin->text, origin->file, *this);
  leave();
  return device;
}

Result<Link> Resolver::link(std::string_view name, const Place& place) {
  const EntrySource* origin = index_.find(EntryKind::link, name);
  if (origin == nullptr) return index_.unknown({EntryKind::link}, name, place);
  auto link = read_link_row(*origin->table, origin->row);
  if (link) link->tunings = index_.tunings().of(link->id);
  return link;
}

Result<Storage> Resolver::storage(std::string_view name, const Place& place) {
  const EntrySource* origin = index_.find(EntryKind::storage, name);
  if (origin == nullptr) return index_.unknown({EntryKind::storage}, name, place);
  return read_storage_row(*origin->table, origin->row);
}

void Resolver::set_achieved(Device& device, std::string_view family) {
  index_.achieved().apply(device, family);
  index_.kernels().apply(device);
}

}  // namespace fastpath
