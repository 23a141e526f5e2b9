/// Kernels of oneDNN on this CPU: products and convolutions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "fastpath/number_format.h"
#include "fastpath/quantity.h"

#include "measure/repeats.h"

namespace fastpath {

/// Of m x k by k x n.
struct MatmulSize {
  std::int64_t m = 1;
  std::int64_t n = 1;
  std::int64_t k = 1;
  friend bool operator==(const MatmulSize&, const MatmulSize&) = default;
};

/// Of one image of `height` x `height` places by windows of `window` x `window`, padded so that
/// each place has one.
struct ConvolutionSize {
  std::int64_t height = 1;
  std::int64_t channels = 1;
  std::int64_t filters = 1;
  std::int64_t window = 1;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  std::int64_t output_height() const { return (height - 1) / stride + 1; }
  friend bool operator==(const ConvolutionSize&, const ConvolutionSize&) = default;
};

using KernelSize = std::variant<MatmulSize, ConvolutionSize>;

/// Two for each multiplication and addition, whatever the algorithm.
Flops work_of(const KernelSize& size);

/// "64x64x64", "56x56x64 3x3 64", "28x28x128 3x3/2 128", "14x14x512 3x3 512 in 512 groups".
std::string name_of(const KernelSize& size);

struct KernelSetting {
  NumberFormat format = NumberFormat::fp32;
  KernelSize size;
  int threads = 1;
};

struct MeasuredKernel {
  KernelSetting setting;
  std::string implementation;  ///< that the library picked: "brg:avx512_core"
  Repeated rate;               ///< FLOP/s
};

/// Figures still to be measured.
struct KernelFigures {
  std::vector<MeasuredKernel> kernels;
  std::vector<std::function<Repeat()>> rates;  ///< of each
};

/// Settings that the library has no kernel of on this CPU are left out. One thread is on the cores
/// in turns. Operands are the same in all executions of a repeat: caches hold them as far as they
/// can. `length`: of a repeat.
KernelFigures kernel_figures(const std::vector<KernelSetting>& settings,
                             const std::vector<int>& cores, Seconds length);

/// Seconds of a product of 8 x 8 by 8 x 8 in fp32.
std::function<Repeat()> call_figure(const std::vector<int>& cores);

/// Name and version of the library, and the instructions that it picked.
std::string kernel_library();

}  // namespace fastpath
