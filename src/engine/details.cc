#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

#include "engine/state.h"
#include "model/kernel_time.h"

namespace fastpath {
namespace {

/// Sums of equal rows: the same operator, pass and collective.
using RowKey = std::tuple<std::uint32_t, std::uint32_t, Pass, Collective>;

class RowSums {
 public:
  RowSums(const Workload& workload, const Models& models) : workload_(workload), models_(models) {}

  void add(std::uint32_t block, const std::vector<Task>& tasks, double times) {
    for (const Task& task : tasks) {
      OperatorRow& row = rows_[{block, task.op, task.pass, task.collective}];
      const TaskCost cost = models_.cost(task);
      const Block& source = workload_.blocks[block];
      row.block = source.name;
      row.op = task.copy != HostCopy::none ? "host copy"
               : task.op == kWholeBlock    ? "weights"
                                           : source.ops[task.op].name;
      row.pass = task.pass;
      row.collective = task.collective;
      row.bound = cost.bound;
      row.kernel = kernel_class_of(task.shape);
      row.compute_format = task.shape.compute_format;
      row.count += times;
      row.time += times * cost.time;
      row.work += times * task.shape.work;
      row.traffic += times * cost.traffic;
    }
  }

  std::vector<OperatorRow> sorted() const {
    std::vector<OperatorRow> rows;
    for (const auto& [key, row] : rows_)
      rows.push_back(row);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const OperatorRow& a, const OperatorRow& b) { return a.time > b.time; });
    return rows;
  }

 private:
  const Workload& workload_;
  const Models& models_;
  std::map<RowKey, OperatorRow> rows_;
};

}  // namespace

std::vector<OperatorRow> operator_rows(Predictor::State& state, const Plan& plan,
                                       std::size_t rank) {
  const std::vector<BlockProgram> programs = state.lowerer.lower_blocks(plan);
  const auto micro_batches = static_cast<double>(state.order(plan).times(rank, SlotPass::forward));
  const Models& models = state.models(plan.execution);
  const Workload& workload = state.lowerer.workload(plan);
  RowSums sums(workload, models);
  const std::vector<StageBlock> all = state.blocks_of_rank(plan, rank);
  for (const StageBlock& run : all) {
    if (run.use != SegmentUse::executed) continue;
    const double times = static_cast<double>(run.repeat) * micro_batches;
    const BlockProgram& program = programs[run.program];
    sums.add(program.block, program.gathers, times);
    sums.add(program.block, program.regathers, times);
    sums.add(program.block, program.scatters, times);
    sums.add(program.block, program.forward, times);
    sums.add(program.block, program.backward, times);
  }
  std::vector<OperatorRow> rows = sums.sorted();
  if (!state.training()) return rows;
  const CostedBlocks& costs = state.costed(plan);
  std::vector<Task> update = update_tasks(plan, stage_memory(all, costs.memory));
  for (const Task& task : state.update_of_rank(plan, costs, rank)) {
    const bool over_copies = task.axis == MeshAxis::pipeline;
    if (over_copies) update.push_back(task);
  }
  for (const Task& task : update) {
    const TaskCost cost = models.cost(task);
    const bool optimizer = task.collective == Collective::none;
    const bool copies = task.copy != HostCopy::none;
    rows.push_back({"step",
                    copies      ? "host copy"
                    : optimizer ? "optimizer"
                                : "gradients",
                    task.pass, task.collective, cost.bound, 1, cost.time, task.shape.work,
                    cost.traffic, kernel_class_of(task.shape), task.shape.compute_format});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const OperatorRow& a, const OperatorRow& b) { return a.time > b.time; });
  return rows;
}

namespace {

struct Improvement {
  std::string resource;
  std::function<void(System&, double)> apply;
};

void scale(std::optional<Figure<BytesPerSecond>>& figure, double factor) {
  if (figure) figure->value *= factor;
}

std::vector<Improvement> improvements(const System& system) {
  std::vector<Improvement> all;
  all.push_back({"compute peak", [](System& s, double factor) {
                   for (Peak& peak : s.device.peaks)
                     peak.rate.value *= factor;
                 }});
  all.push_back({"memory bandwidth", [](System& s, double factor) {
                   if (!s.device.memories.empty()) {
                     scale(s.device.memories.front().bandwidth, factor);
                   }
                 }});
  const bool caches =
      std::any_of(system.device.memories.begin() + (system.device.memories.empty() ? 0 : 1),
                  system.device.memories.end(),
                  [](const Memory& memory) { return memory.bandwidth.has_value(); });
  if (caches) {
    all.push_back({"cache bandwidth", [](System& s, double factor) {
                     for (std::size_t i = 1; i < s.device.memories.size(); ++i) {
                       scale(s.device.memories[i].bandwidth, factor);
                     }
                   }});
  }
  all.push_back({"launch rate", [](System& s, double factor) {
                   s.device.achieved.launch.value *= 1 / factor;
                   s.device.achieved.graph_launch.value *= 1 / factor;
                 }});
  for (std::size_t i = 0; i < system.levels.size(); ++i) {
    if (system.levels[i].count == 1) continue;
    all.push_back({system.levels[i].name + " bandwidth",
                   [i](System& s, double factor) { s.levels[i].bandwidth.value *= factor; }});
    all.push_back({system.levels[i].name + " latency",
                   [i](System& s, double factor) { s.levels[i].latency.value *= 1 / factor; }});
  }
  return all;
}

}  // namespace

std::vector<Elasticity> elasticities(Predictor::State& state, const Plan& plan) {
  constexpr double kStep = 1.01;
  const Seconds base = state.predict(plan).step.value;
  std::vector<Elasticity> result;
  for (const Improvement& improvement : improvements(state.system)) {
    System better = state.system;
    improvement.apply(better, kStep);
    Predictor::State changed(state.lowerer.workload(), std::move(better));
    const double ratio = changed.predict(plan).step.value / base;
    result.push_back({improvement.resource, std::log(ratio) / std::log(kStep)});
  }
  std::stable_sort(result.begin(), result.end(), [](const Elasticity& a, const Elasticity& b) {
    return std::abs(a.value) > std::abs(b.value);
  });
  return result;
}

}  // namespace fastpath
