#include <algorithm>

#include "fastpath/framework.h"

namespace fastpath {
namespace {

constexpr std::array<std::string_view, kRuntimeKernels> kNames{
    "pointwise", "window",   "first",    "depthwise", "im2col", "matmul",
    "map",       "division", "function", "pool",      "copy",   "reorder",
    "softmax",   "norm",     "reduce",   "scatter",   "branch", "call"};

}  // namespace

std::string_view name_of(RuntimeKernel kernel) { return kNames[static_cast<std::size_t>(kernel)]; }

std::optional<RuntimeKernel> parse_runtime_kernel(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<RuntimeKernel>(found - kNames.begin());
}

}  // namespace fastpath
