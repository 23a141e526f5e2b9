/// Fitted parameters of the operator model, from catalog/devices/kernels.csv.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/kernel.h"
#include "fastpath/result.h"
#include "fastpath/system.h"

namespace fastpath {

/// Entries by scope: a device, "family:NAME" or "kind:NAME".
class KernelTable {
 public:
  KernelTable() = default;

  /// Errors: unknown classes, parameters outside their range, numbers that are none.
  static Result<KernelTable> parse(std::string_view text, const std::string& file);

  /// Gives the device the entries of its id, then its family's, then its kind's.
  void apply(Device& device) const;

  /// Entries of a later table come first.
  void add(const KernelTable& later);

 private:
  std::map<std::string, std::vector<KernelEntry>, std::less<>> entries_;
};

/// The columns, in the order in which `fastpath calibrate` writes them.
const std::vector<std::string>& kernel_columns();

/// The header of the table and a row of it.
std::string kernel_table_header();
std::string kernel_table_row(const std::string& scope, const KernelEntry& entry,
                             const std::string& source, const std::string& date);

}  // namespace fastpath
