/// catalog/frameworks/factors.csv: how software stacks run training steps, fitted to published
/// ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/framework.h"
#include "fastpath/result.h"

namespace fastpath {

/// The table. Rows are of a stack on a generation of devices, of a stack on any, and of any stack.
class FrameworkFactors {
 public:
  /// Columns: stack, generation (both may be empty), launch and step (with their units), the other
  /// factors, spread, low and high (of measured over predicted steps that a fit had not seen),
  /// rows, source, date. Errors: parse_csv's, unknown columns, figures without units, absent ones.
  static Result<FrameworkFactors> parse(std::string_view text, const std::string& file);

  /// The program's own table.
  static Result<FrameworkFactors> embedded();

  /// Whether some stack's steps were published for a generation of devices.
  bool knows(std::string_view generation) const;

  /// The most specific row for a stack on a generation; null in an empty table.
  const Framework* find(std::string_view stack, std::string_view generation) const;

 private:
  struct Row {
    std::string stack;
    std::string generation;
    Framework framework;
  };
  std::vector<Row> rows_;
};

}  // namespace fastpath
