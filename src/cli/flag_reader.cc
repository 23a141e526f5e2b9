#include "cli/flag_reader.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath::cli {

std::optional<double> FlagReader::number(std::string_view flag, std::string hint) {
  const auto text = arguments_.text(flag);
  if (!text) return std::nullopt;
  const auto value = parse_number(*text);
  if (value) return *value;
  mistakes_.push_back({command_line(),
                       fmt::format("--{} {} is not a number", flag, in_quotes(*text)),
                       std::move(hint)});
  return 1;
}

void FlagReader::missing(std::string_view flag, std::string hint) {
  mistakes_.push_back({command_line(), fmt::format("--{} is missing", flag), std::move(hint)});
}

void FlagReader::add(const Diagnostics& mistakes) {
  mistakes_.insert(mistakes_.end(), mistakes.begin(), mistakes.end());
}

}  // namespace fastpath::cli
