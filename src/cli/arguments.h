/// The words of a command line, checked against a verb's flags.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "cli/verb.h"

namespace fastpath::cli {

class Arguments {
 public:
  /// Values are of the flag's kind already.
  bool has(std::string_view flag) const { return values_.contains(flag); }
  std::optional<std::string> text(std::string_view flag) const;
  std::string text_or(std::string_view flag, std::string_view fallback) const;
  std::optional<std::int64_t> whole(std::string_view flag) const;
  std::int64_t whole_or(std::string_view flag, std::int64_t fallback) const;
  std::vector<std::string> all(std::string_view flag) const;
  const std::vector<std::string>& operands() const { return operands_; }

 private:
  friend Result<Arguments> parse_arguments(const Verb& verb, const std::vector<std::string>& words);

  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> operands_;
};

/// Errors, all of them: unknown flags (with the nearest one), values of the wrong kind, too many or
/// too few operands. `--help` makes operands optional.
Result<Arguments> parse_arguments(const Verb& verb, const std::vector<std::string>& words);

/// The place of mistakes that are on the command line.
Place command_line();

}  // namespace fastpath::cli
