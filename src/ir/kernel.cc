#include "fastpath/kernel.h"

#include "ir/names.h"

namespace fastpath {
namespace {

/// Values and ranges: those of the published GPU rows, taken wide. Ranges keep a parameter
/// physical where few rows say little.
constexpr std::array<KernelParameterInfo, kKernelParameters> kInfo = {{
    {"launch", "s", 3e-7, 1e-4, 4e-6, 1.0},
    {"compute", "", 0.02, 1.0, 0.85, 0.3},
    {"memory", "", 0.05, 1.0, 0.85, 0.3},
    {"prologue", "s", 5e-8, 2e-5, 1e-6, 1.0},
    {"tile", "elements", 0.5, 60, 8, 0.7},
    {"overlap", "", 1.2, 10, 3, 0.5},
    {"stream", "", 0.01, 1, 0.3, 1.0},
    {"warm", "", 0.01, 1, 0.1, 1.0},
    {"passes", "", 0.01, 30, 0.05, 2.0},
    {"unaligned", "", 0.1, 1, 0.8, 0.5},
}};

}  // namespace

std::string_view name_of(KernelClass kernel_class) { return name_of<KernelClass>(kernel_class); }

std::optional<KernelClass> parse_kernel_class(std::string_view name) {
  return parse_name<KernelClass>(name);
}

const KernelParameterInfo& info(KernelParameter parameter) {
  return kInfo[static_cast<std::size_t>(parameter)];
}

KernelParameters default_kernel_parameters() {
  KernelParameters parameters;
  for (std::size_t i = 0; i < kKernelParameters; ++i)
    parameters.values[i] = kInfo[i].value;
  return parameters;
}

std::string_view format_key(NumberFormat format) {
  switch (format) {
    case NumberFormat::fp16:
    case NumberFormat::bf16: return "16";
    case NumberFormat::mxfp8: return "fp8";
    case NumberFormat::mxfp4:
    case NumberFormat::nvfp4:
    case NumberFormat::fp4: return "nvfp4";
    default: return name_of(format);
  }
}

}  // namespace fastpath
