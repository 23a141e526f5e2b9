// Systems and devices as YAML, and tables of the catalog (inputs that start with "id,").
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "import/catalog/catalog.h"
#include "import/catalog/device_row.h"
#include "import/yaml/no_parts.h"
#include "import/yaml/system.h"
#include "ir/system.h"

namespace {

using namespace fastpath;

void require(bool condition) {
  if (!condition) __builtin_trap();  // libFuzzer keeps the input of a trap
}

/// The built-in catalog, without the files of this machine.
class BuiltInParts : public SystemParts {
 public:
  Result<Device> device(std::string_view name, const Place& place) override {
    return found(is_file(name) ? failure(place, "no files") : catalog().device(name));
  }
  Result<System> system(std::string_view name, const Place& place) override {
    return found(is_file(name) ? failure(place, "no files") : catalog().system(name));
  }
  Result<Link> link(std::string_view name, const Place& /*place*/) override {
    return catalog().link(name);
  }
  Result<Storage> storage(std::string_view name, const Place& /*place*/) override {
    return catalog().storage(name);
  }
  void set_achieved(Device& /*device*/, std::string_view /*family*/) override {}

 private:
  template <class T>
  static Result<T> found(Result<T> result) {
    return result;
  }
  static bool is_file(std::string_view name) { return name.find(".y") != std::string_view::npos; }
  static const Catalog& catalog() {
    static const Catalog built_in = std::move(load_catalog({}).value());
    return built_in;
  }
};

void check_system(const System& system) {
  require(mistakes_in(system).empty());
  NoParts none;
  const std::string once = write_system_yaml(system);
  const auto again = read_system_yaml(once, "again", none);
  require(again.has_value());
  require(write_system_yaml(*again) == once);
  for (const std::int64_t count : {1, 2, 7, 64, 1000}) {
    const auto scaled = with_device_count(system, count);
    require(!scaled || scaled->device_count() == count);
    require(!scaled || mistakes_in(*scaled).empty());
  }
}

void check_table(std::string_view text) {
  const auto devices = CatalogTable::parse(text, "table", device_columns());
  for (std::size_t row = 0; devices && row < devices->rows(); ++row) {
    for (const ChipPart part : {ChipPart::own, ChipPart::gpu, ChipPart::npu}) {
      const auto device = read_device_row(*devices, row, part);
      require(!device || mistakes_in(*device).empty());
    }
  }
  const auto links = CatalogTable::parse(text, "table", link_columns());
  for (std::size_t row = 0; links && row < links->rows(); ++row)
    (void)read_link_row(*links, row);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("id,")) {
    check_table(text);
    return 0;
  }
  BuiltInParts parts;
  const auto system = read_system_yaml(text, "fuzz.yaml", parts);
  if (system) check_system(*system);
  return 0;
}
