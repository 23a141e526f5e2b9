#include "import/trace/decimal_time.h"

#include <cmath>

#include "base/text.h"

namespace fastpath {
namespace {

constexpr std::int64_t kPicosecondsPerMicrosecond = 1'000'000;
constexpr std::int64_t kLargest = 1'000'000'000'000'000'000;

/// Numbers with an exponent are rare and were doubles at their writer.
std::optional<MicrosecondText> from_double(std::string_view text) {
  const std::optional<double> value = parse_number(text);
  if (!value || std::abs(*value) >= static_cast<double>(kLargest)) return std::nullopt;
  const double whole = std::trunc(*value);
  return MicrosecondText{static_cast<std::int64_t>(whole), std::llround((*value - whole) * 1e6)};
}

}  // namespace

std::optional<MicrosecondText> parse_microseconds(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::size_t i = negative ? 1 : 0;
  const std::size_t first = i;
  std::int64_t whole = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    if (whole >= kLargest / 10) return std::nullopt;
    whole = whole * 10 + (text[i] - '0');
  }
  if (i == first) return std::nullopt;
  std::int64_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    std::int64_t scale = kPicosecondsPerMicrosecond;
    for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      scale /= 10;  // 0 from the seventh digit on
      fraction += scale * (text[i] - '0');
    }
  }
  if (i < text.size()) return from_double(text);
  if (negative) return MicrosecondText{-whole, -fraction};
  return MicrosecondText{whole, fraction};
}

}  // namespace fastpath
