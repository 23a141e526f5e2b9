#include "engine/plan_evaluator.h"

#include <algorithm>
#include <numeric>

#include "engine/state.h"

namespace fastpath {

namespace {

/// Bounds and figures sum the same times in different orders.
constexpr double kRounding = 1 - 1e-9;

/// What is remembered at most: plans of a space come with neighbours next to each other.
constexpr std::size_t kMostBlocks = 20'000;
constexpr std::size_t kMostOrders = 64;

/// Costs of all ranks but for the ends of their passes.
std::vector<RankCost> costs_of_ranks(Predictor::State& state, const Plan& plan,
                                     const CostedBlocks& costs) {
  const auto ranks = static_cast<std::size_t>(plan.pipeline_parallel);
  std::vector<RankCost> all;
  all.reserve(ranks);
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    if (state.repeats_rank_before(plan, rank)) {
      all.push_back(all.back());
    } else {
      all.push_back(state.rank_cost(plan, costs, rank, Seconds{}));
    }
  }
  return all;
}

/// Whether forwards enter at the first rank only and go from rank to rank.
bool fills_in_order(Schedule schedule) { return schedule != Schedule::dualpipe; }

/// Whether the last pass of every rank is a whole backward that those before it wait for.
bool drains_in_order(Schedule schedule) {
  return schedule == Schedule::gpipe || schedule == Schedule::one_f_one_b ||
         schedule == Schedule::interleaved;
}

}  // namespace

PlanEvaluator::PlanEvaluator(Workload workload, System system)
    : state_(std::make_unique<Predictor::State>(std::move(workload), std::move(system))) {}
PlanEvaluator::~PlanEvaluator() = default;
PlanEvaluator::PlanEvaluator(PlanEvaluator&&) noexcept = default;
PlanEvaluator& PlanEvaluator::operator=(PlanEvaluator&&) noexcept = default;

Diagnostics PlanEvaluator::mistakes(const Plan& plan) const { return state_->mistakes(plan); }

void PlanEvaluator::forget_what_is_old() {
  const bool old = state_->blocks.size() > kMostBlocks || state_->orders.size() > kMostOrders;
  if (old) state_->forget();
}

PlanFigures PlanEvaluator::memory_figures(const Plan& plan) {
  PlanFigures figures;
  figures.devices = plan.device_count();
  for (const MemoryByClass& rank : state_->memory(plan, state_->costed(plan))) {
    figures.memory = std::max(figures.memory, rank.total());
  }
  const auto& memories = state_->system.device.memories;
  if (!memories.empty() && memories.front().capacity) {
    figures.fits = figures.memory <= memories.front().capacity->value;
  }
  return figures;
}

void PlanEvaluator::set_step(Seconds step, PlanFigures& figures) const {
  Prediction prediction;
  prediction.devices = figures.devices;
  prediction.step.value = step;
  set_energy_and_cost(state_->system, prediction);
  figures.step = step;
  figures.energy = prediction.energy;
  figures.cost = prediction.cost;
}

PlanFigures PlanEvaluator::bound(const Plan& plan) {
  forget_what_is_old();
  PlanFigures figures = memory_figures(plan);
  if (!figures.fits) return figures;
  const CostedBlocks& costs = state_->costed(plan);
  const auto ranks = costs_of_ranks(*state_, plan, costs);
  const auto& stages = state_->lowerer.stages(plan);
  const bool fills = fills_in_order(plan.schedule);
  const bool drains = state_->training() && drains_in_order(plan.schedule);
  const Seconds first_tail = ranks.front().exposed_reduction + ranks.front().update;
  Seconds step;
  Seconds fill;
  Seconds drain;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const RankCost& cost = ranks[rank];
    step = std::max(step, fill + cost.busy + cost.exposed_reduction + cost.update);
    if (drains) step = std::max(step, fill + cost.busy + drain + first_tail);
    if (fills) fill += cost_of_stage(stages[rank], costs, SlotPass::forward).time;
    if (drains) drain += cost_of_stage(stages[rank], costs, SlotPass::backward).time;
  }
  set_step(kRounding * step, figures);
  return figures;
}

PlanFigures PlanEvaluator::evaluate(const Plan& plan) {
  forget_what_is_old();
  PlanFigures figures = memory_figures(plan);
  const CostedBlocks& costs = state_->costed(plan);
  const auto ranks = costs_of_ranks(*state_, plan, costs);
  const Scheduled& schedule = state_->scheduled(plan, costs);
  Seconds step;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    RankCost cost = ranks[rank];
    cost.end = schedule.end[rank];
    step = std::max(step, cost.finish());
  }
  set_step(step + state_->exposed_gather(plan, costs, schedule.times), figures);
  return figures;
}

}  // namespace fastpath
