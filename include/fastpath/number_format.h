/// Number formats of tensors and of the engines that compute on them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "fastpath/quantity.h"

namespace fastpath {

/// `fp4` stands for plain 4-bit floats; `mxfp4`, `mxfp8` and `nvfp4` add their block scales.
enum class NumberFormat : std::uint8_t {
  fp64,
  fp32,
  tf32,
  fp16,
  bf16,
  fp8,
  mxfp8,
  fp6,
  fp4,
  mxfp4,
  nvfp4,
  int64,
  int32,
  int16,
  int8,
  int4,
  boolean,
};

inline constexpr std::array<std::pair<std::string_view, NumberFormat>, 17> kNumberFormatNames{{
    {"fp64", NumberFormat::fp64},
    {"fp32", NumberFormat::fp32},
    {"tf32", NumberFormat::tf32},
    {"fp16", NumberFormat::fp16},
    {"bf16", NumberFormat::bf16},
    {"fp8", NumberFormat::fp8},
    {"mxfp8", NumberFormat::mxfp8},
    {"fp6", NumberFormat::fp6},
    {"fp4", NumberFormat::fp4},
    {"mxfp4", NumberFormat::mxfp4},
    {"nvfp4", NumberFormat::nvfp4},
    {"int64", NumberFormat::int64},
    {"int32", NumberFormat::int32},
    {"int16", NumberFormat::int16},
    {"int8", NumberFormat::int8},
    {"int4", NumberFormat::int4},
    {"bool", NumberFormat::boolean},
}};

/// Storage of one element, block scales included (MXFP4, MXFP8: 8-bit scale per 32 elements, OCP MX
/// specification 1.0; NVFP4: 8-bit scale per 16). tf32 is stored as fp32.
constexpr Bytes bytes_per_element(NumberFormat format) {
  switch (format) {
    case NumberFormat::fp64:
    case NumberFormat::int64: return Bytes{8};
    case NumberFormat::fp32:
    case NumberFormat::tf32:
    case NumberFormat::int32: return Bytes{4};
    case NumberFormat::fp16:
    case NumberFormat::bf16:
    case NumberFormat::int16: return Bytes{2};
    case NumberFormat::fp8:
    case NumberFormat::int8:
    case NumberFormat::boolean: return Bytes{1};
    case NumberFormat::mxfp8: return Bytes{1 + 1.0 / 32};
    case NumberFormat::fp6: return Bytes{0.75};
    case NumberFormat::fp4:
    case NumberFormat::int4: return Bytes{0.5};
    case NumberFormat::mxfp4: return Bytes{0.5 + 1.0 / 32};
    case NumberFormat::nvfp4: return Bytes{0.5 + 1.0 / 16};
  }
  return Bytes{0};
}

constexpr std::string_view name_of(NumberFormat format) {
  return kNumberFormatNames[static_cast<std::size_t>(format)].first;
}

constexpr std::optional<NumberFormat> parse_number_format(std::string_view name) {
  for (const auto& [text, format] : kNumberFormatNames) {
    if (text == name) return format;
  }
  return std::nullopt;
}

}  // namespace fastpath
