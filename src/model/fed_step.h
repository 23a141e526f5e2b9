/// A training step that an input pipeline feeds: it takes as long as the slower of the two.
#pragma once

#include <cstdint>

#include "fastpath/plan.h"
#include "fastpath/quantity.h"
#include "fastpath/result.h"
#include "fastpath/workload.h"

#include "ir/input_pipeline.h"

namespace fastpath {

struct FedEpoch {
  EpochFeed feed;  ///< its accelerators are the plan's data ranks
  Seconds step;    ///< waiting included
  Seconds stall;   ///< of it: the devices wait for samples
};

struct FedStep {
  InputPipeline pipeline;  ///< with the step's batch and time, and the plan's data ranks
  double samples = 0;      ///< of a step, on all devices
  Seconds compute;         ///< of a step whose samples are there
  Feed feed;
  FedEpoch first;
  FedEpoch later;
};

/// Steps of training that wait for their samples, simulated one by one.
struct FedRun {
  std::int64_t steps = 0;
  Seconds step;   ///< mean, from the first step's end on
  Seconds stall;  ///< mean of it
  Seconds first;  ///< wait of the first step: the pipeline is empty
};

/// `step`: of the workload under `plan` when its samples are there; a sample is a row of its batch.
/// Every data rank takes its rows from the pipeline, and one that waits stalls all. What the
/// pipeline says of batch, compute and accelerators does not matter. Fails on values out of their
/// range.
Result<FedStep> fed_step(const Workload& workload, const Plan& plan, Seconds step,
                         InputPipeline pipeline);

}  // namespace fastpath
