/// Training steps behind an input pipeline, batch by batch, and what that looks like.
#pragma once

#include <cstdint>

#include "fastpath/timeline.h"

#include "model/fed_step.h"

namespace fastpath {

struct FedRunOptions {
  std::int64_t steps = 200;
  std::uint64_t seed = 1;  ///< of what batches take
};

/// Each data rank has a queue of `prefetch` batches that its share of the pipeline fills; a step
/// starts when all ranks have a batch. What a batch takes is log-normal with the pipeline's
/// variation. Where nothing varies, the mean step is that of fed_step.
FedRun simulate_fed(const FedStep& step, const FedEpoch& epoch, const FedRunOptions& options = {});

/// The steady state as one period: the step's spans behind their wait for samples, which is a span
/// on each rank's first lane, and a lane for each stage of the pipeline that makes the next batch.
Timeline with_input(Timeline timeline, const FedStep& step, const FedEpoch& epoch);

}  // namespace fastpath
