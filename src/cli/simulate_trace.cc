#include "cli/simulate_trace.h"

#include <array>

#include <fmt/format.h>

#include "analyze/recorded_findings.h"
#include "cli/emit.h"
#include "cli/scenario.h"
#include "engine/simulate/recorded.h"
#include "import/execution/read.h"

namespace fastpath::cli {
namespace {

/// A recorded step has its sizes, its ranks and its order: flags that choose them say nothing.
Diagnostics mistakes_in(const Arguments& arguments) {
  Diagnostics mistakes;
  std::vector<std::string_view> senseless{"plan", "framework", "no-sharing"};
  for (const Flag& flag : workload_flags())
    senseless.push_back(flag.name);
  for (const std::string_view flag : senseless) {
    if (!arguments.has(flag)) continue;
    mistakes.push_back({command_line(),
                        fmt::format("--{} does not apply to an execution trace", flag),
                        "what ran, and where, is what the trace says"});
  }
  return mistakes;
}

}  // namespace

int run_simulate_trace(Session& session, const Arguments& arguments, const Sources& sources,
                       const std::vector<std::string>& files, SimulateOptions options) {
  Diagnostics mistakes = mistakes_in(arguments);
  const Result<System> system = one_system(sources, arguments);
  if (!system) mistakes.insert(mistakes.end(), system.error().begin(), system.error().end());
  session.progress(fmt::format("reading {} execution traces", files.size()));
  const Result<Imported<RecordedProgram>> recorded = read_execution_traces(files);
  session.progress("");
  if (!recorded) {
    mistakes.insert(mistakes.end(), recorded.error().begin(), recorded.error().end());
  }
  if (!mistakes.empty()) return session.fail(mistakes);
  session.warn(recorded->warnings);
  options.timeline = arguments.has("timeline") || arguments.has("out");
  Result<RecordedRun> run = simulate_recorded(recorded->value, *system, options);
  if (!run) return session.fail(run.error());
  const auto top = static_cast<std::size_t>(arguments.whole_or("top", 10));
  const Findings findings = explain_recorded(recorded->value, *run, *system, top);
  return emit(session, arguments, findings, kAnswered,
              [&] { return Result<Timeline>(*std::move(run->simulation.timeline)); });
}

}  // namespace fastpath::cli
