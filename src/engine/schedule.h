/// Pipeline schedules: the order in which each rank works, and the recurrence that times it.
#pragma once

#include <cstdint>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/quantity.h"

namespace fastpath {

/// One unit of a rank's work: a pass of one micro-batch through one of its chunks.
struct Slot {
  std::int32_t stage = 0;  ///< chunk x ranks + rank
  std::int32_t micro_batch = 0;
  bool backward = false;
};

/// What a schedule does, whatever the times: [rank][position].
struct ScheduleOrder {
  std::vector<std::vector<Slot>> ranks;
};

/// GPipe: all forwards, then all backwards. 1F1B (arXiv 1806.03377, 2104.04473): rank r warms up
/// with p - 1 - r forwards, then alternates. Interleaved (arXiv 2104.04473): chunks in turns of p
/// micro-batches. Without `training` there are forwards only.
ScheduleOrder order_of(const Plan& plan, std::int64_t micro_batches, bool training);

/// Times of each stage's passes for one micro-batch, and of sending on to the next stage.
struct StageTimes {
  std::vector<Seconds> forward;
  std::vector<Seconds> backward;
  std::vector<Seconds> send;
};

struct ScheduleRun {
  std::vector<Seconds> end;                  ///< by rank: of its last slot
  std::vector<std::vector<Seconds>> starts;  ///< [rank][position], when asked for
};

/// A slot starts when its rank is free and its input has arrived. Every order that order_of makes
/// can run to its end.
ScheduleRun run_schedule(const ScheduleOrder& order, const StageTimes& times,
                         bool keep_starts = false);

/// Largest sum of `kept[stage]` over the micro-batches in flight on `rank`.
Bytes peak_in_flight(const ScheduleOrder& order, std::size_t rank, const std::vector<Bytes>& kept);

}  // namespace fastpath
