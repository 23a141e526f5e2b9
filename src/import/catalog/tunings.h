/// catalog/collectives: what libraries of collectives reach on each link.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/collective.h"
#include "fastpath/result.h"

namespace fastpath {

/// Tunings by link. The columns are those that write_tunings writes; docs/guide/collective.md names
/// them.
class TuningTable {
 public:
  TuningTable() = default;

  /// Errors: parse_csv's, missing and unknown columns, numbers out of range, shares above 1.
  static Result<TuningTable> parse(std::string_view text, const std::string& file);

  /// Tunings of a link, the table's first row first; null if there are none.
  std::shared_ptr<const std::vector<CollectiveTuning>> of(std::string_view link) const;

  /// Rows of a later table come first.
  void add(const TuningTable& later);

 private:
  std::map<std::string, std::shared_ptr<const std::vector<CollectiveTuning>>, std::less<>> by_link_;
};

/// A tuning and all the links that it stands for.
struct TuningRow {
  CollectiveTuning tuning;
  std::vector<std::string> links;
};

/// The table that TuningTable::parse reads back, numbers to three digits.
std::string write_tunings(std::span<const TuningRow> rows);

}  // namespace fastpath
