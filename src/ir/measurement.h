/// A published or own measurement of one operator.
#pragma once

#include <string>
#include <vector>

#include "fastpath/kernel.h"
#include "fastpath/program.h"
#include "fastpath/quantity.h"
#include "fastpath/result.h"

namespace fastpath {

struct Measurement {
  std::string id;
  std::string device;   ///< catalog id
  std::string source;   ///< who published it
  std::string kind;     ///< the operator as published: "gemm", "attention_decode", "conv_fwd"
  std::string format;   ///< scheme: "16", "fp32", "fp8", "fp8_block", "nvfp4", ...
  std::string library;  ///< framework or library whose kernels ran; empty = not known
  KernelClass kernel_class = KernelClass::matmul;  ///< whose parameters describe it
  /// What ran, under one launch: a mixture of experts is two grouped matmuls.
  std::vector<OpShape> parts;
  Seconds time;
  bool cache_resident = false;  ///< its source says that a repeated run found operands in the cache
  Place place;
};

}  // namespace fastpath
