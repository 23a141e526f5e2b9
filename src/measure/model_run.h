/// A model's execution by a runtime: how long it takes, and its profile.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "measure/onnx_runtime.h"
#include "measure/repeats.h"

namespace fastpath {

struct ModelRunOptions {
  int threads = 1;
  int warm_ups = 2;
  RepeatLimits repeats;
  int profiled_runs = 0;       ///< 0: as many as take half a second, from 10 to 200
  std::string profile_folder;  ///< where the runtime may write its profile for a moment
};

struct ModelRun {
  Repeated wall;         ///< seconds of one execution
  Repeated cpu;          ///< CPU time of it, of all threads
  double least = 0;      ///< the shortest execution, seconds
  double least_cpu = 0;  ///< the least CPU time of one, seconds
  Seconds load;          ///< loading and rewriting the model
  std::string profile;   ///< JSON, as the runtime wrote it; empty: none
};

/// Runs a loaded model until its spread is known, then again with the runtime's profiler. `tell` is
/// called with what is done next. Errors: the runtime's own words; a profile that cannot be read.
Result<ModelRun> measure_model(const OnnxRuntime& runtime, const RunnableModel& model,
                               const ModelRunOptions& options,
                               const std::function<void(std::string_view)>& tell);

struct ProfileOptions {
  int threads = 1;
  int runs = 10;
  std::string folder;  ///< where the runtime may write its profile for a moment
};

/// The runtime's profile of so many executions. Errors: the runtime's own words; a profile that
/// cannot be read.
Result<std::string> profile_model(const OnnxRuntime& runtime, const RunnableModel& model,
                                  const ProfileOptions& options);

/// Seconds of an execution: least wall and least CPU time over repeats that fill `seconds`, three
/// at least.
struct LeastTimes {
  double wall = 0;
  double cpu = 0;
};
Result<LeastTimes> least_times(const OnnxRuntime& runtime, const RunnableModel& model, int threads,
                               double seconds);

}  // namespace fastpath
