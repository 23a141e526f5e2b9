/// Models as the runtime executes them on this machine.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fastpath/result.h"

#include "cli/session.h"
#include "import/onnx/runnable.h"
#include "ir/runtime_profile.h"
#include "measure/model_run.h"

namespace fastpath::cli {

/// A file with inputs and weights filled. Errors: those of the file and of make_runnable.
Result<RunnableModel> open_runnable(const std::string& path, const RunnableOptions& fill);

struct ModelExecution {
  ModelRun run;
  std::vector<RuntimeEvent> events;
  std::vector<RuntimeOperator> operators;  ///< without the first executions
};

/// Runs `model` with and without the profiler; says what is done next and warns of a profile that
/// was cut off. Errors: the runtime's own words.
Result<ModelExecution> execute_model(Session& session, const OnnxRuntime& runtime,
                                     const RunnableModel& model, const std::string& path,
                                     const ModelRunOptions& options);

/// Seconds of the shortest execution; of one thread, where others lengthened all of them, its CPU
/// time.
double undisturbed(const ModelRun& run, int threads);

/// Operators without what the profiler added to them; those that hold others have no time here:
/// what the profiler does for these is most of theirs.
struct QuietOperators {
  Seconds profiler;  ///< added to each
  std::vector<RuntimeOperator> operators;
};
QuietOperators quiet_operators(const ModelRun& run, int threads,
                               const std::vector<RuntimeOperator>& operators);

}  // namespace fastpath::cli
