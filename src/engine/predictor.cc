#include <algorithm>
#include <cmath>
#include <string>

#include "fastpath/framework.h"

#include "engine/remedies.h"
#include "engine/state.h"
#include "ir/semantics.h"
#include "lower/context.h"

namespace fastpath {
namespace {

bool counts_for_mfu(OpKind kind) {
  return kind == OpKind::matmul || kind == OpKind::grouped_matmul || kind == OpKind::convolution ||
         kind == OpKind::attention;
}

/// Device time of the model's contractions and attention at their formats' dense peaks.
Seconds ideal_time(const Workload& workload, const Plan& plan, const DeviceModel& device) {
  const DimSizes sizes = whole_sizes(workload);
  Seconds sum;
  for (const Segment& segment : workload.segments) {
    if (segment.use != SegmentUse::executed) continue;
    const Block& block = workload.blocks[segment.block];
    for (const Op& op : block.ops) {
      if (!counts_for_mfu(op.kind)) continue;
      const bool training = workload.phase == Phase::training;
      // Model FLOPs count attention's backward as 2x its forward, not the recomputed scores.
      const double passes = training ? 1 + backward_work_ratio(block, op, false) : 1;
      const Flops work = passes * forward_counts(workload, block, op, sizes).work;
      sum += static_cast<double>(segment.repeat) *
             (work / device.peak(compute_format_of(plan, block, op)));
    }
  }
  return sum;
}

/// A step may be longer or shorter by so much, relative, at 90 %.
struct HalfWidths {
  double late = 0;
  double early = 0;
};

/// Operators with one bound err together, since their kernels do; different bounds err
/// independently. docs/decisions/0007-intervals.md.
HalfWidths half_widths(const Prediction& prediction, const Doubt& doubt) {
  const auto share = [&](Bound bound) {
    return prediction.by_bound[static_cast<std::size_t>(bound)] / prediction.step.value;
  };
  const double bubble = share(Bound::bubble);
  // A bubble is other ranks' work: it errs as the rest does.
  const double grow = bubble < 1 ? 1 / (1 - bubble) : 1;
  HalfWidths variance;
  for (std::size_t i = 0; i < doubt.time.size(); ++i) {
    if (!(doubt.time[i] > Seconds{})) continue;
    const double weight = grow * share(static_cast<Bound>(i)) / doubt.time[i].base();
    variance.late += std::pow(weight * doubt.late[i].base(), 2);
    variance.early += std::pow(weight * doubt.early[i].base(), 2);
  }
  return {std::sqrt(variance.late), std::sqrt(variance.early)};
}

/// From a framework's own residuals on published steps where there are any, else from those of
/// operators and collectives.
void set_interval(const System& system, const Doubt& doubt, Prediction& prediction) {
  Estimate<Seconds>& step = prediction.step;
  const Framework* const framework = system.framework.get();
  if (prediction.phase == Phase::training && framework != nullptr &&
      framework->low < framework->high) {
    step.low = framework->low * step.value;
    step.high = framework->high * step.value;
    return;
  }
  const HalfWidths half = half_widths(prediction, doubt);
  step.low = step.value / (1 + half.early);
  step.high = (1 + half.late) * step.value;
  Seconds all;
  for (const Seconds time : doubt.time)
    all += time;
  if (all > Seconds{}) prediction.extrapolated = doubt.extrapolated / all;
}

void set_items(const Workload& workload, Prediction& prediction) {
  double rows = 1;
  double sequence = 0;
  for (const Dim& dim : workload.dims) {
    if (dim.kind == DimKind::batch) rows = static_cast<double>(dim.size);
    if (dim.kind == DimKind::sequence && sequence == 0) sequence = static_cast<double>(dim.size);
  }
  prediction.item = sequence > 0 ? "token" : "sample";
  prediction.items_per_second = rows * std::max(1.0, sequence) / prediction.step.value.base();
}

void set_fit(const System& system, Prediction& prediction) {
  if (system.device.memories.empty() || !system.device.memories.front().capacity) return;
  const Bytes available = system.device.memories.front().capacity->value;
  for (std::size_t rank = 0; rank < prediction.memory.size(); ++rank) {
    const Bytes needed = prediction.memory[rank].total();
    const bool worst = !prediction.out_of_memory || needed > prediction.out_of_memory->needed;
    if (needed > available && worst) {
      prediction.out_of_memory = OutOfMemory{static_cast<int>(rank), needed, available, {}};
    }
  }
}

}  // namespace

void set_energy_and_cost(const System& system, Prediction& prediction) {
  const auto devices = static_cast<double>(prediction.devices);
  const Seconds step = prediction.step.value;
  if (system.device.power) {
    Watts power = devices * system.device.power->value;
    if (system.host.power && !system.levels.empty()) {
      const double hosts = std::ceil(devices / static_cast<double>(system.levels.front().count));
      power += hosts * system.host.power->value;
    }
    prediction.energy = system.power_overhead * (power * step);
  }
  const auto& rent = system.rent ? system.rent : system.device.rent;
  if (rent) prediction.cost = devices * (rent->value * step);
}

Diagnostics Predictor::State::mistakes(const Plan& plan) const {
  Diagnostics found = lowerer.mistakes(plan);
  if (!system.device.has_data_sheet()) {
    found.push_back({Place{system.id, 0, 0},
                     "'" + system.device.id +
                         "' has no data sheet: a prediction needs a peak and " +
                         "the bandwidth of the main memory",
                     "give them in a YAML file with `base: " + system.device.id + "`"});
  }
  if (plan.offload != Offload{} && !system.host.link) {
    found.push_back(
        {Place{system.id, 0, 0},
         "offload: the link between host and devices of '" + system.id + "' is not known",
         "give it in a YAML file (host: {link: 25 GB/s})"});
  }
  if (found.empty() && plan.device_count() > system.device_count()) {
    found.push_back({Place{"plan", 0, 0},
                     "the plan needs " + std::to_string(plan.device_count()) + " devices; '" +
                         system.id + "' has " + std::to_string(system.device_count()),
                     "lower dp, or ask for more devices (--devices)"});
  }
  return found;
}

const Models& Predictor::State::models(Execution execution) {
  auto& slot = models_by_execution[static_cast<std::size_t>(execution)];
  if (!slot) slot.emplace(system, execution);
  return *slot;
}

const CostedBlocks& Predictor::State::costed(const Plan& plan) {
  const BlockKey key = block_key(plan, lowerer.micro_batches(plan).rows);
  const auto [found, added] = blocks.try_emplace(key);
  if (!added) return found->second;
  CostedBlocks& costs = found->second;
  costs.prefetch = plan.prefetch;
  for (const BlockProgram& program : lowerer.lower_blocks(plan)) {
    const Block& block = lowerer.workload(plan).blocks[program.block];
    costs.cost.push_back(cost_of_block(block, program, models(plan.execution)));
    costs.memory.push_back(program.memory);
  }
  costs.work = count(lowerer.workload(plan));
  for (const Segment& segment : lowerer.workload(plan).segments) {
    if (segment.use != SegmentUse::executed) continue;
    costs.doubt.add(costs.cost[segment.block].doubt, static_cast<double>(segment.repeat));
  }
  costs.ideal = ideal_time(lowerer.workload(plan), plan, models(plan.execution).device);
  return costs;
}

const ScheduleOrder& Predictor::State::order(const Plan& plan) {
  const std::int64_t micro_batches = lowerer.micro_batches(plan).count;
  const OrderKey key{plan.schedule, plan.pipeline_parallel, plan.virtual_stages, micro_batches};
  const auto [found, added] = orders.try_emplace(key);
  if (added) found->second = order_of(plan, micro_batches, training());
  return found->second;
}

Prediction Predictor::State::predict(const Plan& plan) {
  const CostedBlocks& costs = costed(plan);
  const Scheduled& schedule = scheduled(plan, costs);
  Prediction result;
  result.phase = lowerer.workload().phase;
  result.devices = plan.device_count();
  result.micro_batches = lowerer.micro_batches(plan).count;
  RankCost slowest;
  RankCost cost;
  Flops executed;
  for (std::size_t rank = 0; rank < schedule.end.size(); ++rank) {
    if (!repeats_rank_before(plan, rank)) cost = rank_cost(plan, costs, rank, {});
    cost.end = schedule.end[rank];
    executed += cost.work;
    if (rank == 0 || cost.finish() > slowest.finish()) slowest = cost;
  }
  const double ranks_per_stage = static_cast<double>(plan.device_count()) / plan.pipeline_parallel;
  result.executed_work = ranks_per_stage * executed;
  result.model_work = costs.work.forward_work + (training() ? costs.work.backward_work : Flops{});
  const Seconds gather = exposed_gather(plan, costs, schedule.times);
  result.step.value = slowest.finish() + gather;
  result.by_bound = slowest.by_bound;
  for (std::size_t i = 0; i < result.by_bound.size(); ++i) {
    result.by_bound[i] += slowest.update_by_bound[i];
  }
  result.by_bound[static_cast<std::size_t>(Bound::network)] += slowest.exposed_reduction + gather;
  result.by_bound[static_cast<std::size_t>(Bound::bubble)] += slowest.end - slowest.busy;
  result.exposed_communication = result.by_bound[static_cast<std::size_t>(Bound::network)];
  result.mfu = costs.ideal / static_cast<double>(result.devices) / result.step.value;
  result.memory = memory(plan, costs);
  set_items(lowerer.workload(), result);
  set_fit(system, result);
  set_energy_and_cost(system, result);
  set_interval(system, costs.doubt, result);
  return result;
}

std::size_t slowest_rank(Predictor::State& state, const Plan& plan) {
  const CostedBlocks& costs = state.costed(plan);
  const Scheduled& schedule = state.scheduled(plan, costs);
  std::size_t slowest = 0;
  Seconds finish;
  for (std::size_t rank = 0; rank < schedule.end.size(); ++rank) {
    const Seconds end = state.rank_cost(plan, costs, rank, schedule.end[rank]).finish();
    if (end > finish) slowest = rank;
    finish = std::max(finish, end);
  }
  return slowest;
}

Predictor::Predictor(Workload workload, System system)
    : state_(std::make_unique<State>(std::move(workload), std::move(system))) {}
Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;
Predictor& Predictor::operator=(Predictor&&) noexcept = default;

Result<Prediction> Predictor::predict(const Plan& plan, const PredictOptions& options) {
  Diagnostics mistakes = state_->mistakes(plan);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  Prediction prediction = state_->predict(plan);
  if (options.operators) {
    prediction.operators = operator_rows(*state_, plan, slowest_rank(*state_, plan));
  }
  if (options.elasticities) prediction.elasticities = elasticities(*state_, plan);
  if (options.remedies && prediction.out_of_memory) {
    prediction.out_of_memory->remedies = remedies(*state_, plan);
  }
  return prediction;
}

Result<Prediction> predict(const Workload& workload, const System& system, const Plan& plan,
                           const PredictOptions& options) {
  return Predictor(workload, system).predict(plan, options);
}

}  // namespace fastpath
