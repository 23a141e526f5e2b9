/// Parts for text that names nothing outside itself.
#pragma once

#include <string>
#include <string_view>

#include "import/yaml/system.h"

namespace fastpath {

/// Knows no names: for systems that are written out, as write_system_yaml does.
class NoParts : public SystemParts {
 public:
  Result<Device> device(std::string_view name, const Place& place) override {
    return unknown("device", name, place);
  }
  Result<System> system(std::string_view name, const Place& place) override {
    return unknown("system", name, place);
  }
  Result<Link> link(std::string_view name, const Place& place) override {
    return unknown("link", name, place);
  }
  Result<Storage> storage(std::string_view name, const Place& place) override {
    return unknown("storage", name, place);
  }
  void set_achieved(Device& /*device*/, std::string_view /*family*/) override {}

 private:
  static tl::unexpected<Diagnostics> unknown(std::string_view what, std::string_view name,
                                             const Place& place) {
    return failure(place,
                   "unknown " + std::string(what) + " '" + std::string(name.substr(0, 80)) + "'");
  }
};

}  // namespace fastpath
