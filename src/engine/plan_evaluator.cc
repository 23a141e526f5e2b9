#include "engine/plan_evaluator.h"

#include <algorithm>
#include <numeric>

#include "engine/state.h"

namespace fastpath {

/// Pipeline ranks with equal blocks cost the same: each names the first rank like it.
struct PlanEvaluator::Ranks {
  std::vector<std::size_t> like;  ///< by rank
};

namespace {

/// Bounds and figures sum the same times in different orders.
constexpr double kRounding = 1 - 1e-9;

/// What is remembered at most: plans of a space come with neighbours next to each other.
constexpr std::size_t kMostBlocks = 20'000;
constexpr std::size_t kMostOrders = 64;

bool equal(const std::vector<StageBlock>& a, const std::vector<StageBlock>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const StageBlock& x, const StageBlock& y) {
                      return x.program == y.program && x.repeat == y.repeat && x.use == y.use;
                    });
}

/// Costs of all ranks but for the ends of their passes.
std::vector<RankCost> costs_of_ranks(Predictor::State& state, const Plan& plan,
                                     const CostedBlocks& costs,
                                     const std::vector<std::size_t>& like) {
  std::vector<RankCost> all;
  all.reserve(like.size());
  for (std::size_t rank = 0; rank < like.size(); ++rank) {
    if (like[rank] < rank) {
      all.push_back(all[like[rank]]);
    } else {
      all.push_back(state.rank_cost(plan, costs, rank, Seconds{}));
    }
  }
  return all;
}

/// Whether ranks with equal blocks cost the same: each runs all passes of all its micro-batches
/// whole, and shares its gradients with nobody in the pipeline.
bool has_equal_ranks(Schedule schedule) {
  return schedule == Schedule::gpipe || schedule == Schedule::one_f_one_b ||
         schedule == Schedule::interleaved;
}

/// Whether forwards enter at the first rank only and go from rank to rank.
bool fills_in_order(Schedule schedule) { return schedule != Schedule::dualpipe; }

/// Whether the last pass of every rank is a whole backward that those before it wait for.
bool drains_in_order(Schedule schedule) { return has_equal_ranks(schedule); }

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

const PlanEvaluator::Ranks& PlanEvaluator::ranks_of(const Plan& plan) {
  const bool equal_ranks = has_equal_ranks(plan.schedule);
  const void* stages = equal_ranks ? &state_->lowerer.stages(plan) : nullptr;
  const auto [found, added] = ranks_.try_emplace({stages, plan.pipeline_parallel});
  Ranks& ranks = found->second;
  if (!added) return ranks;
  const auto count = static_cast<std::size_t>(plan.pipeline_parallel);
  if (!equal_ranks) {
    ranks.like.resize(count);
    std::iota(ranks.like.begin(), ranks.like.end(), std::size_t{0});
    return ranks;
  }
  std::vector<std::vector<StageBlock>> distinct;
  std::vector<std::size_t> first;
  for (std::size_t rank = 0; rank < count; ++rank) {
    std::vector<StageBlock> blocks = state_->blocks_of_rank(plan, rank);
    std::size_t i = 0;
    while (i < distinct.size() && !equal(distinct[i], blocks))
      ++i;
    if (i == distinct.size()) {
      distinct.push_back(std::move(blocks));
      first.push_back(rank);
    }
    ranks.like.push_back(first[i]);
  }
  return ranks;
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
  const auto ranks = costs_of_ranks(*state_, plan, costs, ranks_of(plan).like);
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
  const auto ranks = costs_of_ranks(*state_, plan, costs, ranks_of(plan).like);
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
