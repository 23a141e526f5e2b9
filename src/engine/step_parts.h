/// One step of an inference workload by the parts that serving engines run differently.
#pragma once

#include "fastpath/plan.h"
#include "fastpath/prediction.h"
#include "fastpath/result.h"
#include "fastpath/system.h"
#include "fastpath/workload.h"

#include "ir/serving.h"

namespace fastpath {

/// A step and its parts. `parts` sums to `step`: operators of the slowest pipeline rank less their
/// launches, their launches, and as network all that is left (collectives, waiting for stages).
struct StepParts {
  Seconds step;
  PartTimes parts{};
  PartTimes attention{};  ///< what of `parts` is attention's, its launches included
  MemoryByClass memory;   ///< of the fullest rank
  Bytes capacity;         ///< of a device; 0 = not known
  std::optional<Joules> energy;
  std::optional<Dollars> cost;
  Seconds speed_of_light;  ///< the same work at data-sheet peaks, nothing overlapping
  Seconds compute_bound;   ///< time of operators that arithmetic limits
};

/// Fails on what `predict` fails on.
Result<StepParts> step_parts(const Workload& workload, const System& system, const Plan& plan);

}  // namespace fastpath
