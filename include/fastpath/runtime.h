/// Runtime: how an inference runtime's kernels run on one machine, as `measure` found them. What is
/// between its points is interpolated; nothing is fitted to models.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/system.h"

namespace fastpath {

/// Kernels that a runtime builds alike.
enum class RuntimeKernel : std::uint8_t {
  pointwise,  ///< convolution, 1 x 1, in the blocked layout
  window,     ///< convolution with larger windows, in the blocked layout
  first,      ///< convolution of an image: few channels, plain layout
  depthwise,  ///< convolution of each channel by itself
  matmul,
  map,       ///< arithmetic, element by element
  function,  ///< sigmoid, tanh, exponentials, element by element
  pool,
  copy,     ///< concat, slice, split: runs of memory as they are
  reorder,  ///< transpositions, between the plain and the blocked layout among them
  softmax,
  norm,  ///< layer norms, and reductions
};
inline constexpr std::size_t kRuntimeKernels = 12;
std::string_view name_of(RuntimeKernel kernel);
std::optional<RuntimeKernel> parse_runtime_kernel(std::string_view name);

/// One measured operator. Convolutions and matmuls: m output positions, n output channels and a
/// contraction of k, as an implicit product of matrices (depthwise: n channels, k the window);
/// others: m bytes read and written, n and k 1.
struct RuntimePoint {
  RuntimeKernel kernel = RuntimeKernel::map;
  double m = 1;
  double n = 1;
  double k = 1;
  Seconds time;
};

struct Runtime {
  std::string id;  ///< "onnxruntime"
  std::string version;
  int threads = 1;
  Seconds node;  ///< from the end of one operator to the start of the next
  std::vector<RuntimePoint> points;
  /// Between these multiples of what the other points say of it lie 90 % of the points.
  double low = 0;
  double high = 0;
  Source source;
};

}  // namespace fastpath
