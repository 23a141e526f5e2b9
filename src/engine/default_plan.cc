#include <algorithm>
#include <optional>

#include "fastpath/fastpath.h"

#include "lower/lowerer.h"

namespace fastpath {
namespace {

/// The plan so far and how good it is: fitting beats not fitting, then time, then memory.
struct Best {
  std::optional<Plan> plan;
  bool fits = false;
  Seconds time;
  Bytes memory;

  void offer(const Plan& candidate, const Prediction& prediction) {
    const bool fitting = !prediction.out_of_memory;
    Bytes largest;
    for (const MemoryByClass& memory_of_rank : prediction.memory) {
      largest = std::max(largest, memory_of_rank.total());
    }
    const bool better = !plan || (fitting != fits ? fitting
                                  : fitting       ? prediction.step.value < time
                                                  : largest < memory);
    if (!better) return;
    plan = candidate;
    fits = fitting;
    time = prediction.step.value;
    memory = largest;
  }
};

/// Variants of one division of the devices that trade time for memory.
std::vector<Plan> variants(const Plan& base, Phase phase) {
  if (phase != Phase::training) {
    Plan plan = base;
    plan.execution = Execution::graph;
    return {plan};
  }
  std::vector<Plan> plans;
  for (const Recompute recompute : {Recompute::none, Recompute::full}) {
    for (const int zero : {1, 3}) {
      Plan plan = base;
      plan.recompute = recompute;
      plan.zero_stage = plan.data_parallel > 1 ? zero : 0;
      if (zero == 3 && (plan.data_parallel == 1 || plan.pipeline_parallel > 1)) continue;
      plans.push_back(plan);
    }
  }
  return plans;
}

}  // namespace

Result<Plan> default_plan(const Workload& workload, const System& system) {
  const Lowerer lowerer(workload);
  Predictor predictor(workload, system);
  Best best;
  const std::int64_t devices = system.device_count();
  std::optional<Diagnostics> refusal;
  for (std::int64_t tensor = 1; tensor <= devices; tensor *= 2) {
    for (std::int64_t pipeline = 1; tensor * pipeline <= devices; pipeline *= 2) {
      for (std::int64_t data = devices / (tensor * pipeline); data >= 1; data /= 2) {
        Plan base;
        base.tensor_parallel = static_cast<int>(tensor);
        base.pipeline_parallel = static_cast<int>(pipeline);
        base.data_parallel = static_cast<int>(data);
        base.sequence_parallel = tensor > 1 && workload.phase == Phase::training;
        if (!lowerer.mistakes(base).empty()) continue;
        for (const Plan& plan : variants(base, workload.phase)) {
          const Result<Prediction> prediction = predictor.predict(plan);
          if (prediction) best.offer(plan, *prediction);
          if (!prediction) refusal = prediction.error();
        }
        break;
      }
    }
  }
  if (best.plan) return *best.plan;
  if (refusal) return failure(std::move(*refusal));
  return failure(Place{"plan", 0, 0},
                 "no usual plan is legal for '" + workload.name + "' on '" + system.id + "'",
                 "give one with --plan");
}

}  // namespace fastpath
