/// How a library's kernels use a device: the parameters of the operator model, by class of
/// operator, number format and library. Fitted by `calibrate`, kept in the catalog.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fastpath/number_format.h"
#include "fastpath/quantity.h"

namespace fastpath {

/// Operators whose kernels are built alike, and so share a set of parameters.
enum class KernelClass : std::uint8_t {
  matmul,
  grouped_matmul,       ///< experts
  attention_prefill,    ///< many queries a sequence
  attention_decode,     ///< one or a few queries a sequence
  convolution,          ///< forward, and the gradient of the input
  depthwise,            ///< convolutions of each channel by itself; others' where not measured
  convolution_weights,  ///< the gradient of the weights
  recurrent,            ///< matmuls one after the other, one a time step
  softmax,
  norm,
  elementwise,  ///< maps and whatever moves bytes
};
inline constexpr std::size_t kKernelClasses = 11;
std::string_view name_of(KernelClass kernel_class);
std::optional<KernelClass> parse_kernel_class(std::string_view name);

enum class KernelParameter : std::uint8_t {
  launch,     ///< seconds from one kernel of a stream to the next, at no work
  compute,    ///< share of the peak inside a large tile
  memory,     ///< share of main memory's bandwidth
  prologue,   ///< seconds to fill and drain the pipeline of one tile; of a map: for a row of 16 KiB
  tile,       ///< elements: a tile a x b runs at 1 / (1 + tile (1/a + 1/b)) of `compute`
  overlap,    ///< exponent p of (compute^p + memory^p)^(1/p): 1 one after the other, large = max
  stream,     ///< share of a partial wave that streaming work over all units wins back
  warm,       ///< share of a repeated working set below the cache's size that is found there
  passes,     ///< extra passes over the activations: quantising, packing, appending to a cache
  unaligned,  ///< share of `compute` that is left where rows are no multiples of 16 bytes
};
inline constexpr std::size_t kKernelParameters = 10;

/// Range and prior of a parameter. Values are fitted on a logarithmic scale.
struct KernelParameterInfo {
  std::string_view name;
  std::string_view unit;  ///< "s", "elements" or "" (a pure number)
  double low = 0;
  double high = 0;
  double value = 0;   ///< where nothing is known
  double spread = 0;  ///< of the logarithm, before any measurement
};
const KernelParameterInfo& info(KernelParameter parameter);

/// One value a parameter, in base units.
struct KernelParameters {
  std::array<double, kKernelParameters> values{};

  double operator[](KernelParameter parameter) const {
    return values[static_cast<std::size_t>(parameter)];
  }
  double& operator[](KernelParameter parameter) {
    return values[static_cast<std::size_t>(parameter)];
  }
  friend bool operator==(const KernelParameters&, const KernelParameters&) = default;
};

/// The values where nothing is known.
KernelParameters default_kernel_parameters();

/// Formats that share kernels: "16" (fp16, bf16), "nvfp4" (4-bit floats), "fp32", "fp8", ... as
/// measurement files and the catalog key them. A source's own name for a scheme ("fp8_block") is a
/// key of its own.
std::string_view format_key(NumberFormat format);

/// Parameters of one key. An empty `library` stands for any, an empty `format` for any.
struct KernelEntry {
  KernelClass kernel_class = KernelClass::matmul;
  std::string format;   ///< format_key, or a scheme
  std::string library;  ///< framework or library: "trtllm", "cudnn"
  KernelParameters parameters;
  double spread = 0;  ///< median of |log(measured / predicted)| over the rows
  std::uint32_t rows = 0;
  /// Between these shares of the predicted time lie 90 % of the times measured on what the fit had
  /// not seen: shapes for an entry of a device, devices for an entry of a family or kind. 0 = not
  /// known.
  double low = 0;
  double high = 0;
  Seconds shortest;  ///< of the times fitted to; 0 = not known
  Seconds longest;
};

}  // namespace fastpath
