/// What is changed in a trace before it is replayed: "device=nvidia-h200-sxm launch=0.5".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/number_format.h"
#include "fastpath/result.h"

namespace fastpath {

/// Kernels of a class, or with `name` in their name, take `factor` times as long; without a name,
/// all that compute.
struct KernelEdit {
  std::string name;
  double factor = 1;
};

struct Edits {
  std::vector<KernelEdit> kernels;
  double communication = 1;  ///< time of collectives and transfers between devices
  double copies = 1;         ///< time of copies and sets
  double launch = 1;         ///< of launching calls, and from a call to a free stream's start
  double host = 1;           ///< time of the host's operators and other calls
  bool no_sync = false;      ///< calls that wait return at once
  std::vector<std::string> unwaited;   ///< so do those with this in their, or an enclosing, name
  bool fuse = false;                   ///< neighbouring element-wise kernels of a stream run as one
  std::optional<NumberFormat> format;  ///< of matmuls, convolutions and attention
  std::string device;                  ///< another one than the trace's; empty = the same

  /// Whether kernels' times come from cost functions.
  bool models() const { return format || !device.empty(); }
};

/// Words apart by spaces: device=ID, format=FORMAT, kernels=FACTOR, kernels:NAME=FACTOR,
/// collectives=FACTOR, link=FACTOR (bandwidth: 2 halves the collectives' time), copies=FACTOR,
/// launch=FACTOR, host=FACTOR, sync=off, sync:NAME=off, fuse=elementwise. Errors, all at once:
/// unknown words with the nearest, factors that are not above 0 and up to 1e6.
Result<Edits> parse_edits(std::string_view text);

}  // namespace fastpath
