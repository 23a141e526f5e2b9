/// Published runs of MLPerf Inference, and what its tasks ask of a language model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/result.h"

#include "ir/serving.h"
#include "ir/training_run.h"

namespace fastpath {

/// Offline: everything at once. Server: the highest rate of Poisson arrivals at which the 99th
/// percentiles of first token and of time per token are within their limits.
enum class MlperfScenario : std::uint8_t { offline, server };

/// A submission: its replicas share the devices; how many each takes is not stated.
struct MlperfRun {
  std::string id;
  std::string task;
  std::string scenario;  ///< as published: "offline", "server", "interactive"
  MlperfScenario kind = MlperfScenario::offline;
  std::string device;
  std::string system;
  std::string engine;
  std::string model;
  std::string collection;
  Plan plan;  ///< formats alone
  std::int64_t devices = 1;
  std::int64_t input = 1;
  std::int64_t output = 1;
  ServiceObjective limits;
  double tokens_per_second = 0;  ///< of output, all devices
  std::vector<std::string> assumed;
};

/// Runs that can be predicted, and the others, each with its rule.
struct MlperfRows {
  std::vector<MlperfRun> runs;
  std::vector<UnscoredRun> unscored;
};

/// `rows`: mlperf_inference.csv; `tasks`: mlperf_tasks.csv. Fails with all mistakes of both.
Result<MlperfRows> read_mlperf(std::string_view rows, const std::string& rows_file,
                               std::string_view tasks, const std::string& tasks_file);

}  // namespace fastpath
