#include "lower/block_key.h"

#include <functional>

#include "lower/pipeline.h"

namespace fastpath {
namespace {

/// Fields that only time or place blocks: schedules, stages, and what happens between steps.
void forget_the_step(Plan& plan) {
  const Plan standard;
  plan.micro_batch = standard.micro_batch;
  plan.schedule = standard.schedule;
  plan.virtual_stages = standard.virtual_stages;
  plan.first_stage_layers = standard.first_stage_layers;
  plan.last_stage_layers = standard.last_stage_layers;
  plan.ends_are_layers = standard.ends_are_layers;
  plan.overlap_gradients = standard.overlap_gradients;
  plan.overlap_weights = standard.overlap_weights;
  plan.optimizer = standard.optimizer;
  plan.master_weights = standard.master_weights;
  plan.step_in_backward = standard.step_in_backward;
  plan.offload.optimizer = standard.offload.optimizer;
}

/// Fields that say nothing without another one.
void forget_what_has_no_effect(Plan& plan) {
  const Plan standard;
  if (plan.zero_stage < 2) {
    plan.zero_stage = 0;
    plan.shard = standard.shard;
  }
  if (plan.zero_stage < 3) {
    plan.reshard = standard.reshard;
    plan.prefetch = standard.prefetch;
  }
  plan.recompute_layers = recomputes_part(plan) ? 1 : 0;
  if (plan.context_parallel == 1) plan.context_exchange = standard.context_exchange;
  const bool over_tensor = plan.expert_tensor_parallel == 1 && plan.tensor_parallel > 1;
  const bool dealt_out = plan.expert_parallel > 1 || over_tensor;
  if (!dealt_out || plan.expert_capacity > 0) plan.expert_imbalance = standard.expert_imbalance;
  if (plan.tensor_parallel == 1) {
    plan.sequence_parallel = standard.sequence_parallel;
    plan.overlap_tensor = standard.overlap_tensor;
    plan.expert_tensor_parallel = standard.expert_tensor_parallel;
  }
  if (plan.expert_tensor_parallel == plan.tensor_parallel) {
    plan.expert_tensor_parallel = standard.expert_tensor_parallel;
  }
}

class Hash {
 public:
  template <class T>
  void mix(T value) {
    constexpr std::size_t kGolden = 0x9e3779b97f4a7c15U;
    hash_ ^= std::hash<T>{}(value) + kGolden + (hash_ << 6U) + (hash_ >> 2U);
  }

  void mix(const std::optional<NumberFormat>& format) {
    mix(format ? static_cast<int>(*format) : -1);
  }

  std::size_t value() const { return hash_; }

 private:
  std::size_t hash_ = 0;
};

}  // namespace

BlockKey block_key(const Plan& plan, std::int64_t rows) {
  BlockKey key{plan, rows};
  forget_the_step(key.plan);
  forget_what_has_no_effect(key.plan);
  // Pipeline ranks matter to a block only where another axis lies outside them.
  if (key.plan.order.back() == MeshAxis::pipeline) key.plan.pipeline_parallel = 1;
  return key;
}

std::size_t BlockKeyHash::operator()(const BlockKey& key) const {
  const Plan& plan = key.plan;
  Hash hash;
  for (const int value :
       {plan.tensor_parallel, plan.context_parallel, plan.expert_parallel, plan.data_parallel,
        plan.pipeline_parallel, plan.expert_tensor_parallel, plan.zero_stage, plan.shard,
        plan.prefetch, plan.recompute_layers, plan.lora_rank, plan.packed_length, plan.loss_chunks,
        static_cast<int>(plan.tables), static_cast<int>(plan.fused_tables)}) {
    hash.mix(value);
  }
  // Small fields share a word.
  unsigned bits = 0;
  for (const auto value :
       {static_cast<unsigned>(plan.sequence_parallel), static_cast<unsigned>(plan.reshard),
        static_cast<unsigned>(plan.flash_attention), static_cast<unsigned>(plan.overlap_tensor),
        static_cast<unsigned>(plan.offload.activations),
        static_cast<unsigned>(plan.offload.weights), static_cast<unsigned>(plan.recompute),
        static_cast<unsigned>(plan.execution), static_cast<unsigned>(plan.context_exchange)}) {
    bits = bits * 4 + value;
  }
  hash.mix(bits);
  hash.mix(plan.expert_imbalance);
  hash.mix(plan.expert_capacity);
  hash.mix(plan.weight_format);
  hash.mix(plan.cache_format);
  hash.mix(plan.compute_format);
  hash.mix(static_cast<int>(plan.gradient_format));
  for (const MeshAxis axis : plan.order)
    hash.mix(static_cast<int>(axis));
  hash.mix(key.rows);
  return hash.value();
}

}  // namespace fastpath
