/// A model's execution by a runtime: how long it takes, and its profile.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

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
  Repeated wall;        ///< seconds of one execution
  Repeated cpu;         ///< CPU time of it, of all threads
  double least = 0;     ///< the shortest execution, seconds
  Seconds load;         ///< loading and rewriting the model
  std::string profile;  ///< JSON, as the runtime wrote it; empty: none
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

/// A loaded model, of which the shortest execution is looked for, at several times if need be: a
/// machine may be slow for some seconds.
class TimedModel {
 public:
  /// Loads it and executes it once. Errors: the runtime's own words.
  static Result<TimedModel> load(const OnnxRuntime& runtime, const RunnableModel& model,
                                 int threads);

  /// Executions that fill so many seconds, three at least.
  Result<void> run(double seconds);

  double least() const { return least_; }  ///< seconds of the shortest
  /// CPU time in seconds, the mean: of single executions it was seen a quarter below the shortest
  /// wall time on a virtual machine.
  double cpu() const { return executions_ > 0 ? cpu_ / executions_ : 0; }

 private:
  explicit TimedModel(OnnxRuntime::Session session) : session_(std::move(session)) {}

  OnnxRuntime::Session session_;
  double least_ = std::numeric_limits<double>::infinity();
  double cpu_ = 0;
  double executions_ = 0;
};

}  // namespace fastpath
