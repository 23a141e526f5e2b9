/// A deployment's workers in the words of serving engines' own command lines.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/plan.h"

namespace fastpath::cli {

enum class WorkerRole : std::uint8_t { all, prefill, decode };

struct LaunchOrder {
  std::string model;  ///< of the engine: a repository or a folder
  Plan plan;
  WorkerRole role = WorkerRole::all;
  std::int64_t max_sequences = 0;  ///< of an attention rank
  std::int64_t token_budget = 0;   ///< of an attention rank
  std::int64_t longest = 0;        ///< tokens of a sequence
  double memory_share = 0;         ///< 0: the engine's own
};

/// Flags as documented by vLLM 0.11, SGLang 0.5 and TensorRT-LLM 1.0. A worker whose plan the
/// engine has no words for gets a comment instead.
std::string launch_line(std::string_view engine, const LaunchOrder& order);

/// Whether the weights' format is made at start; else the checkpoint must be in it.
bool quantises_at_start(std::string_view engine, const Plan& plan);

}  // namespace fastpath::cli
