#include "cli/serving.h"

#include <utility>

namespace fastpath::cli {

StepSource step_source(const Sources& sources, const std::string& model, const System& system,
                       const Plan& plan) {
  return [&sources, model, system, plan](const StepShape& shape) -> Result<StepParts> {
    StepRequest request;
    request.phase = shape.phase;
    request.batch = shape.batch;
    request.sequence = shape.sequence;
    request.past = shape.past;
    const Result<Imported<Workload>> workload = sources.workload(model, request);
    if (!workload) return failure(workload.error());
    return step_parts(workload->value, system, plan);
  };
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
