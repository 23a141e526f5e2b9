/// Where each name of the catalog is read from. Building it parses the tables, but no YAML.
#pragma once

#include <array>
#include <deque>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "import/catalog/achieved.h"
#include "import/catalog/device_row.h"
#include "import/catalog/entry.h"
#include "import/catalog/kernels.h"
#include "import/catalog/table.h"
#include "import/catalog/tunings.h"

namespace fastpath {

/// A row of a table, or a YAML file.
struct EntrySource {
  const CatalogTable* table = nullptr;  ///< null for a file
  std::size_t row = 0;
  ChipPart part = ChipPart::own;
  std::string file;
  std::string_view text;  ///< of a file
};

class CatalogIndex {
 public:
  using Names = std::map<std::string, EntrySource, std::less<>>;

  /// Enters a file of a catalog folder, over what was entered before. `path` is below the folder,
  /// `file` names it in messages; `text` must outlive the index. Other kinds of files are skipped.
  Result<void> add(std::string_view path, const std::string& file, std::string_view text);

  /// Enters the files of a user's folder.
  Result<void> add_folder(const std::filesystem::path& folder);

  /// The entry of that name or alias; null if there is none.
  const EntrySource* find(EntryKind kind, std::string_view name) const;

  const Names& names(EntryKind kind) const;
  const AchievedTable& achieved() const { return achieved_; }
  const KernelTable& kernels() const { return kernels_; }
  const TuningTable& tunings() const { return tunings_; }
  std::vector<std::string> aliases_of(std::string_view id) const;

  /// The failure for an unknown name, with a did-you-mean over the names of these kinds.
  tl::unexpected<Diagnostics> unknown(std::initializer_list<EntryKind> kinds, std::string_view name,
                                      const Place& place) const;

 private:
  Result<void> add_table(EntryKind kind, const std::string& file, std::string_view text);
  Result<void> add_aliases(const std::string& file, std::string_view text);
  void add_yaml(const std::string& file, std::string_view text);
  Names& names_of(EntryKind kind) { return names_[static_cast<std::size_t>(kind)]; }

  std::deque<CatalogTable> tables_;
  std::deque<std::string> texts_;  ///< of the user's files
  std::array<Names, 4> names_;
  std::map<std::string, std::string, std::less<>> aliases_;
  AchievedTable achieved_;
  KernelTable kernels_;
  TuningTable tunings_;
};

/// The text of a file of at most 8 MiB.
Result<std::string> read_catalog_file(const std::filesystem::path& path, const Place& place);

}  // namespace fastpath
