/// Flags whose values carry units or fractions, read with all that is wrong with them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fastpath/result.h"

#include "base/units.h"
#include "cli/arguments.h"

namespace fastpath::cli {

/// A mistake is noted and something valid returned, so that reading goes on to the next.
class FlagReader {
 public:
  explicit FlagReader(const Arguments& arguments) : arguments_(arguments) {}

  const Arguments& arguments() const { return arguments_; }

  /// Nothing where the flag is not given.
  template <class Q>
  std::optional<Q> quantity(std::string_view flag) {
    const auto text = arguments_.text(flag);
    if (!text) return std::nullopt;
    const Result<Q> value = parse_quantity<Q>(*text, command_line());
    if (value) return *value;
    add(value.error());
    return Q{1};
  }

  /// The flag's absence is a mistake.
  template <class Q>
  Q needed(std::string_view flag, std::string hint) {
    if (!arguments_.has(flag)) missing(flag, std::move(hint));
    return quantity<Q>(flag).value_or(Q{1});
  }

  /// A number without a unit; nothing where the flag is not given. `hint`: for what is no number.
  std::optional<double> number(std::string_view flag, std::string hint = {});

  void missing(std::string_view flag, std::string hint);
  void add(const Diagnostics& mistakes);
  const Diagnostics& mistakes() const { return mistakes_; }

 private:
  const Arguments& arguments_;
  Diagnostics mistakes_;
};

}  // namespace fastpath::cli
