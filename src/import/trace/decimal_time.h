/// Decimal text to whole picoseconds: no double is involved.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fastpath {

/// Microseconds as text, such as "1712195495406752.834". The sum of both parts is the time; apart
/// since picoseconds since the epoch do not fit into an int64.
struct MicrosecondText {
  std::int64_t whole = 0;        ///< microseconds, rounded towards zero
  std::int64_t picoseconds = 0;  ///< below a microsecond, of the same sign
};

/// Digits with an optional sign, fraction (cut after the sixth digit) and exponent. None where
/// the text is something else or is above 1e18 us.
std::optional<MicrosecondText> parse_microseconds(std::string_view text);

}  // namespace fastpath
