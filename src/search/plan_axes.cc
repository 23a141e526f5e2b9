#include "search/plan_axes.h"

#include <array>

namespace fastpath {
namespace {

template <auto... kMembers>
void copy(const Plan& from, Plan& to) {
  ((to.*kMembers = from.*kMembers), ...);
}

bool shards(const Plan& plan) { return plan.data_parallel * plan.context_parallel > 1; }
bool splits_tensors(const Plan& plan) { return plan.tensor_parallel > 1; }
bool splits_contexts(const Plan& plan) { return plan.context_parallel > 1; }
bool pipelines(const Plan& plan) { return plan.pipeline_parallel > 1; }
bool gathers_weights(const Plan& plan) { return shards(plan) && plan.zero_stage == 3; }
bool has_sharded_states(const Plan& plan) { return shards(plan) && plan.zero_stage > 0; }

constexpr auto kAxes = std::to_array<PlanAxis>({
    {"tp", copy<&Plan::tensor_parallel>},
    {"cp", copy<&Plan::context_parallel>},
    {"pp", copy<&Plan::pipeline_parallel>},
    {"dp", copy<&Plan::data_parallel>},
    {"ep", copy<&Plan::expert_parallel>},
    {"etp", copy<&Plan::expert_tensor_parallel>},
    {"order", copy<&Plan::order>},
    {"micro_batch", copy<&Plan::micro_batch>},
    {"sp", copy<&Plan::sequence_parallel>, splits_tensors},
    {"cp_exchange", copy<&Plan::context_exchange>, splits_contexts},
    {"attention", copy<&Plan::flash_attention>},
    {"weights", copy<&Plan::weight_format>},
    {"cache", copy<&Plan::cache_format>},
    {"compute", copy<&Plan::compute_format>},
    {"gradients", copy<&Plan::gradient_format>},
    {"execution", copy<&Plan::execution>},
    {"packed", copy<&Plan::packed_length>},
    {"lora", copy<&Plan::lora_rank>},
    {"imbalance", copy<&Plan::expert_imbalance>},
    {"capacity", copy<&Plan::expert_capacity>},
    {"overlap_tp", copy<&Plan::overlap_tensor>, splits_tensors},
    {"loss_chunks", copy<&Plan::loss_chunks>},
    {"recompute", copy<&Plan::recompute, &Plan::recompute_layers>},
    {"offload", copy<&Plan::offload>},
    {"zero", copy<&Plan::zero_stage>, shards},
    {"shard", copy<&Plan::shard>, has_sharded_states},
    {"reshard", copy<&Plan::reshard>, gathers_weights},
    {"prefetch", copy<&Plan::prefetch>, gathers_weights},
    {"ends_are_layers", copy<&Plan::ends_are_layers>, pipelines},
    {"first_stage", copy<&Plan::first_stage_layers>, pipelines},
    {"last_stage", copy<&Plan::last_stage_layers>, pipelines},
    {"schedule", copy<&Plan::schedule, &Plan::virtual_stages>},
    {"master", copy<&Plan::master_weights>},
    {"step_in_backward", copy<&Plan::step_in_backward>},
    {"optimizer", copy<&Plan::optimizer>},
    {"overlap", copy<&Plan::overlap_gradients>, shards},
    {"overlap_weights", copy<&Plan::overlap_weights>, has_sharded_states},
});

}  // namespace

std::span<const PlanAxis> plan_axes() { return kAxes; }

}  // namespace fastpath
