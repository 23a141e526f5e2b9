/// Reads entries of the catalog by name, and what they are based on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "import/catalog/index.h"
#include "import/yaml/system.h"

namespace fastpath {

/// One lookup: it remembers which files it is in the middle of, so that a file cannot be based on
/// itself.
class Resolver : public SystemParts {
 public:
  explicit Resolver(const CatalogIndex& index) : index_(index) {}

  Result<Device> device(std::string_view name, const Place& place) override;
  Result<System> system(std::string_view name, const Place& place) override;
  Result<Link> link(std::string_view name, const Place& place) override;
  Result<Storage> storage(std::string_view name, const Place& place) override;
  void set_achieved(Device& device, std::string_view family) override;

 private:
  Result<System> system_file(std::string_view name, const Place& place);
  Result<Device> device_file(std::string_view name, const Place& place);

  /// Fails where `file` is already being read. `file` is what the message calls it.
  Result<void> enter(const std::string& file, const Place& place);
  void leave() { chain_.pop_back(); }

  const CatalogIndex& index_;
  std::vector<std::string> chain_;
};

/// Whether a name stands for a file: it ends in .yaml or .yml.
bool names_a_file(std::string_view name);

}  // namespace fastpath
