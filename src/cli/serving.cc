#include "cli/serving.h"

#include <algorithm>
#include <utility>

namespace fastpath::cli {
namespace {

StepRequest request_of(const StepShape& shape) {
  StepRequest request;
  request.phase = shape.phase;
  request.batch = shape.batch;
  request.sequence = shape.sequence;
  request.past = shape.past;
  return request;
}

}  // namespace

StepSource step_source(const Sources& sources, const std::string& model, const System& system,
                       const Plan& plan) {
  return [&sources, model, system, plan](const StepShape& shape) -> Result<StepParts> {
    const Result<Imported<Workload>> workload = sources.workload(model, request_of(shape));
    if (!workload) return failure(workload.error());
    return step_parts(workload->value, system, plan);
  };
}

namespace {

/// Draft layers executed, between the model's first and last segments where `whole`.
Workload drafts_of(Workload workload, bool whole) {
  std::vector<Segment> segments;
  std::vector<Segment> drafts;
  for (Segment one : workload.segments) {
    if (one.use == SegmentUse::executed) segments.push_back(one);
    if (one.use != SegmentUse::draft) continue;
    one.use = SegmentUse::executed;
    drafts.push_back(one);
  }
  // A step proposes one token: layers beyond the first are for tokens further ahead.
  if (drafts.size() > 1) drafts.resize(1);
  workload.segments.clear();
  if (whole && segments.size() > 1) workload.segments.push_back(segments.front());
  workload.segments.insert(workload.segments.end(), drafts.begin(), drafts.end());
  if (whole && segments.size() > 1) workload.segments.push_back(segments.back());
  return workload;
}

bool has_drafts(const Workload& workload) {
  return std::any_of(workload.segments.begin(), workload.segments.end(),
                     [](const Segment& one) { return one.use == SegmentUse::draft; });
}

}  // namespace

std::shared_ptr<StepTable> draft_table(const Sources& sources, const std::string& model,
                                       const System& system, const Plan& plan) {
  const StepSource source = [&sources, model, system,
                             plan](const StepShape& shape) -> Result<StepParts> {
    const Result<Imported<Workload>> workload = sources.workload(model, request_of(shape));
    if (!workload) return failure(workload.error());
    if (!has_drafts(workload->value)) {
      return failure({.file = model}, "the model has no draft layers",
                     "name a draft model: --speculate MODEL:N");
    }
    Result<StepParts> step = step_parts(drafts_of(workload->value, true), system, plan);
    if (!step) return step;
    Result<StepParts> alone = step_parts(drafts_of(workload->value, false), system, plan);
    if (!alone) return alone;
    step->memory = alone->memory;
    return step;
  };
  return std::make_shared<StepTable>(source, plan.data_parallel);
}

std::shared_ptr<StepTable> step_table(const Sources& sources, const std::string& model,
                                      const System& system, const Plan& plan) {
  return std::make_shared<StepTable>(step_source(sources, model, system, plan), plan.data_parallel);
}

Plan served_plan(Plan plan, const std::string& text) {
  if (text.find("execution") == std::string::npos) plan.execution = Execution::graph;
  return plan;
}

}  // namespace fastpath::cli
