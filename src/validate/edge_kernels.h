/// Which of a CPU's instructions the kernels of ncnn use.
#pragma once

#include <string_view>

namespace fastpath {

/// How the software of a run was made.
struct CpuBuild {
  double recorded = 0;  ///< year in which its times were recorded, 2023.5; 0: not stated, new
  std::string_view built_for;  ///< instruction sets that it was limited to; empty: all
};

struct CpuKernels {
  bool x86 = false;
  bool arm = false;
  bool arm32 = false;  ///< Armv7: 16 vector registers
  bool fp16 = false;   ///< arithmetic, which is used without being asked for
  bool dotprod = false;
  bool i8mm = false;
  bool vnni = false;
  bool avx2 = false;  ///< or wider
  bool avx512 = false;
  int lanes = 1;          ///< of fp32 that its kernels fill
  int offered_lanes = 1;  ///< of the widest vectors that the CPU has
  int siblings = 1;       ///< hardware threads of a core
};

/// `instructions` as the catalog lists them: "neon fp16 dotprod", "avx2 fma smt2 (128-bit units)";
/// what is in parentheses is a remark.
CpuKernels cpu_kernels(std::string_view instructions, const CpuBuild& build);

}  // namespace fastpath
