/// Quantities from and to text. A number without a unit is an error.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

namespace fastpath {

/// Reads "450 GB/s", "80GiB", "3.5 us", "989.4 TFLOP/s", "700 W", "25000 USD", "2.1 USD/h", "1.98
/// GHz". GB = 1e9, GiB = 2^30, Gb/s = bits. TOP/s is read as TFLOP/s. Defined for the quantities of
/// quantity.h. Errors: no unit, an unknown one (with the nearest), one of another dimension, a
/// number that is not finite or is negative.
template <class Q>
Result<Q> parse_quantity(std::string_view text, const Place& place);

/// For people, scaled: "1.98 TFLOP/s", "312.4 us", "79.6 GiB" (memory sizes in GiB),
/// with `digits` significant digits.
std::string format_quantity(Seconds value, int digits = 4);
std::string format_quantity(Bytes value, int digits = 4);
std::string format_quantity(Flops value, int digits = 4);
std::string format_quantity(Joules value, int digits = 4);
std::string format_quantity(Dollars value, int digits = 4);
std::string format_quantity(BytesPerSecond value, int digits = 4);
std::string format_quantity(FlopsPerSecond value, int digits = 4);
std::string format_quantity(Watts value, int digits = 4);
std::string format_quantity(DollarsPerSecond value, int digits = 4);
std::string format_quantity(Hertz value, int digits = 4);

/// Exact text that parse_quantity reads back to the same double, in the unit people use for it
/// ("450 GB/s", "80 GB").
template <class Q>
std::string write_quantity(Q value);

/// A plain number with thousands separators where whole, else significant digits.
std::string format_number(double value, int digits = 4);

}  // namespace fastpath
