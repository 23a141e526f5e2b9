#include "measure/model_run.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "measure/clock.h"

namespace fastpath {
namespace {

/// A repeat is as many executions as take this long.
constexpr double kRepeatSeconds = 0.1;

struct Timed {
  Seconds wall;  ///< of all executions
  Seconds cpu;
  double least = 0;  ///< wall time of one
};

Result<Timed> run_times(OnnxRuntime::Session& session, int times) {
  Timed timed;
  const Seconds begin_cpu = process_time();
  const Seconds begin = wall_time();
  for (int i = 0; i < times; ++i) {
    const Seconds last = timed.wall;
    if (auto done = session.run(); !done) return failure(done.error());
    timed.wall = wall_time() - begin;
    const double took = (timed.wall - last).base();
    timed.least = i == 0 ? took : std::min(timed.least, took);
  }
  timed.cpu = process_time() - begin_cpu;
  return timed;
}

/// Repeats until the spread is narrow; the first error ends them.
Result<void> measure_times(OnnxRuntime::Session& session, const ModelRunOptions& options,
                           ModelRun& run) {
  const Result<Timed> first = run_times(session, std::max(1, options.warm_ups));
  if (!first) return failure(first.error());
  const int times = static_cast<int>(std::clamp(kRepeatSeconds / first->least, 1.0, 1000.0));
  std::vector<Repeat> cpu;
  run.least = first->least;
  Diagnostics errors;
  run.wall = repeat(
      [&]() -> Repeat {
        const Instant before = now();
        const Result<Timed> timed = run_times(session, times);
        if (!timed) {
          errors = timed.error();
          return {};
        }
        // One thread never waits; of several some may, and only the ticks tell that from others.
        const double others = options.threads == 1 ? taken_from(1, timed->wall, timed->cpu)
                                                   : others_between(before, now());
        cpu.push_back({timed->cpu.base() / times, others});
        run.least = std::min(run.least, timed->least);
        return {timed->wall.base() / times, others};
      },
      options.repeats);
  run.cpu = summarise(cpu, options.repeats);
  if (!errors.empty()) return failure(std::move(errors));
  return {};
}

int profiled_runs(const ModelRunOptions& options, const ModelRun& run) {
  constexpr double kSeconds = 0.5;
  if (options.profiled_runs > 0) return options.profiled_runs;
  return static_cast<int>(std::clamp(kSeconds / std::max(run.least, 1e-6), 10.0, 200.0));
}

}  // namespace

Result<std::string> profile_model(const OnnxRuntime& runtime, const RunnableModel& model,
                                  const ProfileOptions& options) {
  const std::string prefix = fmt::format("{}/fastpath-profile-{}", options.folder, getpid());
  auto session = runtime.load(model, {options.threads, prefix});
  if (!session) return failure(session.error());
  for (int i = 0; i < options.runs; ++i) {
    if (auto done = session->run(); !done) return failure(done.error());
  }
  const Result<std::string> file = session->end_profile();
  if (!file) return failure(file.error());
  std::ifstream stream(*file);
  std::ostringstream text;
  text << stream.rdbuf();
  const bool good = stream.good();
  std::remove(file->c_str());
  if (!good) {
    return failure({.file = *file}, "the runtime's profile cannot be read",
                   "is there space left in that folder?");
  }
  return text.str();
}

Result<ModelRun> measure_model(const OnnxRuntime& runtime, const RunnableModel& model,
                               const ModelRunOptions& options,
                               const std::function<void(std::string_view)>& tell) {
  ModelRun run;
  tell("loading the model");
  const Seconds begin = wall_time();
  {
    auto session = runtime.load(model, {options.threads, {}});
    if (!session) return failure(session.error());
    run.load = wall_time() - begin;
    tell("running the model");
    if (auto done = measure_times(*session, options, run); !done) return failure(done.error());
  }
  tell("profiling the model");
  Result<std::string> profile = profile_model(
      runtime, model,
      {options.threads, options.warm_ups + profiled_runs(options, run), options.profile_folder});
  if (!profile) return failure(profile.error());
  run.profile = std::move(*profile);
  return run;
}

Result<TimedModel> TimedModel::load(const OnnxRuntime& runtime, const RunnableModel& model,
                                    int threads) {
  auto session = runtime.load(model, {threads, {}});
  if (!session) return failure(session.error());
  if (auto done = session->run(); !done) return failure(done.error());  // allocates
  return TimedModel(std::move(*session));
}

Result<void> TimedModel::run(double seconds) {
  constexpr int kLeast = 3;
  const double end = wall_time().base() + seconds;
  for (int i = 0; i < kLeast || wall_time().base() < end; ++i) {
    const Result<Timed> timed = run_times(session_, 1);
    if (!timed) return failure(timed.error());
    least_ = std::min(least_, timed->least);
    cpu_ += timed->cpu.base();
    ++executions_;
  }
  return {};
}

}  // namespace fastpath
