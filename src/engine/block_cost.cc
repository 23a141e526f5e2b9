#include "engine/block_cost.h"

#include <algorithm>

#include "engine/parted_backward.h"

namespace fastpath {

std::vector<TaskRun> run_tasks(const std::vector<Task>& tasks, const Models& models) {
  std::vector<TaskRun> runs;
  runs.reserve(tasks.size());
  Seconds compute_free;
  Seconds network_free;
  for (const Task& task : tasks) {
    TaskRun run{models.cost(task), {}};
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

PassCost cost_of_pass(const std::vector<Task>& tasks, const Models& models) {
  PassCost pass;
  const std::vector<TaskRun> runs = run_tasks(tasks, models);
  Seconds computing;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    pass.time = std::max(pass.time, runs[i].end());
    if (tasks[i].collective != Collective::none) continue;
    pass.by_bound[static_cast<std::size_t>(runs[i].cost.bound)] += runs[i].cost.time;
    pass.work += tasks[i].shape.work;
    computing += runs[i].cost.time;
  }
  pass.by_bound[static_cast<std::size_t>(Bound::network)] += pass.time - computing;
  return pass;
}

BlockCost cost_of_block(const Block& block, const BlockProgram& program, const Models& models) {
  BlockCost cost;
  for (const SlotPass pass : kSlotPasses) {
    cost.passes[static_cast<std::size_t>(pass)] = cost_of_pass(tasks_of(program, pass), models);
  }
  for (const Task& task : program.gathers)
    cost.gather += models.cost(task).time;
  cost.kept_for_weights = kept_for_weights(block, program);
  return cost;
}

}  // namespace fastpath
