#include "import/trace/text_window.h"

namespace fastpath {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;
constexpr std::string_view kBlanks = " \t\r\n";

/// Bytes of the string at the start of `text`, its quotes included.
std::size_t string_length(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return kNowhere;
}

std::size_t container_length(std::string_view text) {
  std::size_t depth = 0;
  std::size_t i = 0;
  while (true) {
    i = text.find_first_of("\"[]{}", i);
    if (i == kNowhere) return kNowhere;
    if (text[i] == '"') {
      const std::size_t length = string_length(text.substr(i));
      if (length == kNowhere) return kNowhere;
      i += length;
      continue;
    }
    depth += text[i] == '[' || text[i] == '{' ? std::size_t{1} : std::size_t{0} - 1;
    ++i;
    if (depth == 0) return i;
  }
}

}  // namespace

std::size_t value_length(std::string_view text) {
  if (text.empty()) return kNowhere;
  if (text[0] == '"') return string_length(text);
  if (text[0] == '{' || text[0] == '[') return container_length(text);
  return std::max<std::size_t>(1, text.find_first_of(",]} \t\r\n"));
}

std::size_t next_event(std::string_view text) {
  for (std::size_t i = text.find('}'); i != kNowhere; i = text.find('}', i + 1)) {
    std::size_t at = text.find_first_not_of(kBlanks, i + 1);
    if (at == kNowhere || text[at] != ',') continue;
    at = text.find_first_not_of(kBlanks, at + 1);
    if (at == kNowhere || text[at] != '{') continue;
    const std::size_t quote = text.find_first_not_of(kBlanks, at + 1);
    if (quote != kNowhere && text[quote] == '"') return at;
  }
  return kNowhere;
}

}  // namespace fastpath
