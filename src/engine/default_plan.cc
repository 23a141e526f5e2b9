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

/// Divisions of the devices by powers of two: tensor, pipeline, and as much data parallelism as the
/// batch allows.
std::vector<Plan> divisions(const Lowerer& lowerer, std::int64_t devices) {
  const bool training = lowerer.workload().phase == Phase::training;
  std::vector<Plan> plans;
  for (std::int64_t tensor = 1; tensor <= devices; tensor *= 2) {
    for (std::int64_t pipeline = 1; tensor * pipeline <= devices; pipeline *= 2) {
      Plan plan;
      plan.tensor_parallel = static_cast<int>(tensor);
      plan.pipeline_parallel = static_cast<int>(pipeline);
      plan.sequence_parallel = tensor > 1 && training;
      plan.data_parallel = static_cast<int>(devices / (tensor * pipeline));
      while (plan.data_parallel > 1 && !lowerer.mistakes(plan).empty())
        plan.data_parallel /= 2;
      if (lowerer.mistakes(plan).empty()) plans.push_back(plan);
    }
  }
  return plans;
}

}  // namespace

Result<Plan> default_plan(const Workload& workload, const System& system) {
  Predictor predictor(workload, system);
  Best best;
  Diagnostics refusal;
  for (const Plan& division : divisions(Lowerer(workload), system.device_count())) {
    for (const Plan& plan : variants(division, workload.phase)) {
      const Result<Prediction> prediction = predictor.predict(plan);
      if (prediction) {
        best.offer(plan, *prediction);
      } else {
        refusal = prediction.error();
      }
    }
  }
  if (best.plan) return *best.plan;
  if (!refusal.empty()) return failure(std::move(refusal));
  const std::string what =
      "no usual plan is legal for '" + workload.name + "' on '" + system.id + "'";
  return failure(Place{"plan", 0, 0}, what, "give one with --plan");
}

}  // namespace fastpath
