#include "import/trace/text_table.h"

#include <cstring>
#include <optional>

namespace fastpath {
namespace {

constexpr std::size_t kFirstSlots = 1024;

/// Multiplicative hashing, eight bytes at a time (the constant is that of splitmix64).
std::uint64_t hash_of(std::string_view text) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  std::uint64_t hash = text.size() * kOdd;
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 32;
    text.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  hash = (hash ^ rest) * kOdd;
  return hash ^ (hash >> 29);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | (code >> 6));
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3f));
    byte(0x80 | ((code >> 6) & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

std::optional<std::uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    const bool digit = c >= '0' && c <= '9';
    const auto lower = static_cast<char>(c | 0x20);
    if (!digit && (lower < 'a' || lower > 'f')) return std::nullopt;
    value = value * 16 + static_cast<std::uint32_t>(digit ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

constexpr std::uint32_t kReplacement = 0xfffd;

bool is_high_surrogate(std::uint32_t code) { return code >= 0xd800 && code < 0xdc00; }
bool is_low_surrogate(std::uint32_t code) { return code >= 0xdc00 && code < 0xe000; }

/// Reads what follows "\u"; returns how many bytes it took.
std::size_t append_code(std::string& out, std::string_view rest) {
  const std::optional<std::uint32_t> code = hex4(rest);
  if (!code) {
    append_utf8(out, kReplacement);
    return 0;
  }
  if (is_high_surrogate(*code) && rest.substr(4).starts_with("\\u")) {
    const std::optional<std::uint32_t> low = hex4(rest.substr(6));
    if (low && is_low_surrogate(*low)) {
      append_utf8(out, 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00));
      return 10;
    }
  }
  const bool lone = is_high_surrogate(*code) || is_low_surrogate(*code);
  append_utf8(out, lone ? kReplacement : *code);
  return 4;
}

char simple_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    default: return c;
  }
}

}  // namespace

std::string unescaped(std::string_view escaped) {
  std::string out;
  out.reserve(escaped.size());
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\' || i + 1 == escaped.size()) {
      out += escaped[i];
    } else if (escaped[++i] == 'u') {
      i += append_code(out, escaped.substr(i + 1));
    } else {
      out += simple_escape(escaped[i]);
    }
  }
  return out;
}

TextTable::TextTable() : slots_(kFirstSlots) {}

std::uint32_t TextTable::add(std::string_view escaped) {
  if (escaped.find('\\') != std::string_view::npos) {
    const std::string text = unescaped(escaped);
    return insert(text, hash_of(text));
  }
  return insert(escaped, hash_of(escaped));
}

std::size_t TextTable::find(std::string_view text, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  std::size_t i = hash & mask;
  while (slots_[i].number != UINT32_MAX &&
         (slots_[i].tag != tag || texts_[slots_[i].number] != text))
    i = (i + 1) & mask;
  return i;
}

std::uint32_t TextTable::insert(std::string_view text, std::uint64_t hash) {
  const std::size_t i = find(text, hash);
  if (slots_[i].number != UINT32_MAX) return slots_[i].number;
  const auto number = static_cast<std::uint32_t>(texts_.size());
  texts_.emplace_back(text);
  slots_[i] = {static_cast<std::uint32_t>(hash >> 32), number};
  if (2 * texts_.size() > slots_.size()) grow();
  return number;
}

void TextTable::grow() {
  slots_.assign(2 * slots_.size(), {});
  for (std::uint32_t number = 0; number < texts_.size(); ++number) {
    const std::uint64_t hash = hash_of(texts_[number]);
    slots_[find(texts_[number], hash)] = {static_cast<std::uint32_t>(hash >> 32), number};
  }
}

std::vector<std::string> TextTable::take() {
  slots_.assign(kFirstSlots, {});
  std::vector<std::string> texts;
  texts.swap(texts_);
  return texts;
}

}  // namespace fastpath
