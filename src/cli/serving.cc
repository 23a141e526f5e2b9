#include "cli/serving.h"

#include <algorithm>
#include <utility>

#include "cli/speculation.h"

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
                       const Plan& plan, const ServedAdapters& adapters) {
  return [&sources, model, system, plan, adapters](const StepShape& shape) -> Result<StepParts> {
    Result<Imported<Workload>> workload = sources.workload(model, request_of(shape));
    if (!workload) return failure(workload.error());
    serve_adapters(workload->value, adapters);
    return step_parts(workload->value, system, plan);
  };
}

std::shared_ptr<StepTable> draft_table(const Sources& sources, const std::string& draft,
                                       const std::string& model, const System& system,
                                       const Plan& plan) {
  const StepSource source = [&sources, draft, model, system,
                             plan](const StepShape& shape) -> Result<StepParts> {
    const auto whole = draft_workload(sources, draft, model, request_of(shape));
    if (!whole) return failure(whole.error());
    Result<StepParts> step = step_parts(*whole, system, plan);
    if (!step) return step;
    const auto alone = draft_workload(sources, draft, model, request_of(shape), true);
    if (!alone) return failure(alone.error());
    const Result<StepParts> added = step_parts(*alone, system, plan);
    if (!added) return failure(added.error());
    step->memory = added->memory;
    return step;
  };
  return std::make_shared<StepTable>(source, plan.data_parallel);
}

std::shared_ptr<StepTable> step_table(const Sources& sources, const std::string& model,
                                      const System& system, const Plan& plan,
                                      const ServedAdapters& adapters) {
  return std::make_shared<StepTable>(step_source(sources, model, system, plan, adapters),
                                     plan.data_parallel);
}

Result<Bytes> adapter_bytes(const Sources& sources, const std::string& model, const System& system,
                            const Plan& plan, std::int64_t rank) {
  const StepShape one{Phase::decode, plan.data_parallel, 1, 1};
  const auto bare = step_source(sources, model, system, plan)(one);
  if (!bare) return failure(bare.error());
  const auto adapted = step_source(sources, model, system, plan, {1, rank})(one);
  if (!adapted) return failure(adapted.error());
  return adapted->memory.weights - bare->memory.weights;
}

Bytes narrowest_matrix(const Sources& sources, const std::string& model) {
  StepRequest request;
  request.phase = Phase::decode;
  const auto workload = sources.workload(model, request);
  if (!workload) return {};
  Bytes least = bytes_per_element(NumberFormat::fp32);
  for (const Block& block : workload->value.blocks) {
    for (const Tensor& tensor : block.tensors) {
      const bool resident =
          tensor.role == TensorRole::weight || tensor.role == TensorRole::constant;
      if (resident && tensor.axes.size() > 1)
        least = std::min(least, bytes_per_element(tensor.format));
    }
  }
  return least;
}

void keep_own_formats(Bytes narrowest, Plan& plan) {
  if (!plan.weight_format || narrowest > bytes_per_element(*plan.weight_format)) return;
  plan.weight_format.reset();
  plan.compute_format.reset();
}

Plan served_plan(Plan plan, const std::string& text) {
  if (text.find("execution") == std::string::npos) plan.execution = fastpath::Execution::graph;
  return plan;
}

}  // namespace fastpath::cli
