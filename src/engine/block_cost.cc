#include "engine/block_cost.h"

#include <algorithm>

#include "fastpath/framework.h"

#include "engine/parted_backward.h"

namespace fastpath {

Models::Models(const System& system, Execution execution)
    : device(system.device, execution, system.framework.get()),
      network(system),
      host(system),
      device_id_(system.device.id) {
  if (!system.framework) return;
  network_factor_ = system.framework->network.value;
  experts_factor_ = system.framework->experts.value;
}

TaskCost Models::collective(Collective kind, Group group, Bytes payload) const {
  TaskCost cost = network.cost(kind, group, payload);
  cost.network =
      std::max(network_factor_ * cost.network, network.injection_bound(kind, group, payload));
  cost.time = cost.network;
  return cost;
}

std::vector<TaskRun> run_tasks(const std::vector<Task>& tasks, const Models& models) {
  std::vector<TaskRun> runs;
  runs.reserve(tasks.size());
  Seconds compute_free;
  Seconds network_free;
  for (const Task& task : tasks) {
    const bool copies = task.copy != HostCopy::none;
    TaskRun run{copies ? TaskCost{} : models.cost(task), {}};
    Seconds& lane = task.collective == Collective::none ? compute_free : network_free;
    run.start = lane;
    for (const std::uint32_t before : task.after) {
      run.start = std::max(run.start, runs[before].end());
    }
    lane = run.end();
    runs.push_back(run);
  }
  return runs;
}

PassCost cost_of_pass(const std::vector<Task>& tasks, const Models& models, Doubt* doubt) {
  PassCost pass;
  const std::vector<TaskRun> runs = run_tasks(tasks, models);
  Seconds computing;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    pass.time = std::max(pass.time, runs[i].end());
    if (doubt != nullptr && tasks[i].copy == HostCopy::none) {
      doubt->add(tasks[i], runs[i].cost, models);
    }
    if (tasks[i].collective != Collective::none || tasks[i].copy != HostCopy::none) continue;
    pass.by_bound[static_cast<std::size_t>(runs[i].cost.bound)] += runs[i].cost.time;
    pass.work += tasks[i].shape.work;
    computing += runs[i].cost.time;
  }
  pass.by_bound[static_cast<std::size_t>(Bound::network)] += pass.time - computing;
  return pass;
}

HostCopies host_copies(const std::vector<Task>& tasks, const Models& models) {
  HostCopies copies;
  for (const Task& task : tasks) {
    if (task.copy == HostCopy::from_host) copies.from_host += models.cost(task).time;
    if (task.copy == HostCopy::to_host) copies.to_host += models.cost(task).time;
  }
  return copies;
}

void Doubt::add(const Task& task, const TaskCost& cost, const Models& models) {
  const RelativeInterval interval = models.relative_interval(task, cost);
  const auto bound = static_cast<std::size_t>(cost.bound);
  time[bound] += cost.time;
  late[bound] += std::max(0.0, interval.high - 1) * cost.time;
  early[bound] += std::max(0.0, 1 / interval.low - 1) * cost.time;
  if (interval.extrapolating) extrapolated += cost.time;
}

void Doubt::add(const Doubt& other, double times) {
  for (std::size_t i = 0; i < time.size(); ++i) {
    time[i] += times * other.time[i];
    late[i] += times * other.late[i];
    early[i] += times * other.early[i];
  }
  extrapolated += times * other.extrapolated;
}

BlockCost cost_of_block(const Block& block, const BlockProgram& program, const Models& models) {
  BlockCost cost;
  for (const SlotPass pass : kSlotPasses) {
    // The halves of a parted backward are the backward again.
    const bool whole = pass == SlotPass::forward || pass == SlotPass::backward;
    cost.passes[static_cast<std::size_t>(pass)] =
        cost_of_pass(tasks_of(program, pass), models, whole ? &cost.doubt : nullptr);
  }
  const auto sum = [&](const std::vector<Task>& tasks) {
    Seconds time;
    for (const Task& task : tasks)
      time += models.cost(task).time;
    return time;
  };
  cost.gather = sum(program.gathers);
  cost.regather = sum(program.regathers);
  cost.scatter = sum(program.scatters);
  cost.forward_copies = host_copies(program.forward, models);
  cost.backward_copies = host_copies(program.backward, models);
  cost.kept_for_weights = kept_for_weights(block, program);
  return cost;
}

}  // namespace fastpath
