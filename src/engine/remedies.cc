#include "engine/remedies.h"

#include <algorithm>

#include "ir/plan_text.h"

namespace fastpath {
namespace {

/// Words of `changed` that `base` does not have.
std::string difference(const Plan& base, const Plan& changed) {
  const auto before = words_of_plan(base);
  std::string text;
  for (const auto& word : words_of_plan(changed)) {
    if (std::find(before.begin(), before.end(), word) != before.end()) continue;
    if (!text.empty()) text += ' ';
    text += word.first == "sp" ? word.first : word.first + "=" + word.second;
  }
  return text;
}

/// Plans that differ from `base` by one knob and use as many devices.
std::vector<Plan> neighbours(const Plan& base, std::int64_t rows) {
  std::vector<Plan> plans;
  const auto offer = [&](auto change) {
    Plan plan = base;
    change(plan);
    if (plan != base) plans.push_back(plan);
  };
  offer([](Plan& p) { p.recompute = Recompute::selective; });
  offer([](Plan& p) { p.recompute = Recompute::full; });
  offer([](Plan& p) { p.flash_attention = true; });
  offer([](Plan& p) { p.sequence_parallel = p.tensor_parallel > 1; });
  for (int zero = base.zero_stage + 1; base.data_parallel > 1 && zero <= 3; ++zero)
    offer([zero](Plan& p) { p.zero_stage = zero; });
  offer([rows](Plan& p) { p.micro_batch = static_cast<int>(std::max<std::int64_t>(1, rows / 2)); });
  offer([](Plan& p) {
    if (p.optimizer == Optimizer::adam) p.optimizer = Optimizer::adam_8bit;
  });
  offer([](Plan& p) { p.gradient_format = NumberFormat::bf16; });
  offer([](Plan& p) { p.offload.activations = true; });
  offer([](Plan& p) { p.offload.optimizer = true; });
  for (const auto axis : {&Plan::tensor_parallel, &Plan::context_parallel, &Plan::pipeline_parallel,
                          &Plan::expert_parallel}) {
    const bool inside = axis == &Plan::expert_parallel;  // of the data ranks
    offer([&](Plan& p) {
      if (inside ? p.data_parallel % (p.expert_parallel * 2) != 0 : p.data_parallel % 2 != 0)
        return;
      p.*axis *= 2;
      if (!inside) p.data_parallel /= 2;
    });
  }
  return plans;
}

Bytes most_needed(const Prediction& prediction) {
  Bytes most;
  for (const MemoryByClass& rank : prediction.memory)
    most = std::max(most, rank.total());
  return most;
}

}  // namespace

std::vector<Remedy> remedies(Predictor::State& state, const Plan& plan) {
  std::vector<Remedy> found;
  if (!state.training()) return found;
  for (const Plan& candidate : neighbours(plan, state.lowerer.micro_batches(plan).rows)) {
    if (!state.mistakes(candidate).empty()) continue;
    const Prediction prediction = state.predict(candidate);
    if (prediction.out_of_memory) continue;
    found.push_back({difference(plan, candidate), most_needed(prediction), prediction.step.value});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Remedy& a, const Remedy& b) { return a.step < b.step; });
  return found;
}

}  // namespace fastpath
