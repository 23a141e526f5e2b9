/// What kernels achieve on a device, from the catalog's measurements.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/system.h"

#include "import/catalog/table.h"

namespace fastpath {

/// catalog/devices/achieved.csv: a value for a device, a family of devices or a kind.
class AchievedTable {
 public:
  AchievedTable() = default;
  static Result<AchievedTable> parse(std::string_view text, const std::string& file);

  /// Sets each parameter of `device` from the first of its id, family and kind that has it; others
  /// keep the default of the struct, as an assumption. `family` may be empty.
  void apply(Device& device, std::string_view family) const;

  /// Rows of a later table come first.
  void add(const AchievedTable& later);

 private:
  struct Value {
    double value = 0;  ///< a share, or seconds
    double spread = 0;
    Source source;
  };
  const Value* find(const std::vector<std::string>& scopes, std::string_view parameter) const;
  Result<Value> static read(const CatalogTable& table, std::size_t row);

  std::map<std::pair<std::string, std::string>, Value> values_;  ///< by scope and parameter
};

}  // namespace fastpath
