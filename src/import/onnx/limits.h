/// Bounds on what a model file may ask for: a hostile one must not hang or exhaust memory. Real
/// models are an order of magnitude below each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastpath::onnx_import {

inline constexpr int kMaxMessageDepth = 64;           ///< nested protobuf messages
inline constexpr int kMaxScopeDepth = 16;             ///< bodies and functions within each other
inline constexpr std::size_t kMaxNodes = 200'000;     ///< visited, bodies tried out included
inline constexpr std::size_t kMaxValues = 1'000'000;  ///< tensors, bodies tried out included
inline constexpr std::size_t kMaxRank = 16;           ///< axes of a tensor
inline constexpr std::size_t kMaxAxes = 4'000'000;    ///< of all tensors together
inline constexpr std::size_t kMaxKnown = 4096;        ///< elements of a tensor whose value is kept
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 46;  ///< of one tensor
inline constexpr std::int64_t kMaxTrips = std::int64_t{1} << 32;     ///< of a loop

}  // namespace fastpath::onnx_import
