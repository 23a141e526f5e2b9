#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "engine/simulate/disturbed.h"
#include "engine/simulate/options.h"
#include "engine/simulate/replicas.h"
#include "engine/simulate/role_graph.h"
#include "engine/simulate/step_timeline.h"
#include "engine/state.h"

namespace fastpath {
namespace {

std::vector<RoleTime> role_times(const RoleGraph& roles, const GraphRun& run) {
  std::vector<RoleTime> times(roles.finish.size());
  for (std::size_t rank = 0; rank < times.size(); ++rank) {
    times[rank].pipeline_rank = static_cast<std::int64_t>(rank);
    times[rank].finish = to_seconds(run.end[roles.finish[rank]]);
    times[rank].passes_end = to_seconds(run.end[roles.passes_end[rank]]);
  }
  for (TaskId task = 0; task < roles.graph.size(); ++task) {
    const TaskKind& kind = roles.kinds[roles.kind_of[task]];
    if (kind.lane == RoleLane::joint) continue;
    RoleTime& time = times[kind.rank];
    const Picoseconds took = run.end[task] - run.start[task];
    if (kind.lane == RoleLane::operators) {
      time.computing += to_seconds(took);
    } else {
      time.communicating += to_seconds(took);
      time.slowed += to_seconds(std::max<Picoseconds>(0, took - roles.graph.alone(task)));
    }
  }
  return times;
}

/// Rounding may add a picosecond for each change of rate.
constexpr Picoseconds kRounding = 1000;

std::vector<LevelTraffic> level_traffic(const System& system, const RoleGraph& roles,
                                        const GraphRun& run) {
  std::vector<LevelTraffic> traffic;
  const std::size_t levels = system.levels.size();
  for (const Level& level : system.levels)
    traffic.push_back({.level = level.name, .added = {}});
  const Seconds step = to_seconds(run.makespan);
  for (std::size_t link = 0; link < run.carried.size(); ++link) {
    double& busy = traffic[link / 2 % levels].busy;
    if (step > Seconds{}) busy = std::max(busy, run.carried[link] / step.base());
  }
  for (TaskId task = 0; task < roles.graph.size(); ++task) {
    const TaskGraph::Task& one = roles.graph.tasks()[task];
    if (one.route == TaskGraph::kNoRoute) continue;
    const Picoseconds added = run.end[task] - run.start[task] - roles.graph.alone(task);
    // The level whose port is the busiest part of the way.
    const auto links = roles.graph.links(one.route);
    const auto main = std::max_element(links.begin(), links.end(),
                                       [](auto& a, auto& b) { return a.use < b.use; });
    LevelTraffic& level = traffic[main->link / 2 % levels];
    ++level.transfers;
    if (added <= kRounding) continue;
    ++level.slowed;
    level.added += to_seconds(added);
  }
  return traffic;
}

/// Draws of times that would take minutes are refused.
constexpr double kMostDraws = 4e9;

double draws_of(Predictor::State& state, const Plan& plan, const Replicas& replicas) {
  const std::vector<BlockProgram> programs = state.lowerer.lower_blocks(plan);
  double tasks = 0;
  for (const auto& stage : state.lowerer.stages(plan)) {
    for (const StageBlock& block : stage) {
      const BlockProgram& program = programs[block.program];
      tasks += static_cast<double>(block.repeat) *
               static_cast<double>(program.forward.size() + program.backward.size());
    }
  }
  return tasks * static_cast<double>(state.lowerer.micro_batches(plan).count) *
         static_cast<double>(replicas.members * replicas.count);
}

class Simulator {
 public:
  Simulator(Predictor::State& clean, Predictor::State& slowed, const Plan& plan,
            const SimulateOptions& options)
      : clean_(clean), slowed_(slowed), plan_(plan), options_(options) {}

  Result<Simulation> run() {
    const Prediction prediction = clean_.predict(plan_);
    const RoleGraph roles = role_graph(slowed_, plan_, options_.share_links);
    const GraphRun run = run_graph(roles.graph);
    Simulation result;
    result.phase = prediction.phase;
    result.devices = prediction.devices;
    result.alone = prediction.step.value;
    result.step = to_seconds(run.makespan);
    result.undisturbed = result.step;
    if (!options_.slow_links.empty()) {
      const RoleGraph before = role_graph(clean_, plan_, options_.share_links);
      result.undisturbed = to_seconds(run_graph(before.graph).makespan);
    }
    result.tasks = static_cast<std::int64_t>(roles.graph.size());
    result.roles = role_times(roles, run);
    result.levels = level_traffic(slowed_.system, roles, run);
    const Replicas replicas = replicas_of(slowed_, plan_, options_);
    result.expansion = {plan_.device_count(), replicas.count,
                        static_cast<std::int64_t>(replicas.factors.size()), replicas.reason};
    if (!ranks_differ(options_)) {
      if (options_.timeline)
        result.timeline = step_timeline(title(), roles, run, slots(), options_);
      return result;
    }
    return disturb(std::move(result), roles, run, replicas);
  }

 private:
  Result<Simulation> disturb(Simulation result, const RoleGraph& roles, const GraphRun& run,
                             const Replicas& replicas) {
    if (options_.jitter > 0 && draws_of(slowed_, plan_, replicas) > kMostDraws) {
      return failure(Place{"simulate", 0, 0},
                     "jitter of so many ranks and micro-batches would draw " +
                         std::to_string(std::llround(draws_of(slowed_, plan_, replicas) / 1e9)) +
                         "e9 task times; the most is 4e9",
                     "simulate fewer data-parallel ranks or a smaller batch");
    }
    const DisturbedRun disturbed = run_disturbed(slowed_, plan_, {roles, run}, replicas, options_);
    result.tasks += static_cast<std::int64_t>(disturbed.tasks);
    result.step = Seconds{};
    for (std::size_t rank = 0; rank < result.roles.size(); ++rank) {
      result.roles[rank].finish = to_seconds(disturbed.finish[rank]);
      result.roles[rank].passes_end = to_seconds(disturbed.passes_end[rank]);
      result.step = std::max(result.step, result.roles[rank].finish);
    }
    if (options_.timeline) {
      result.timeline = replica_timeline(title(), disturbed, slots(), options_);
    }
    return result;
  }

  std::string title() const { return slowed_.lowerer.workload().name + " on " + slowed_.system.id; }
  const ScheduleOrder& slots() { return slowed_.order(plan_); }

  Predictor::State& clean_;
  Predictor::State& slowed_;
  const Plan& plan_;
  const SimulateOptions& options_;
};

}  // namespace

Result<Simulation> simulate(const Workload& workload, const System& system, const Plan& plan,
                            const SimulateOptions& options) {
  Predictor::State clean(workload, system);
  Diagnostics mistakes = clean.mistakes(plan);
  for (Diagnostic& mistake : mistakes_in(options, system, plan.device_count()))
    mistakes.push_back(std::move(mistake));
  if (!mistakes.empty()) return failure(std::move(mistakes));
  if (options.slow_links.empty()) return Simulator(clean, clean, plan, options).run();
  Predictor::State slowed(workload, with_slow_links(system, options.slow_links));
  return Simulator(clean, slowed, plan, options).run();
}

}  // namespace fastpath
