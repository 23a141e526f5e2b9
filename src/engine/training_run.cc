#include <algorithm>
#include <cmath>
#include <string>

#include "fastpath/fastpath.h"

#include "model/goodput.h"

namespace fastpath {
namespace {

Diagnostics mistakes_in(const Workload& workload, const RunOptions& options) {
  Diagnostics mistakes;
  const auto refuse = [&](bool wrong, const std::string& what, const std::string& hint) {
    if (wrong) mistakes.push_back({Place{"goodput", 0, 0}, what, hint});
  };
  const auto positive = [](double value) { return value > 0 && std::isfinite(value); };
  const auto some = [](double value) { return value >= 0 && std::isfinite(value); };
  refuse(workload.phase != Phase::training, "goodput is of training runs",
         "ask for a training step");
  refuse(!positive(options.items), "a run needs its number of tokens", "such as 15e12");
  refuse(!positive(options.device_mtbf.base()),
         "a device's mean time between interruptions must be above 0", "such as 50000 h");
  refuse(!positive(options.checkpoint_bandwidth.base()),
         "the bandwidth of checkpoints to storage must be above 0", "such as 100 GB/s");
  refuse(!some(options.checkpoint_size.base()) || !some(options.restart.base()) ||
             !some(options.interval.base()) || !some(options.repair.base()),
         "sizes and times must not be negative", "leave out those that do not matter");
  refuse(!(options.hardware_share >= 0 && options.hardware_share <= 1),
         "the share of hardware failures must lie within 0 and 1", "0.78 is 78 %");
  refuse(options.spare_nodes < 0, "spare nodes must not be negative", "0 is none");
  return mistakes;
}

/// Weights and optimizer states of the whole model: those of a device that held all of it.
Result<Bytes> states_of(const Workload& workload, const System& system, const Plan& plan) {
  Plan whole;
  whole.micro_batch = 1;
  whole.optimizer = plan.optimizer;
  whole.master_weights = plan.master_weights;
  whole.lora_rank = plan.lora_rank;
  whole.weight_format = plan.weight_format;
  const Result<Prediction> prediction = predict(workload, system, whole);
  if (!prediction) return failure(prediction.error());
  const MemoryByClass& memory = prediction->memory.front();
  return memory.weights + memory.optimizer;
}

void set_shares(const FailureModel& model, Goodput& result) {
  const double work = result.goodput;
  result.checkpointing = work * (model.checkpoint / result.interval);
  // Interruptions a second of run, each with its restart; restarts are interrupted too.
  const double restart = model.restart / model.mtbf;
  const double segment = (result.interval + model.checkpoint) / model.mtbf;
  const double restarts = work / (result.interval / model.mtbf) * std::expm1(segment);
  result.restarting = restarts * std::expm1(restart);
  result.lost = std::max(0.0, 1 - work - result.checkpointing - result.restarting);
}

}  // namespace

Result<Goodput> goodput(const Workload& workload, const System& system, const Plan& plan,
                        const RunOptions& options) {
  Diagnostics mistakes = mistakes_in(workload, options);
  const Result<Prediction> step = predict(workload, system, plan);
  if (!step) mistakes.insert(mistakes.end(), step.error().begin(), step.error().end());
  if (!mistakes.empty()) return failure(std::move(mistakes));
  Goodput result;
  result.checkpoint = options.checkpoint_size;
  if (result.checkpoint <= Bytes{}) {
    const Result<Bytes> states = states_of(workload, system, plan);
    if (!states) return failure(states.error());
    result.checkpoint = *states;
  }
  result.step = step->step.value;
  result.step_low = step->step.low;
  result.step_high = step->step.high;
  result.steps = options.items / (step->items_per_second * result.step.base());
  result.mtbf = options.device_mtbf / static_cast<double>(step->devices);
  result.checkpoint_time = result.checkpoint / options.checkpoint_bandwidth;
  const double hardware = options.hardware_share / result.mtbf.base();
  result.restart =
      options.restart +
      options.hardware_share * wait_for_node(hardware, options.repair, options.spare_nodes);
  const FailureModel model{result.mtbf, result.checkpoint_time, result.restart};
  result.young = young_interval(model);
  result.daly = daly_interval(model);
  result.interval =
      options.interval > Seconds{} ? options.interval : std::max(result.step, best_interval(model));
  result.goodput = goodput(model, result.interval);
  set_shares(model, result);
  const Seconds useful = result.steps * result.step;
  result.run = useful / result.goodput;
  result.interruptions = result.run / result.mtbf;
  const double steps_long = result.run / result.step;
  if (step->energy) result.energy = steps_long * *step->energy;
  if (step->cost) {
    const std::int64_t node = system.levels.empty() ? 1 : system.levels.front().count;
    const double spare = static_cast<double>(options.spare_nodes * node);
    result.cost = steps_long * (1 + spare / static_cast<double>(step->devices)) * *step->cost;
  }
  return result;
}

}  // namespace fastpath
