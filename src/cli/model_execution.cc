#include "cli/model_execution.h"

#include <algorithm>
#include <limits>

#include "analyze/runtime_findings.h"
#include "cli/sources.h"
#include "import/runtime_profile/read.h"

namespace fastpath::cli {

Result<RunnableModel> open_runnable(const std::string& path, const RunnableOptions& fill) {
  constexpr std::uintmax_t kGraphLimit = std::numeric_limits<std::int32_t>::max();
  const Result<std::string> bytes = read_file(path, kGraphLimit);
  if (!bytes) return failure(bytes.error());
  return make_runnable(*bytes, path, fill);
}

Result<ModelExecution> execute_model(Session& session, const OnnxRuntime& runtime,
                                     const RunnableModel& model, const std::string& path,
                                     const ModelRunOptions& options) {
  Result<ModelRun> run = measure_model(runtime, model, options,
                                       [&](std::string_view what) { session.progress(what); });
  session.progress("");
  if (!run) return failure(run.error());
  auto events = read_runtime_profile(run->profile, path + " (profile)");
  if (!events) return failure(events.error());
  session.warn(events->warnings);
  ModelExecution execution;
  execution.run = std::move(*run);
  execution.events = std::move(events->value);
  execution.operators = operators_of(execution.events, static_cast<std::size_t>(options.warm_ups));
  return execution;
}

double undisturbed(const ModelRun& run, int threads) {
  return threads == 1 ? std::min(run.least, run.cpu.median) : run.least;
}

QuietOperators quiet_operators(const ModelRun& run, int threads,
                               const std::vector<RuntimeOperator>& operators) {
  QuietOperators quiet{profiler_cost(operators, Seconds{undisturbed(run, threads)}), operators};
  for (RuntimeOperator& one : quiet.operators)
    one.quiet = one.holds_others ? Seconds{} : without_profiler(one.quiet, quiet.profiler);
  return quiet;
}

}  // namespace fastpath::cli
