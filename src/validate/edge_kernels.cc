#include "validate/edge_kernels.h"

#include <algorithm>
#include <array>
#include <string>

namespace fastpath {
namespace {

constexpr double kNever = 1e9;
constexpr double kToday = 1e4;

struct Vectors {
  std::string_view word;
  int lanes = 1;     ///< of fp32
  double since = 0;  ///< year from which ncnn's convolutions use it
};

/// Years by ncnn's history (Tencent/ncnn@a4d2ea1d): the commits that brought convolutions for
/// them. It has no kernels for LASX (but of elementwise maps), Sunway's or Knights Corner's.
constexpr std::array<Vectors, 12> kVectors{{{"neon", 4, 0},
                                            {"sse", 4, 0},
                                            {"avx2", 8, 2019.4},
                                            {"avx512", 16, 2022.3},
                                            {"msa", 4, 2021.5},
                                            {"lsx", 4, 2022.9},
                                            {"rv64gcv", 4, 2021.4},
                                            {"rvv1.0 256-bit", 8, 2021.4},
                                            {"lasx", 8, kNever},
                                            {"sw_64", 8, kNever},
                                            {"mips64", 2, kNever},
                                            {"imci", 16, kNever}}};

/// The same of arithmetic.
constexpr double kFp16 = 2020.6;
constexpr double kDotprod = 2021.4;
constexpr double kI8mm = 2022.5;
constexpr double kVnni = 2022;

std::string without_remarks(std::string_view text) {
  std::string words;
  int depth = 0;
  for (const char letter : text) {
    if (letter == '(') ++depth;
    if (depth == 0) words += letter;
    if (letter == ')') --depth;
  }
  return words;
}

}  // namespace

CpuKernels cpu_kernels(std::string_view instructions, const CpuBuild& build) {
  const std::string offered = without_remarks(instructions);
  const std::string built = build.built_for.empty() ? offered : std::string(build.built_for);
  const double year = build.recorded > 0 ? build.recorded : kToday;
  const auto offers = [&](std::string_view word) { return offered.find(word) != offered.npos; };
  const auto uses = [&](std::string_view word, double since) {
    return built.find(word) != built.npos && year >= since;
  };
  CpuKernels kernels;
  kernels.x86 = offers("avx") || offers("sse");
  kernels.arm = offers("neon");
  kernels.arm32 = kernels.arm && offers("vfp");
  kernels.fp16 = uses("fp16", kFp16);
  kernels.dotprod = uses("dotprod", kDotprod);
  kernels.i8mm = uses("i8mm", kI8mm);
  kernels.vnni = uses("vnni", kVnni);
  for (const Vectors& vectors : kVectors) {
    if (offers(vectors.word))
      kernels.offered_lanes = std::max(kernels.offered_lanes, vectors.lanes);
    if (uses(vectors.word, vectors.since)) kernels.lanes = std::max(kernels.lanes, vectors.lanes);
  }
  kernels.avx2 = kernels.x86 && kernels.lanes >= 8;
  kernels.avx512 = kernels.x86 && kernels.lanes >= 16;
  kernels.siblings = offers("smt4") ? 4 : offers("smt2") ? 2 : 1;
  return kernels;
}

}  // namespace fastpath
