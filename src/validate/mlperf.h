/// MLPerf Tiny on microcontrollers, and Mobile on phones, beside what a printed rule says.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fastpath/findings.h"

#include "ir/mlperf_run.h"
#include "validate/edge_prior.h"

namespace fastpath {

/// What the rule takes from a board's catalog entry.
struct BoardFacts {
  CpuFacts cpu;
  std::optional<FlopsPerSecond> int8;  ///< peak
};

struct MlperfData {
  std::vector<TinyRun> tiny;
  std::vector<TinyNetwork> networks;
  std::vector<MobileRun> mobile;
  std::map<std::string, BoardFacts> boards;  ///< by device
};

/// Seconds of an inference on a board, all boards alike:
///   2 (c MACs of convolutions + p pointwise + d depthwise + f dense) / peak
///   + layers x o cycles, all of it by s on cores that issue two instructions a cycle (Cortex-M7).
/// `peak`: of int8; of floats, an operation a cycle and core with an FPU for each multiply and add.
struct TinyRule {
  double convolution = 1;
  double pointwise = 1;
  double depthwise = 1;
  double dense = 1;
  double layer_cycles = 0;
  double dual_issue = 1;
};

/// A run that the rule can be asked for.
struct TinyCase {
  const TinyRun* run = nullptr;
  const TinyNetwork* network = nullptr;
  FlopsPerSecond peak;
  Hertz clock;
  bool dual_issue = false;
};

Seconds tiny_time(const TinyCase& of, const TinyRule& rule);
TinyRule fit_tiny(std::span<const TinyCase> cases);

/// Runs whose boards list a core with a clock and a peak, of reference networks, without an
/// accelerator.
std::vector<TinyCase> tiny_cases(const MlperfData& data);

/// Tables `tiny` (the board left out, by format; the network left out on a board and software that
/// are seen), `tiny_boards`, `tiny_rule` and `mobile`, each with its baseline.
Findings validate_mlperf(const MlperfData& data);

}  // namespace fastpath
