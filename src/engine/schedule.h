/// Pipeline schedules: the order in which each rank works, and the recurrence that times it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/quantity.h"

#include "engine/slot.h"

namespace fastpath {

/// What a schedule does, whatever the times. Micro-batches pass stages 0 .. chain - 1; under
/// DualPipe those of the second half pass chain .. 2 chain - 1.
struct ScheduleOrder {
  std::vector<std::vector<Slot>> ranks;  ///< [rank][position]
  std::int64_t stages = 1;               ///< of all ranks
  std::int64_t chain = 1;                ///< stages that a micro-batch passes
  std::int64_t micro_batches = 1;
  /// How often each stage runs each SlotPass.
  std::vector<std::array<std::int64_t, kSlotPasses.size()>> counts;

  std::int64_t times(std::size_t stage, SlotPass pass) const {
    return counts[stage][static_cast<std::size_t>(pass)];
  }
};

/// The order of a legal plan; without `training` there are forwards only. Every order can run to
/// its end, whatever the times. With p ranks, of which r is one:
///
/// - GPipe (arXiv 1811.06965): all forwards, then all backwards.
/// - 1F1B (arXiv 2104.04473): p - 1 - r forwards, then one forward and one backward in turns.
/// - Interleaved (arXiv 2104.04473): chunks in turns of p micro-batches.
/// - ZB-H1 (arXiv 2401.10241): 1F1B with parted backwards; a rank owes r weight gradients at most.
/// - ZB-V (arXiv 2401.10241, 2405.15362): stages lie there and back over the ranks. Slots are
///   listed in equal times, forwards out of the second chunk first, then backwards, then forwards
///   into the pipeline, weight gradients when nothing else can run; the first chunk holds at most
///   2p - 1 - r micro-batches and the second r + 1, together the 2p chunks of 1F1B's first rank.
/// - DualPipe (arXiv 2412.19437): half of the micro-batches enter at either end.
ScheduleOrder order_of(const Plan& plan, std::int64_t micro_batches, bool training);

/// Times of each stage's passes for one micro-batch, and of sending on to the next stage.
struct StageTimes {
  std::vector<Seconds> forward;
  std::vector<Seconds> backward;         ///< run as one: weight gradients hide collectives
  std::vector<Seconds> backward_input;   ///< recomputation included
  std::vector<Seconds> backward_weight;  ///< when it runs apart
  std::vector<Seconds> send;

  const std::vector<Seconds>& of(SlotPass pass) const;
};

struct ScheduleRun {
  std::vector<Seconds> end;                  ///< by rank: of its last slot
  std::vector<std::vector<Seconds>> starts;  ///< [rank][position], when asked for
};

/// A slot starts when its rank is free and its input has arrived.
ScheduleRun run_schedule(const ScheduleOrder& order, const StageTimes& times,
                         bool keep_starts = false);

/// What a stage keeps of a micro-batch: from its forward to its backward, and, where the backward
/// is parted, from the input half to the weight half.
struct KeptBytes {
  Bytes for_backward;
  Bytes for_weights;
};

/// How many bytes more a rank keeps after a pass of a stage than before it.
Bytes kept_by(SlotPass pass, const KeptBytes& bytes);

/// Most bytes that `rank` keeps at one time; `kept` by stage.
Bytes peak_in_flight(const ScheduleOrder& order, std::size_t rank,
                     const std::vector<KeptBytes>& kept);

}  // namespace fastpath
