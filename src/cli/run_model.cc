#include <algorithm>
#include <array>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "analyze/runtime_findings.h"
#include "cli/emit.h"
#include "cli/model_execution.h"
#include "cli/model_fill.h"
#include "cli/run_against.h"
#include "cli/runtime.h"
#include "cli/verbs.h"
#include "measure/clock.h"
#include "measure/model_run.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 10> kRunFlags{{
    {"dim", FlagKind::text, "NAME=N", "size of a dynamic dimension", "", true},
    {"input", FlagKind::text, "NAME=VALUE", "fill an input with one number", "", true},
    {"seed", FlagKind::whole, "N", "of the random values of inputs and missing weights (default 1)",
     "", false},
    {"threads", FlagKind::whole, "N", "of the runtime (default: as many as there are cores)", "",
     false},
    {"warm-ups", FlagKind::whole, "N", "executions before any counts (default 2)", "", false},
    {"repeats", FlagKind::whole, "N", "at most, until the spread is below 3 % (default 12)", "",
     false},
    {"profiled", FlagKind::whole, "N",
     "executions under the runtime's profiler (default: half a second of them, 10 to 200)", "",
     false},
    kRuntimeFlag,
    {"against", FlagKind::file, "SYSTEM.yaml",
     "also predict it on a system that `measure` wrote, and set both side by side", "", false},
    {"save-profile", FlagKind::file, "FILE.json", "keep the runtime's own profile", "", false},
}};

/// What the flags ask for.
struct RunRequest {
  RunnableOptions fill;
  ModelRunOptions run;
};

Result<RunRequest> request_from(const Arguments& arguments) {
  RunRequest request;
  Diagnostics mistakes;
  request.fill = fill_of(arguments, mistakes);
  const auto small = [&](std::string_view flag, std::int64_t fallback) {
    constexpr std::int64_t kMost = 1'000'000;
    return static_cast<int>(std::min(arguments.whole_or(flag, fallback), kMost));
  };
  request.run.threads =
      small("threads", std::max<std::int64_t>(1, std::thread::hardware_concurrency()));
  request.run.warm_ups = small("warm-ups", 2);
  request.run.profiled_runs = small("profiled", 0);
  request.run.repeats.most = static_cast<std::size_t>(small("repeats", 12));
  request.run.repeats.least = std::min(request.run.repeats.least, request.run.repeats.most);
  std::error_code error;
  request.run.profile_folder = std::filesystem::temp_directory_path(error).string();
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return request;
}

Table summary_table(const std::string& model, const OnnxRuntime& runtime, const RunRequest& request,
                    const ModelRun& run) {
  return {"summary",
          "Summary",
          {{"model"},
           {"runtime"},
           {"threads", Unit::count},
           {"time", Unit::seconds},
           {"spread", Unit::ratio},
           {"least_time", Unit::seconds},
           {"cpu_time", Unit::seconds},
           {"executions", Unit::per_second},
           {"load_time", Unit::seconds},
           {"repeats", Unit::count},
           {"discarded", Unit::count},
           {"load_average", Unit::none}},
          {{model, "ONNX Runtime " + runtime.version(), static_cast<double>(request.run.threads),
            run.wall.median, run.wall.spread, run.least, run.cpu.median,
            run.wall.median > 0 ? 1 / run.wall.median : 0.0, run.load.base(),
            static_cast<double>(run.wall.kept), static_cast<double>(run.wall.discarded),
            fmt::format("{:.1f}", load_average())}}};
}

void add_notes(Findings& findings, const RunnableModel& model, const ModelRun& run,
               const std::vector<RuntimeOperator>& operators) {
  if (run.wall.noisy) {
    findings.notes.push_back(
        fmt::format("Others used {:.1f} cores while the model ran: too few repeats were quiet, so "
                    "all are used. "
                    "The least time is nearer to that of a quiet machine.",
                    run.wall.others));
  }
  if (model.filled_weights > 0) {
    findings.notes.push_back(
        fmt::format("{} tensors of weights are missing or constant in the file: they hold seeded "
                    "random values.",
                    model.filled_weights));
  }
  const bool holds = std::any_of(operators.begin(), operators.end(),
                                 [](const RuntimeOperator& one) { return one.holds_others; });
  if (holds) {
    findings.notes.emplace_back(
        "If and loops count without the operators inside, but with what the profiler does for "
        "these: ten times their own time and more.");
  }
  findings.notes.emplace_back(
      "Inputs are seeded random values; denormal numbers count as zero. Operators are those of the "
      "runtime after its rewriting; their times are medians under its profiler, the time of the "
      "whole is without it.");
}

}  // namespace

std::span<const Flag> run_flags() { return kRunFlags; }

int run_model(Session& session, const Arguments& arguments) {
  const std::string& path = arguments.operands().front();
  const Result<RunRequest> request = request_from(arguments);
  if (!request) return session.fail(request.error());
  const Result<RunnableModel> model = open_runnable(path, request->fill);
  if (!model) return session.fail(model.error());
  const Result<OnnxRuntime> runtime = find_runtime(session, arguments);
  if (!runtime) return session.fail(runtime.error());
  const Result<ModelExecution> execution =
      execute_model(session, *runtime, *model, path, request->run);
  if (!execution) return session.fail(execution.error());
  const auto& [run, events, operators] = *execution;
  if (const auto file = arguments.text("save-profile")) {
    if (const auto wrong = write_file(*file, run.profile)) return session.fail({*wrong});
  }
  const auto warm_ups = static_cast<std::size_t>(request->run.warm_ups);
  const std::string name = std::filesystem::path(path).stem().string();
  Findings findings;
  findings.title = name + ": executed on this machine";
  findings.tables = {
      summary_table(name, *runtime, *request, run), runtime_types_table(operators),
      runtime_operators_table(operators, static_cast<std::size_t>(arguments.whole_or("top", 10)))};
  if (arguments.has("against")) {
    auto added = add_prediction(session, arguments, request->fill.dims,
                                {run, request->run.threads, operators}, findings);
    if (!added) return session.fail(added.error());
  }
  add_notes(findings, *model, run, operators);
  return emit(session, arguments, findings, kAnswered,
              [&]() -> Result<Timeline> { return timeline_of(execution->events, warm_ups, name); });
}

}  // namespace fastpath::cli
