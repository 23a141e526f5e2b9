/// What lists of the catalog show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fastpath {

enum class EntryKind : std::uint8_t { device, system, link, storage };

/// What a list of the catalog shows of one entry.
struct CatalogEntry {
  EntryKind kind = EntryKind::device;
  std::string id;
  std::string name;
  std::string vendor;       ///< of the device
  std::string device_kind;  ///< "gpu", "cpu", ...; of the device
  std::string device;       ///< id of a system's device
  std::int64_t devices = 1;
  std::optional<int> year;
  bool has_data_sheet = true;
  std::string confidence;
  std::string file;                  ///< where it is from
  std::vector<std::string> aliases;  ///< short names
};

/// What to look for; empty fields match everything.
struct CatalogQuery {
  std::vector<std::string> words;  ///< each in id, name, vendor, notes or an alias, case ignored
  std::optional<EntryKind> kind;
  std::string device_kind;
  std::string vendor;
  std::optional<int> first_year;
  std::optional<int> last_year;
};

}  // namespace fastpath
