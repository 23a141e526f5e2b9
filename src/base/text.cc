#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace fastpath {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";
/// Words longer than this are not compared: nobody mistypes them, and hostile ones cost time.
constexpr std::size_t kLongestWord = 48;
constexpr std::size_t kMostCompared = 4096;
constexpr std::size_t kMostListed = 12;
constexpr std::size_t kMostQuoted = 60;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

/// Mistakes that still look like a typing error in a word of this length.
std::size_t allowed_distance(std::size_t length) { return length < 3 ? 1 : (length + 2) / 3; }

/// The shortest candidate that has `word` in it: "h100" for "nvidia-h100-pcie-80gb".
std::optional<std::string> containing(const std::string& word,
                                      std::span<const std::string> candidates) {
  if (word.size() < 3) return std::nullopt;
  const std::string* best = nullptr;
  for (const std::string& candidate : candidates) {
    if (lower(candidate).find(word) == std::string::npos) continue;
    if (best == nullptr || candidate.size() < best->size()) best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

/// Length of the UTF-8 sequence at the start of `text`, 0 if there is none (RFC 3629: no overlong
/// forms, no surrogates, at most U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const std::size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xF0 && byte(1) < 0x90);
  const bool surrogate = byte(0) == 0xED && byte(1) >= 0xA0;
  const bool beyond = byte(0) == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

bool starts_number(std::string_view text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  const std::string_view digits = text.substr(sign);
  if (digits.empty()) return false;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return digit(digits[0]) || (digits[0] == '.' && digits.size() > 1 && digit(digits[1]));
}

}  // namespace

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(trim(text.substr(begin, end - begin)));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> result;
  std::size_t begin = text.find_first_not_of(kSpace);
  while (begin != std::string_view::npos) {
    const std::size_t end = text.find_first_of(kSpace, begin);
    result.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kSpace, end);
  }
  return result;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows i-2, i-1 and i of the table of distances between prefixes.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, changed});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  const std::string wanted = lower(word);
  candidates = candidates.first(std::min(candidates.size(), kMostCompared));
  const std::string* best = nullptr;
  std::size_t best_distance = allowed_distance(word.size()) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    // A short word of which nothing is left is another word.
    if (distance >= best_distance || distance >= std::max(word.size(), candidate.size())) continue;
    best = &candidate;
    best_distance = distance;
  }
  if (best != nullptr) return *best;
  return containing(wanted, candidates);
}

namespace {

/// The first candidates that go on where `word` ends: it was probably cut short.
std::vector<std::string_view> continuations(std::string_view word,
                                            std::span<const std::string> candidates) {
  constexpr std::size_t kLeastLetters = 4;
  constexpr std::size_t kMost = 3;
  std::vector<std::string_view> found;
  if (word.size() < kLeastLetters) return found;
  for (const std::string& candidate : candidates) {
    if (found.size() < kMost && candidate.starts_with(word)) found.emplace_back(candidate);
  }
  return found;
}

}  // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const auto near = nearest(word, candidates);
  const std::vector<std::string_view> longer = continuations(word, candidates);
  if (!longer.empty() && !(near && near->starts_with(word))) {
    return fmt::format("did you mean '{}'?", fmt::join(longer, "', '"));
  }
  if (near) return "did you mean '" + *near + "'?";
  if (candidates.empty()) return {};
  const std::size_t listed = std::min(candidates.size(), kMostListed);
  std::string text = fmt::format("known: {}", fmt::join(candidates.first(listed), ", "));
  if (listed < candidates.size()) text += fmt::format(", ... ({} in all)", candidates.size());
  return text;
}

std::string in_quotes(std::string_view text) {
  std::string result = "'";
  std::size_t end = std::min(text.size(), kMostQuoted);
  // Never cut inside a UTF-8 sequence.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  for (const char c : text.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      result += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  if (end < text.size()) result += "...";
  return result + "'";
}

std::optional<std::size_t> first_non_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool space = byte == '\t' || byte == '\n' || byte == '\r';
    if ((byte < 0x20 && !space) || byte == 0x7F) return at;
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

Place place_at(std::string_view text, std::size_t offset, std::string file) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {std::move(file), static_cast<int>(lines) + 1,
          static_cast<int>(before.size() - line_start) + 1};
}

void sort_by_place(Diagnostics& diagnostics) {
  const auto before = [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  };
  std::stable_sort(diagnostics.begin(), diagnostics.end(), before);
}

std::string format_diagnostic(const Diagnostic& diagnostic, std::string_view severity) {
  const Place& place = diagnostic.place;
  std::string text = place.file;
  if (!text.empty() && place.line > 0) text += fmt::format(":{}", place.line);
  if (!text.empty() && place.line > 0 && place.column > 0) text += fmt::format(":{}", place.column);
  if (!text.empty()) text += ": ";
  text += fmt::format("{}: {}", severity, diagnostic.what);
  if (!diagnostic.hint.empty()) text += "\n  hint: " + diagnostic.hint;
  return text;
}

std::optional<double> parse_number(std::string_view text) {
  if (!starts_number(text)) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<long long> parse_integer(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace fastpath
