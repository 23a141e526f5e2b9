/// How a software stack runs training steps on a generation of devices, fitted by `calibrate`, and
/// how a runtime runs inference on one machine, as `measure` found it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
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
  im2col,     ///< convolution in the plain layout: windows copied to a matrix, then a product
  matmul,
  map,       ///< arithmetic, element by element
  division,  ///< quotients and roots, element by element
  function,  ///< sigmoid, tanh, exponentials, element by element
  pool,
  copy,     ///< concat, slice, split: runs of memory as they are
  reorder,  ///< transpositions, between the plain and the blocked layout among them
  softmax,
  norm,     ///< layer norms
  reduce,   ///< sums and means over dimensions
  scatter,  ///< sums of a transposed convolution's products at their places
  branch,   ///< setting up the graph of an `If`'s branch: m operators in it
  call,     ///< beginning and ending an execution of the model
};
inline constexpr std::size_t kRuntimeKernels = 18;
std::string_view name_of(RuntimeKernel kernel);
std::optional<RuntimeKernel> parse_runtime_kernel(std::string_view name);

/// One measured operator. Convolutions and matmuls: m output positions, n output channels and a
/// contraction of k, as an implicit product of matrices (depthwise: n channels, k the window);
/// others: m bytes read and written, n and k 1, where
/// nothing else is said above.
struct RuntimePoint {
  RuntimeKernel kernel = RuntimeKernel::map;
  double m = 1;
  double n = 1;
  double k = 1;
  Seconds time;
};

/// How an inference runtime's kernels run on one machine, as `measure` found them. What is between
/// its points is interpolated; nothing is fitted to models.
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

/// Factors are times in a training step over those of the same kernels and collectives alone.
struct Framework {
  std::string id;      ///< "megatron-lm", "llm-foundry", ...
  Fitted contraction;  ///< matmuls, convolutions and attention: power limits, cold caches
  Fitted memory;       ///< norms and maps: kernels that are not fused, conversions of format
  /// Collectives: contention and skew above 1; below 1, more of them hides under kernels than
  /// predicted.
  Fitted network;
  Fitted experts;          ///< routed rows and their exchange: imbalance, permutation, host waits
  Fitted quantise;         ///< passes over the inputs of matmuls in formats narrower than they have
  Figure<Seconds> launch;  ///< of the host, from operator to operator, where it launches them
  Figure<Seconds> step;    ///< once a step: data loading, norms of gradients, logging
  /// 90 % of measured steps lie between these multiples of their prediction; both 1: not known.
  double low = 1;
  double high = 1;
  std::size_t rows = 0;  ///< measured steps that it was fitted on
  /// Of inference: kernels as they were measured, instead of the device's own; null = not known.
  std::shared_ptr<const Runtime> runtime;
};

}  // namespace fastpath
