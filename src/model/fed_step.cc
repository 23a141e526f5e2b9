#include "model/fed_step.h"

#include <algorithm>
#include <cmath>

#include "model/input_pipeline.h"

namespace fastpath {
namespace {

std::int64_t rows_of(const Workload& workload) {
  for (const Dim& dim : workload.dims) {
    if (dim.kind == DimKind::batch) return dim.size;
  }
  return 1;
}

FedEpoch fed_epoch(const EpochFeed& feed, const FedStep& step) {
  FedEpoch epoch;
  epoch.feed = feed;
  // Never below the step's own time by a rounding of their quotient.
  epoch.step = std::max(step.compute, Seconds{step.samples / feed.rate.base()});
  epoch.stall = epoch.step - step.compute;
  return epoch;
}

}  // namespace

Result<FedStep> fed_step(const Workload& workload, const Plan& plan, Seconds step,
                         InputPipeline pipeline) {
  FedStep result;
  const std::int64_t rows = rows_of(workload);
  pipeline.accelerators = std::clamp<std::int64_t>(plan.data_parallel, 1, rows);
  pipeline.batch = std::max<std::int64_t>(1, rows / pipeline.accelerators);
  pipeline.compute = step;
  const Result<Feed> answer = feed(pipeline);
  if (!answer) return failure(answer.error());
  result.samples = static_cast<double>(pipeline.batch * pipeline.accelerators);
  result.compute = step;
  result.pipeline = pipeline;
  result.first = fed_epoch(answer->first, result);
  result.later = fed_epoch(answer->later, result);
  result.feed = *answer;
  return result;
}

}  // namespace fastpath
