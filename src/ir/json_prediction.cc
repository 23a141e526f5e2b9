#include "ir/json.h"
#include "ir/json_archive.h"

namespace fastpath {
namespace {

constexpr std::string_view kSchema = "fastpath.prediction/1";

}  // namespace

template <class A, Describes<Estimate<Seconds>> T>
void describe(A& archive, T& estimate) {
  auto& [value, low, high] = estimate;
  archive("value", value);
  archive("low", low);
  archive("high", high);
}

template <class A, Describes<TimeByBound> T>
void describe(A& archive, T& times) {
  for (const auto& [name, bound] : names_of(Bound{}))
    archive(name.data(), times[static_cast<std::size_t>(bound)]);
}

template <class A, Describes<MemoryByClass> T>
void describe(A& archive, T& memory) {
  auto& [weights, gradients, optimizer, activations, cache, workspace, overhead] = memory;
  archive("weights_B", weights);
  archive("gradients_B", gradients);
  archive("optimizer_B", optimizer);
  archive("activations_B", activations);
  archive("cache_B", cache);
  archive("workspace_B", workspace);
  archive("overhead_B", overhead);
}

template <class A, Describes<Remedy> T>
void describe(A& archive, T& remedy) {
  auto& [change, needed, step] = remedy;
  archive("change", change);
  archive("needed_B", needed);
  archive("step_s", step);
}

template <class A, Describes<OutOfMemory> T>
void describe(A& archive, T& out) {
  auto& [role, needed, available, remedies] = out;
  archive("role", role);
  archive("needed_B", needed);
  archive("available_B", available);
  archive("remedies", remedies);
}

template <class A, Describes<OperatorRow> T>
void describe(A& archive, T& row) {
  auto& [block, op, pass, collective, bound, count, time, work, traffic, kernel, format] = row;
  archive("block", block);
  archive("op", op);
  archive("pass", pass);
  archive("collective", collective);
  archive("bound", bound);
  archive("count", count);
  archive("time_s", time);
  archive("work_FLOP", work);
  archive("traffic_B", traffic);
  archive("kernel", kernel);
  archive("compute_format", format);
}

template <class A, Describes<Elasticity> T>
void describe(A& archive, T& elasticity) {
  auto& [resource, value] = elasticity;
  archive("resource", resource);
  archive("value", value);
}

template <class A, Describes<Prediction> T>
void describe(A& archive, T& prediction) {
  auto& [phase, step, extrapolated, by_bound, model_work, executed_work, mfu, items_per_second,
         item, devices, micro_batches, memory, out_of_memory, exposed, energy, cost, operators,
         elasticities] = prediction;
  archive("phase", phase);
  archive("step_s", step);
  archive("extrapolated", extrapolated);
  archive("by_bound_s", by_bound);
  archive("model_work_FLOP", model_work);
  archive("executed_work_FLOP", executed_work);
  archive("mfu", mfu);
  archive("items_per_s", items_per_second);
  archive("item", item);
  archive("devices", devices);
  archive("micro_batches", micro_batches);
  archive("memory", memory);
  archive("out_of_memory", out_of_memory);
  archive("exposed_communication_s", exposed);
  archive("energy_J", energy);
  archive("cost_USD", cost);
  archive("operators", operators);
  archive("elasticities", elasticities);
}

std::string to_json_text(const Prediction& prediction) {
  return document_text(kSchema, JsonOut::value(prediction), 2);
}

Result<Prediction> prediction_from_json(std::string_view text, const std::string& file) {
  return read_document<Prediction>(text, file, kSchema, [](const Prediction&, JsonMistakes&) {});
}

}  // namespace fastpath
