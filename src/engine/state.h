/// What a Predictor remembers between plans.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "fastpath/fastpath.h"

#include "engine/block_cost.h"
#include "engine/schedule.h"
#include "ir/semantics.h"
#include "lower/lowerer.h"

namespace fastpath {

/// The costed blocks of a plan.
struct CostedBlocks {
  std::vector<BlockCost> cost;      ///< by block of the workload
  std::vector<BlockMemory> memory;  ///< by block of the workload
  WorkloadCounts work;              ///< of the workload as the plan changes it
  int prefetch = 1;                 ///< ZeRO-3: blocks whose weights are gathered ahead
  Doubt doubt;                      ///< of a step's passes, one micro-batch
  Seconds ideal;  ///< device time of the model's matmuls and attention at their dense peaks
};

/// One pipeline rank's share of a step.
struct RankCost {
  Seconds end;             ///< of its last pass
  Seconds busy;            ///< sum of its passes
  TimeByBound by_bound{};  ///< of its passes
  Flops work;              ///< of its passes, per device
  Seconds exposed_reduction;
  Seconds update;  ///< optimizer and gather of weights
  TimeByBound update_by_bound{};

  Seconds finish() const { return end + exposed_reduction + update; }
};

/// A schedule under a plan's times and bytes, by pipeline rank.
struct Scheduled {
  StageTimes times;
  std::vector<Seconds> end;        ///< of its last pass
  std::vector<Bytes> activations;  ///< most that it keeps at one time
};

struct Predictor::State {
  State(Workload workload, System given) : lowerer(std::move(workload)), system(std::move(given)) {}

  /// Why this plan cannot be predicted on this system, if so.
  Diagnostics mistakes(const Plan& plan) const;
  const Models& models(Execution execution);
  const CostedBlocks& costed(const Plan& plan);
  const ScheduleOrder& order(const Plan& plan);
  StageTimes stage_times(const Plan& plan, const CostedBlocks& costs);
  /// Remembered: plans that differ in their optimizer or their data parallelism's states share it.
  const Scheduled& scheduled(const Plan& plan, const CostedBlocks& costs);
  /// Whether the rank does what the rank before it does.
  bool repeats_rank_before(const Plan& plan, std::size_t rank);
  RankCost rank_cost(const Plan& plan, const CostedBlocks& costs, std::size_t rank, Seconds end);
  /// All blocks of a pipeline rank, chunk by chunk.
  std::vector<StageBlock> blocks_of_rank(const Plan& plan, std::size_t rank);
  /// What follows a rank's last pass, but for reductions of gradients that start under it.
  std::vector<Task> update_of_rank(const Plan& plan, const CostedBlocks& costs, std::size_t rank);
  std::vector<MemoryByClass> memory(const Plan& plan, const CostedBlocks& costs);
  /// By stage.
  std::vector<KeptBytes> kept_bytes(const Plan& plan, const CostedBlocks& costs);
  std::vector<Bytes> peak_activations(const Plan& plan, const CostedBlocks& costs);
  void add_passes(const Plan& plan, const CostedBlocks& costs, std::size_t rank, RankCost& cost);
  Seconds exposed_reduction(const Plan& plan, const CostedBlocks& costs, std::size_t rank);
  /// How long gathers of updated weights hold up the next step's first forwards: on the rank where
  /// they hold up most.
  Seconds exposed_gather(const Plan& plan, const CostedBlocks& costs, const StageTimes& times);
  Prediction predict(const Plan& plan);
  /// Drops what is remembered: nothing that was returned by reference is valid afterwards.
  void forget();

  bool training() const { return lowerer.workload().phase == Phase::training; }

  Lowerer lowerer;
  System system;
  std::array<std::optional<Models>, 3> models_by_execution;
  std::unordered_map<BlockKey, CostedBlocks, BlockKeyHash> blocks;
  using OrderKey = std::tuple<Schedule, int, int, std::int64_t>;
  std::map<OrderKey, ScheduleOrder> orders;
  /// By what the others remember: costed blocks, shares of stages, order.
  using ScheduledKey = std::tuple<const CostedBlocks*, const void*, const ScheduleOrder*>;
  std::map<ScheduledKey, Scheduled> schedules;
};

/// Energy and cost of a step, from its devices and its time; none where power or price is unknown.
void set_energy_and_cost(const System& system, Prediction& prediction);

/// Whether an update task is a gather of weights that may run under the next forward.
bool overlaps_forward(const Plan& plan, const Task& task);

/// How much longer an update takes than its operators for streaming states from the host and back,
/// a piece at a time: both directions run under the optimizer's operators.
Seconds exposed_copies(const std::vector<Task>& update, const Models& models);

/// Whether an update task runs under passes or under other update tasks.
bool runs_elsewhere(const Plan& plan, const Task& task);

/// Whether an update task is a reduction of gradients, which starts under the backward.
bool overlaps_backward(const Task& task);

/// A pass over the blocks of a stage, in the order of execution (forward) or against it. Gathers of
/// sharded weights run one block ahead; the gradients of weights need none.
PassCost cost_of_stage(const std::vector<StageBlock>& stage, const CostedBlocks& blocks,
                       SlotPass pass);

/// Waiting of such a pass for sharded weights and gradients and for the host's link, each of whose
/// directions is a lane of its own; waiting for lanes adds up.
Seconds waiting_of_stage(const std::vector<StageBlock>& stage, const CostedBlocks& blocks,
                         SlotPass pass);

/// The operators of the rank that finishes last, summed over a step, longest first.
std::vector<OperatorRow> operator_rows(Predictor::State& state, const Plan& plan, std::size_t rank);

/// Relative change of the step for a 1 % better resource, by predicting again; largest first.
std::vector<Elasticity> elasticities(Predictor::State& state, const Plan& plan);

/// The rank that finishes last.
std::size_t slowest_rank(Predictor::State& state, const Plan& plan);

}  // namespace fastpath
