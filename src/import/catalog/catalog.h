/// The catalog of systems, devices, links and storage: the part that is in the program, and the
/// user's folders over it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/system.h"

#include "import/catalog/entry.h"
#include "import/yaml/system.h"

namespace fastpath {

class CatalogIndex;

/// Names are indexed at once; entries are read when they are asked for.
class Catalog {
 public:
  Catalog(Catalog&&) noexcept;
  Catalog& operator=(Catalog&&) noexcept;
  ~Catalog();

  /// A system by id, by alias, a device as a system of one, or the YAML file at a path (a name that
  /// ends in .yaml or .yml). `NAME:N` is the system with N devices. An unknown name fails with a
  /// did-you-mean over all of them; a device without data sheet does not fail.
  Result<System> system(std::string_view name) const;

  /// A device by id or alias, from a table or a file. `ID.gpu` and `ID.npu` are the other parts of
  /// a chip whose row describes its CPU.
  Result<Device> device(std::string_view name) const;

  /// Instruction set extensions of a device's CPU ("neon fp16 dotprod"); empty where its entry does
  /// not list them.
  std::string instructions(std::string_view name) const;

  Result<Link> link(std::string_view name) const;
  Result<Storage> storage(std::string_view name) const;

  /// Small random reads a second that a store's entry states.
  std::optional<Hertz> random_reads(std::string_view storage) const;

  /// Matching entries by id; warnings are the mistakes of files that cannot be read.
  Imported<std::vector<CatalogEntry>> search(const CatalogQuery& query) const;

  /// Ids, in order.
  std::vector<std::string> ids(EntryKind kind) const;

 private:
  friend Result<Catalog> load_catalog(std::span<const std::filesystem::path> user_folders);
  explicit Catalog(std::unique_ptr<CatalogIndex> index);

  std::unique_ptr<CatalogIndex> index_;
};

/// The built-in catalog, overridden by the YAML files and tables (devices/*.csv, links/*.csv,
/// storage/*.csv) below each folder, later folders last. Fails on folders and tables that cannot be
/// read; a YAML file is read when it is asked for.
Result<Catalog> load_catalog(std::span<const std::filesystem::path> user_folders);

}  // namespace fastpath
