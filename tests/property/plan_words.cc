// Laws of the words that refine a parallelism: what each costs, saves and derives.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fastpath/fastpath.h"

#include "engine/sharding.h"
#include "ir/semantics.h"
#include "lower/block_key.h"
#include "lower/mesh.h"
#include "lower/update.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

using testing::decoder;
using testing::round_system;

constexpr std::size_t kLayer = 1;

const BlockProgram& layer_of(const Program& program) { return program.blocks[kLayer]; }

Program lowered(const Workload& workload, const Plan& plan) {
  Result<Program> program = lower(workload, plan);
  EXPECT_TRUE(program.has_value()) << program.error()[0].what;
  return program ? *program : Program{};
}

Prediction predicted(const Workload& workload, const Plan& plan) {
  const Result<Prediction> prediction = predict(workload, round_system(8, 8), plan);
  EXPECT_TRUE(prediction.has_value()) << prediction.error()[0].what;
  return prediction ? *prediction : Prediction{};
}

/// The only mistake of a plan, as "what | hint".
std::string mistake(const Workload& workload, const Plan& plan) {
  const Result<Program> program = lower(workload, plan);
  if (program) return "legal";
  return program.error()[0].what + " | " + program.error()[0].hint;
}

double sent(const std::vector<Task>& tasks, Collective collective, MeshAxis axis) {
  double sum = 0;
  for (const Task& task : tasks) {
    if (task.collective == collective && task.axis == axis) sum += task.payload.base();
  }
  return sum;
}

int count_of(const std::vector<Task>& tasks, Collective collective) {
  return static_cast<int>(std::count_if(
      tasks.begin(), tasks.end(), [&](const Task& task) { return task.collective == collective; }));
}

Flops work_of(const std::vector<Task>& tasks) {
  Flops sum;
  for (const Task& task : tasks)
    sum += task.shape.work;
  return sum;
}

// ZeRO and hybrid sharding.

TEST(zero, hybrid_shards_split_the_data_ranks_into_neighbours_and_replicas) {
  Plan plan;
  plan.tensor_parallel = 2;
  plan.data_parallel = 8;
  plan.shard = 4;
  const Mesh mesh = mesh_of(plan);
  const StateGroups groups = state_groups(plan, mesh, false);
  EXPECT_EQ(groups.shard, (Group{4, 2}));
  EXPECT_EQ(groups.replicas, (Group{2, 8}));
  plan.expert_parallel = 2;
  const StateGroups experts = state_groups(plan, mesh_of(plan), true);
  EXPECT_EQ(experts.shard, (Group{2, 4}));
  EXPECT_EQ(experts.replicas, (Group{2, 8}));
}

RC_GTEST_PROP(zero, shard_and_replicas_are_all_ranks_that_hold_a_parameter, ()) {
  Plan plan;
  plan.context_parallel = 1 << *rc::gen::inRange(0, 2);
  plan.data_parallel = 1 << *rc::gen::inRange(0, 5);
  plan.expert_parallel = std::min(plan.data_parallel, 1 << *rc::gen::inRange(0, 3));
  plan.shard = std::min(plan.data_parallel, 1 << *rc::gen::inRange(0, 5));
  const Mesh mesh = mesh_of(plan);
  const StateGroups dense = state_groups(plan, mesh, false);
  const StateGroups experts = state_groups(plan, mesh, true);
  const std::int64_t ranks = std::int64_t{plan.context_parallel} * plan.data_parallel;
  RC_ASSERT(dense.shard.size * dense.replicas.size == ranks);
  RC_ASSERT(experts.shard.size * experts.replicas.size == ranks / plan.expert_parallel);
  RC_ASSERT(dense.shard.size == std::int64_t{plan.context_parallel} * plan.shard);
}

/// Bytes that a rank sends in a step and a layer for its states, by the field's table (arXiv
/// 1910.02054, section 7; arXiv 2304.11277, section 3.2.2).
double state_traffic(const Plan& plan) {
  const Program program = lowered(decoder({.batch = 64}), plan);
  const BlockProgram& layer = layer_of(program);
  const auto over = [](const Task& task) {
    const double ranks = static_cast<double>(task.group.size);
    const double rounds = task.collective == Collective::all_reduce ? 2 : 1;
    return rounds * (ranks - 1) / ranks * task.payload.base();
  };
  double sum = 0;
  for (const auto* tasks : {&layer.gathers, &layer.regathers, &layer.scatters}) {
    for (const Task& task : *tasks)
      sum += static_cast<double>(program.micro_batches) * over(task);
  }
  for (const Task& task : reduction_tasks(plan, mesh_of(plan), layer.memory))
    sum += over(task);
  for (const Task& task : gather_tasks(plan, mesh_of(plan), layer.memory))
    sum += over(task);
  return sum;
}

TEST(zero, traffic_of_each_stage_follows_the_published_table) {
  Plan plan;
  plan.data_parallel = 8;
  plan.micro_batch = 4;
  const double parameters = lowered(decoder({.batch = 64}), plan).blocks[kLayer].memory.parameters;
  const double share = 7.0 / 8;
  const double micro_batches = 2;
  EXPECT_DOUBLE_EQ(state_traffic(plan), 2 * share * parameters * 4);
  plan.zero_stage = 1;
  EXPECT_DOUBLE_EQ(state_traffic(plan), share * parameters * (4 + 2));
  plan.zero_stage = 2;
  EXPECT_DOUBLE_EQ(state_traffic(plan), share * parameters * (micro_batches * 4 + 2));
  plan.zero_stage = 3;
  EXPECT_DOUBLE_EQ(state_traffic(plan), share * parameters * micro_batches * (2 * 2 + 4));
  plan.reshard = false;
  EXPECT_DOUBLE_EQ(state_traffic(plan), share * parameters * micro_batches * (2 + 4));
  plan.reshard = true;
  plan.shard = 4;
  EXPECT_DOUBLE_EQ(state_traffic(plan),
                   3.0 / 4 * parameters * micro_batches * (2 * 2 + 4) + parameters / 4 * 4);
  plan.gradient_format = NumberFormat::bf16;
  EXPECT_DOUBLE_EQ(state_traffic(plan),
                   3.0 / 4 * parameters * micro_batches * (2 * 2 + 2) + parameters / 4 * 2);
}

TEST(zero, a_smaller_shard_keeps_more_and_a_larger_one_less) {
  Plan plan;
  plan.data_parallel = 8;
  plan.zero_stage = 3;
  const Workload workload = decoder({.batch = 64});
  const MemoryByClass all = predicted(workload, plan).memory[0];
  plan.shard = 2;
  const MemoryByClass two = predicted(workload, plan).memory[0];
  EXPECT_DOUBLE_EQ(two.weights.base(), 4 * all.weights.base());
  EXPECT_DOUBLE_EQ(two.optimizer.base(), 4 * all.optimizer.base());
  plan.shard = 8;
  EXPECT_EQ(predicted(workload, plan).memory[0].weights, all.weights);
}

TEST(zero, kept_weights_cost_their_memory_and_save_a_gather) {
  Plan plan;
  plan.data_parallel = 8;
  plan.zero_stage = 3;
  const Workload workload = decoder({.batch = 64});
  const Prediction again = predicted(workload, plan);
  plan.reshard = false;
  const Prediction kept = predicted(workload, plan);
  EXPECT_GT(kept.memory[0].workspace, again.memory[0].workspace);
  EXPECT_LT(kept.step.value, again.step.value);
}

RC_GTEST_PROP(zero, prefetching_never_slows_a_pass_and_no_gather_is_exposed_twice, ()) {
  std::vector<ShardedPass> passes;
  Seconds gathers;
  Seconds scatters;
  const int runs = *rc::gen::inRange(1, 5);
  for (int i = 0; i < runs; ++i) {
    const auto time = [] { return Seconds{static_cast<double>(*rc::gen::inRange(0, 100))}; };
    passes.push_back({time(), time(), Seconds{}, *rc::gen::inRange(1, 5)});
    gathers += static_cast<double>(passes.back().repeat) * passes.back().gather;
    scatters += static_cast<double>(passes.back().repeat) * passes.back().scatter;
  }
  Seconds before = exposed_sharding(passes, 0);
  RC_ASSERT(before == gathers);
  for (int prefetch = 1; prefetch < 6; ++prefetch) {
    const Seconds exposed = exposed_sharding(passes, prefetch);
    RC_ASSERT(exposed <= before);
    RC_ASSERT(exposed >= passes.front().gather);
    before = exposed;
  }
}

TEST(zero, scattered_gradients_run_under_the_next_backward_but_the_last) {
  const ShardedPass pass{Seconds{}, Seconds{10}, Seconds{4}, 5};
  EXPECT_EQ(exposed_sharding({pass}, 1), Seconds{4});
}

TEST(zero, a_plan_that_shards_nothing_is_told_so) {
  Plan plan;
  plan.data_parallel = 8;
  plan.shard = 4;
  EXPECT_EQ(mistake(decoder({.batch = 64}), plan),
            "shard needs zero=1 or more | use zero=1, or leave it out");
  plan.zero_stage = 1;
  plan.shard = 3;
  EXPECT_EQ(mistake(decoder({.batch = 64}), plan),
            "shard=3 must divide dp=8 | the nearest legal value is shard=2");
  plan.shard = 0;
  plan.reshard = false;
  EXPECT_EQ(mistake(decoder({.batch = 64}), plan),
            "reshard=false needs zero=3 | use zero=3, or leave it out");
}

RC_GTEST_PROP(zero, gathering_updated_weights_under_the_forward_never_takes_longer, ()) {
  Plan plan;
  plan.data_parallel = 1 << *rc::gen::inRange(1, 4);
  plan.pipeline_parallel = 1 << *rc::gen::inRange(0, 3);
  plan.zero_stage = *rc::gen::inRange(1, 3);
  const Workload workload = decoder({.batch = 64});
  plan.overlap_weights = false;
  const Prediction after = predicted(workload, plan);
  plan.overlap_weights = true;
  const Prediction under = predicted(workload, plan);
  RC_ASSERT(under.step.value <= after.step.value);
  RC_ASSERT(under.exposed_communication.base() > 0);
  RC_ASSERT(after.step.value - under.step.value <= after.exposed_communication + Seconds{1e-12});
}

// Experts.

TEST(experts, dispatch_and_combine_move_what_the_formula_says_each_way) {
  Plan plan;
  plan.data_parallel = 4;
  plan.expert_parallel = 4;
  const Program program = lowered(decoder({.experts = 8}), plan);
  // s b k h w bytes are held; (e - 1) / e of them are sent (arXiv 2006.16668, section 3.2).
  const double held = 256.0 * 1 * 2 * 512 * 2;
  EXPECT_DOUBLE_EQ(sent(layer_of(program).forward, Collective::all_to_all, MeshAxis::expert),
                   2 * held);
  EXPECT_DOUBLE_EQ(sent(layer_of(program).backward, Collective::all_to_all, MeshAxis::expert),
                   2 * held);
}

RC_GTEST_PROP(experts, the_most_loaded_rank_sets_the_rows_and_the_bytes, ()) {
  Plan plan;
  plan.data_parallel = 4;
  plan.expert_parallel = 4;
  const Workload workload = decoder({.experts = 8});
  const Program even = lowered(workload, plan);
  plan.expert_imbalance = 1 + *rc::gen::inRange(0, 20) / 10.0;
  const Program loaded = lowered(workload, plan);
  const auto bytes = [](const Program& p) {
    return sent(layer_of(p).forward, Collective::all_to_all, MeshAxis::expert);
  };
  RC_ASSERT(std::abs(bytes(loaded) / bytes(even) - plan.expert_imbalance) < 1e-9);
  RC_ASSERT(work_of(layer_of(loaded).forward) >= work_of(layer_of(even).forward));
  RC_ASSERT(predicted(workload, plan).step.value.base() > 0);
}

TEST(experts, imbalance_between_experts_of_one_rank_changes_nothing) {
  Plan plan;
  plan.data_parallel = 4;
  const Workload workload = decoder({.experts = 8});
  const Seconds even = predicted(workload, plan).step.value;
  plan.expert_imbalance = 2;
  EXPECT_EQ(predicted(workload, plan).step.value, even);
}

TEST(experts, capacity_pads_above_the_mean_and_drops_below_it) {
  Plan plan;
  plan.data_parallel = 4;
  plan.expert_parallel = 4;
  const Workload workload = decoder({.experts = 8});
  const auto grouped = [&](double capacity) {
    plan.expert_capacity = capacity;
    double work = 0;
    for (const Task& task : layer_of(lowered(workload, plan)).forward) {
      if (task.shape.kind == OpKind::grouped_matmul) work += task.shape.work.base();
    }
    return work;
  };
  const double dropless = grouped(0);
  EXPECT_DOUBLE_EQ(grouped(1), dropless);
  EXPECT_DOUBLE_EQ(grouped(1.25), 1.25 * dropless);
  EXPECT_DOUBLE_EQ(grouped(0.5), 0.5 * dropless);
}

TEST(experts, unshared_experts_are_dealt_out_over_tensor_ranks_too) {
  Plan plan;
  plan.tensor_parallel = 2;
  plan.sequence_parallel = true;
  plan.data_parallel = 2;
  plan.expert_parallel = 2;
  const Workload workload = decoder({.experts = 8});
  const Program shared = lowered(workload, plan);
  plan.expert_tensor_parallel = 1;
  const Program unshared = lowered(workload, plan);
  EXPECT_DOUBLE_EQ(layer_of(unshared).memory.expert_parameters,
                   layer_of(shared).memory.expert_parameters);
  int exchanges = 0;
  for (const Task& task : layer_of(unshared).forward) {
    if (task.collective != Collective::all_to_all) continue;
    ++exchanges;
    EXPECT_EQ(task.group.size, 4);
  }
  EXPECT_EQ(exchanges, 2);
  // Each rank dispatches its own half of the sequence: no gather before, no reduction after.
  EXPECT_LT(count_of(layer_of(unshared).forward, Collective::all_gather),
            count_of(layer_of(shared).forward, Collective::all_gather));
}

TEST(experts, what_experts_cannot_do_is_told_with_what_they_can) {
  Plan plan;
  plan.tensor_parallel = 4;
  plan.expert_tensor_parallel = 2;
  EXPECT_EQ(mistake(decoder({.experts = 8}), plan),
            "etp=2: tensor ranks share an expert's weights all or none | use etp=1 or etp=4");
  plan.expert_tensor_parallel = 1;
  EXPECT_EQ(mistake(decoder({.experts = 8}), plan),
            "etp=1 with tp=4 needs sp: each tensor rank routes its own tokens | add sp, or leave "
            "etp out");
  plan.sequence_parallel = true;
  plan.data_parallel = 4;
  plan.expert_parallel = 4;
  EXPECT_EQ(mistake(decoder({.experts = 8}), plan),
            "etp=1 deals the 8 experts out over ep x tp = 16 ranks, which does not divide them | "
            "the nearest legal value is ep=2");
  Plan dense;
  dense.expert_capacity = 1;
  EXPECT_EQ(mistake(decoder(), dense), "capacity: 'tiny-decoder' has no experts | leave it out");
}

// Context parallelism.

TEST(context, a_ring_passes_every_other_share_once_each_way_and_the_gradients_with_them) {
  Plan plan;
  plan.context_parallel = 4;
  plan.context_exchange = ContextExchange::ring;
  const Program program = lowered(decoder(), plan);
  // 2 (s / c) b a_kv d w of keys and values in each of c - 1 steps; the backward twice that.
  const double step = 2 * (256.0 / 4) * 1 * 4 * 64 * 2;
  const BlockProgram& layer = layer_of(program);
  EXPECT_EQ(count_of(layer.forward, Collective::send_recv), 3);
  EXPECT_DOUBLE_EQ(sent(layer.forward, Collective::send_recv, MeshAxis::context), 3 * step);
  EXPECT_DOUBLE_EQ(sent(layer.backward, Collective::send_recv, MeshAxis::context), 3 * 2 * step);
  EXPECT_EQ(count_of(layer.forward, Collective::all_gather), 0);
  EXPECT_EQ(count_of(layer.backward, Collective::reduce_scatter), 0);
}

TEST(context, heads_are_exchanged_for_tokens_four_times_each_way) {
  Plan plan;
  plan.context_parallel = 4;
  plan.context_exchange = ContextExchange::all_to_all;
  const BlockProgram layer = layer_of(lowered(decoder(), plan));
  EXPECT_EQ(count_of(layer.forward, Collective::all_to_all), 4);
  EXPECT_EQ(count_of(layer.backward, Collective::all_to_all), 4);
  EXPECT_EQ(count_of(layer.forward, Collective::all_gather), 0);
}

TEST(context, an_exchange_moves_work_nowhere) {
  Plan plan;
  plan.context_parallel = 4;
  const Flops gathered = work_of(layer_of(lowered(decoder(), plan)).forward);
  for (const ContextExchange exchange : {ContextExchange::ring, ContextExchange::all_to_all}) {
    plan.context_exchange = exchange;
    EXPECT_NEAR(work_of(layer_of(lowered(decoder(), plan)).forward) / gathered, 1, 1e-12);
  }
}

TEST(context, exchanges_that_cannot_be_name_the_nearest_that_can) {
  Plan plan;
  plan.context_parallel = 8;
  plan.context_exchange = ContextExchange::all_to_all;
  EXPECT_EQ(mistake(decoder(), plan),
            "cp_exchange=ulysses splits 8 heads and 4 kv_heads over cp x tp = 8 ranks | the "
            "nearest legal value is cp=4");
  plan.context_parallel = 4;
  plan.context_exchange = ContextExchange::ring;
  EXPECT_EQ(mistake(decoder({.seq = 36}), plan),
            "cp_exchange=ring gives each rank an early and a late piece of the sequence: 36 tokens "
            "are not 8 equal pieces | the nearest legal value is cp=3");
}

// Tensor-parallel overlap.

TEST(tensor_overlap, tiles_keep_the_work_and_the_bytes) {
  Plan plan;
  plan.tensor_parallel = 4;
  plan.sequence_parallel = true;
  const BlockProgram whole = layer_of(lowered(decoder(), plan));
  plan.overlap_tensor = true;
  const BlockProgram tiled = layer_of(lowered(decoder(), plan));
  EXPECT_NEAR(work_of(tiled.forward) / work_of(whole.forward), 1, 1e-12);
  const double gathered = sent(whole.forward, Collective::all_gather, MeshAxis::tensor) +
                          sent(whole.forward, Collective::reduce_scatter, MeshAxis::tensor);
  const double left = sent(tiled.forward, Collective::all_gather, MeshAxis::tensor) +
                      sent(tiled.forward, Collective::reduce_scatter, MeshAxis::tensor);
  const double steps = sent(tiled.forward, Collective::send_recv, MeshAxis::tensor);
  // A gather of P bytes over t ranks is t - 1 messages of P / t.
  EXPECT_NEAR(steps, (gathered - left) * 3 / 4, 1e-6);
  EXPECT_EQ(left, 0);
}

TEST(tensor_overlap, slow_links_are_hidden_under_large_matmuls) {
  Plan plan;
  plan.tensor_parallel = 4;
  plan.sequence_parallel = true;
  plan.micro_batch = 8;
  const Workload workload = decoder({.batch = 8, .seq = 4096, .hidden = 4096, .ffn = 16384});
  const Prediction exposed = predicted(workload, plan);
  plan.overlap_tensor = true;
  const Prediction hidden = predicted(workload, plan);
  EXPECT_LT(hidden.exposed_communication, exposed.exposed_communication);
  EXPECT_LT(hidden.step.value, exposed.step.value);
}

TEST(tensor_overlap, needs_sequence_parallelism) {
  Plan plan;
  plan.tensor_parallel = 4;
  plan.overlap_tensor = true;
  EXPECT_EQ(mistake(decoder(), plan),
            "overlap_tp tiles gathers and reductions into shares, which only sp has | add sp, or "
            "leave overlap_tp out");
}

// Compiled execution.

TEST(compiled, fusion_saves_kernels_and_traffic_but_no_work) {
  Plan plan;
  const BlockProgram eager = layer_of(lowered(decoder(), plan));
  plan.execution = Execution::compiled;
  const BlockProgram fused = layer_of(lowered(decoder(), plan));
  for (const auto member : {&BlockProgram::forward, &BlockProgram::backward}) {
    double launches[2] = {0, 0};
    Bytes traffic[2];
    const BlockProgram* programs[2] = {&eager, &fused};
    for (int i = 0; i < 2; ++i) {
      for (const Task& task : programs[i]->*member) {
        launches[i] += task.shape.launches;
        traffic[i] += task.shape.read + task.shape.write;
        if (task.shape.fused) {
          EXPECT_EQ(task.shape.read + task.shape.write, Bytes{});
        }
      }
    }
    EXPECT_LT(launches[1], launches[0]);
    EXPECT_LT(traffic[1], traffic[0]);
    EXPECT_NEAR(work_of(fused.*member) / work_of(eager.*member), 1, 1e-12);
  }
}

TEST(compiled, a_norm_runs_in_the_kernel_of_the_sum_before_it) {
  Plan plan;
  plan.execution = Execution::compiled;
  const Program program = lowered(decoder(), plan);
  for (const Task& task : layer_of(program).forward) {
    const std::string& name = program.op_names[kLayer][task.op];
    if (name == "norm2" || name == "add1") {
      EXPECT_EQ(task.shape.fused, name == "norm2");
    }
  }
}

TEST(compiled, a_captured_graph_fuses_nothing) {
  Plan plan;
  plan.execution = Execution::graph;
  for (const Task& task : layer_of(lowered(decoder(), plan)).forward)
    EXPECT_FALSE(task.shape.fused);
}

// Adapters.

TEST(lora, trains_two_factors_a_matrix_and_nothing_else) {
  Plan plan;
  plan.lora_rank = 16;
  const Program program = lowered(decoder(), plan);
  // r (in + out) for q, k, v, o, up, gate and down.
  const double hidden = 512;
  const double expected =
      16 * ((hidden + 512) + 2 * (hidden + 256) + (512 + hidden) + 3 * (hidden + 1024));
  EXPECT_DOUBLE_EQ(layer_of(program).memory.parameters, expected);
  EXPECT_EQ(program.blocks.front().memory.parameters, 0);
  EXPECT_EQ(program.blocks.back().memory.parameters, 0);
}

TEST(lora, frozen_weights_have_no_gradient_and_no_state_but_stay) {
  Plan plan;
  const Workload workload = decoder();
  const Prediction whole = predicted(workload, plan);
  plan.lora_rank = 16;
  const Prediction adapted = predicted(workload, plan);
  EXPECT_LT(adapted.memory[0].optimizer, 0.1 * whole.memory[0].optimizer);
  EXPECT_LT(adapted.memory[0].gradients, 0.1 * whole.memory[0].gradients);
  EXPECT_GT(adapted.memory[0].weights, whole.memory[0].weights);
  // Two products a matrix instead of three, and the adapters' own.
  EXPECT_LT(adapted.model_work, 0.85 * whole.model_work);
  EXPECT_GT(adapted.model_work, 2.0 / 3 * whole.model_work);
}

TEST(lora, frozen_weights_of_four_bits_are_widened_before_each_product) {
  Plan plan;
  plan.lora_rank = 16;
  const Workload workload = decoder();
  const BlockProgram wide = layer_of(lowered(workload, plan));
  plan.weight_format = NumberFormat::int4;
  const BlockProgram narrow = layer_of(lowered(workload, plan));
  EXPECT_LT(narrow.memory.weights, 0.35 * wide.memory.weights);
  // q, k, v, out, up, gate and down, each way; adapters are trained in the activations' format.
  EXPECT_EQ(narrow.forward.size(), wide.forward.size() + 7);
  EXPECT_EQ(narrow.backward.size(), wide.backward.size() + 7);
  plan.lora_rank = 0;
  EXPECT_EQ(
      mistake(workload, plan),
      "weights=int4 cannot be trained | freeze them (lora=16), or give the format of products "
      "(compute=)");
}

// Optimizers.

TEST(optimizer, state_per_parameter_is_that_of_the_papers) {
  BlockMemory memory;
  memory.parameters = 1000;
  memory.matrix_parameters = 800;
  memory.trained_weights = Bytes{2000};
  Plan plan;
  const Mesh mesh = mesh_of(plan);
  const auto state = [&](Optimizer optimizer, bool master) {
    plan.optimizer = optimizer;
    plan.master_weights = master;
    return optimizer_state(plan, mesh, memory).base();
  };
  EXPECT_EQ(state(Optimizer::none, true), 0);
  EXPECT_EQ(state(Optimizer::sgd, false), 0);
  EXPECT_EQ(state(Optimizer::momentum, true), 8000);
  EXPECT_EQ(state(Optimizer::adam, true), 12000);
  // Without fp32 weights moments have the weights' own two bytes.
  EXPECT_EQ(state(Optimizer::adam, false), 4000);
  EXPECT_NEAR(state(Optimizer::adam_8bit, false), 2000 * (1 + 4.0 / 2048), 1e-9);
  EXPECT_EQ(state(Optimizer::muon, true), 800 * 8 + 200 * 12);
  plan.weight_format = NumberFormat::fp32;
  EXPECT_EQ(state(Optimizer::adam, true), 8000);
  plan.weight_format.reset();
  memory.trained_weights = Bytes{4000};  // the model's own format is fp32
  EXPECT_EQ(state(Optimizer::adam, true), 8000);
}

TEST(optimizer, muon_orthogonalises_matrices_in_fifteen_products) {
  Plan plan;
  plan.optimizer = Optimizer::muon;
  const BlockMemory memory = layer_of(lowered(decoder(), plan)).memory;
  // q, out: 512 x 512; k, v: 512 x 256; up, gate, down: 512 x 1024.
  const auto work = [](double m, double n) { return 5 * (4 * m * m * n + 2 * m * m * m); };
  EXPECT_DOUBLE_EQ(memory.orthogonalisation.base(),
                   2 * work(512, 512) + 2 * work(256, 512) + 3 * work(512, 1024));
  EXPECT_EQ(memory.matrices, 7);
  const Workload workload = decoder();
  const Seconds muon = predicted(workload, plan).step.value;
  plan.optimizer = Optimizer::adam;
  EXPECT_GT(muon, predicted(workload, plan).step.value);
}

// Packed documents.

TEST(optimizer, a_step_in_the_backward_keeps_gradients_of_one_block) {
  const Workload workload = decoder();
  Plan plan;
  plan.micro_batch = 16;
  const MemoryByClass whole = predicted(workload, plan).memory[0];
  plan.step_in_backward = true;
  const MemoryByClass stepped = predicted(workload, plan).memory[0];
  EXPECT_EQ(stepped.gradients, Bytes{});
  EXPECT_LT(stepped.workspace, whole.workspace + whole.gradients);
  EXPECT_GT(stepped.workspace, whole.workspace);
  plan.micro_batch = 8;
  EXPECT_EQ(
      mistake(workload, plan),
      "step_in_backward: gradients of 2 micro-batches are summed first | raise micro_batch or "
      "dp until there is one, or leave it out");
}

TEST(loss, parts_keep_logits_of_one_part_and_take_no_other_time) {
  const Workload workload = decoder();
  Plan plan;
  const BlockProgram whole = lowered(workload, plan).blocks.back();
  plan.loss_chunks = 4;
  const BlockProgram parted = lowered(workload, plan).blocks.back();
  EXPECT_LT(parted.memory.saved, whole.memory.saved);
  EXPECT_LT(parted.memory.working, whole.memory.working);
  EXPECT_EQ(work_of(parted.forward), work_of(whole.forward));
  EXPECT_EQ(work_of(parted.backward), work_of(whole.backward));
}

/// Bytes that a layer keeps under a way to recompute.
Bytes kept_by(Recompute recompute) {
  Plan plan;
  plan.recompute = recompute;
  return layer_of(lowered(decoder(), plan)).memory.saved;
}

TEST(recompute, operators_keep_less_than_all_and_more_than_the_blocks_inputs) {
  EXPECT_LT(kept_by(Recompute::operators), kept_by(Recompute::none));
  EXPECT_GT(kept_by(Recompute::operators), kept_by(Recompute::full));
  Plan plan;
  plan.recompute = Recompute::operators;
  const BlockProgram program = layer_of(lowered(decoder(), plan));
  // Of q, k, v, out, up, gate and down the second, fourth and sixth run again; attention does not.
  int products = 0;
  for (const Task& task : program.backward) {
    if (task.pass != Pass::recompute) continue;
    EXPECT_NE(task.shape.kind, OpKind::attention);
    products += task.shape.kind == OpKind::matmul ? 1 : 0;
  }
  EXPECT_EQ(products, 3);
}

TEST(compiled, the_backward_runs_maps_and_norms_again_rather_than_keep_them) {
  Plan plan;
  const Bytes eager = layer_of(lowered(decoder(), plan)).memory.saved;
  plan.execution = Execution::compiled;
  EXPECT_LT(layer_of(lowered(decoder(), plan)).memory.saved, eager);
}

TEST(packing, documents_attend_to_themselves_only) {
  Plan plan;
  const auto attention = [&](int length) {
    plan.packed_length = length;
    for (const Task& task : layer_of(lowered(decoder(), plan)).forward) {
      if (task.shape.kind == OpKind::attention) return task.shape.work.base();
    }
    return 0.0;
  };
  const double whole = attention(0);
  EXPECT_DOUBLE_EQ(attention(256), whole);
  // Mean keys of a causal query: (length + 1) / 2.
  EXPECT_NEAR(attention(64) / whole, 65.0 / 257, 1e-12);
  plan.packed_length = 512;
  EXPECT_EQ(
      mistake(decoder(), plan),
      "packed=512: a document is longer than the sequence of 256 | the nearest legal value is "
      "packed=256");
}

// Offload.

System with_host_link(double bytes_per_second) {
  System system = round_system(8, 8);
  Figure<BytesPerSecond> link;
  link.value = BytesPerSecond{bytes_per_second};
  system.host.link = link;
  return system;
}

TEST(offload, what_waits_on_the_host_leaves_the_device) {
  const System system = with_host_link(50e9);
  const Workload workload = decoder({.batch = 64});
  const MemoryByClass all = predict(workload, system, Plan{})->memory[0];
  Plan plan;
  plan.offload.activations = true;
  const MemoryByClass activations = predict(workload, system, plan)->memory[0];
  EXPECT_EQ(activations.activations, Bytes{});
  EXPECT_GT(activations.workspace, all.workspace);
  EXPECT_LT(activations.activations + activations.workspace, all.activations + all.workspace);
  plan.offload = {};
  plan.offload.optimizer = true;
  EXPECT_EQ(predict(workload, system, plan)->memory[0].optimizer, Bytes{});
  plan.offload = {};
  plan.offload.weights = true;
  const MemoryByClass weights = predict(workload, system, plan)->memory[0];
  EXPECT_EQ(weights.weights, Bytes{});
  EXPECT_LT(weights.workspace - all.workspace, all.weights);
}

RC_GTEST_PROP(offload, takes_time_but_no_more_than_its_copies_and_none_on_a_fast_link, ()) {
  const Workload workload = decoder({.batch = 64});
  Plan plan;
  plan.micro_batch = 1 << *rc::gen::inRange(0, 4);
  const Seconds before = predict(workload, with_host_link(1e9), plan)->step.value;
  plan.offload.activations = *rc::gen::arbitrary<bool>();
  plan.offload.optimizer = *rc::gen::arbitrary<bool>();
  plan.offload.weights = *rc::gen::arbitrary<bool>();
  const Seconds slow = predict(workload, with_host_link(1e9), plan)->step.value;
  const Seconds fast = predict(workload, with_host_link(1e18), plan)->step.value;
  RC_ASSERT(slow >= fast);
  RC_ASSERT(std::abs(fast / before - 1) < 1e-6);
  Seconds copies;
  const Program program = lowered(workload, plan);
  for (const Stage& stage : program.stages) {
    for (const StageBlock& run : stage.blocks) {
      for (const auto member : {&BlockProgram::forward, &BlockProgram::backward}) {
        for (const Task& task : program.blocks[run.program].*member) {
          if (task.copy == HostCopy::none) continue;
          copies += static_cast<double>(run.repeat * program.micro_batches) *
                    (task.payload / BytesPerSecond{1e9});
        }
      }
    }
    for (const Task& task : stage.update) {
      if (task.copy != HostCopy::none) copies += task.payload / BytesPerSecond{1e9};
    }
  }
  RC_ASSERT(slow - before <= copies * (1 + 1e-9));
}

TEST(offload, without_a_figure_of_the_link_is_a_clear_error) {
  Plan plan;
  plan.offload.optimizer = true;
  System system = round_system(8, 8);
  system.host.link.reset();
  const Result<Prediction> prediction = predict(decoder(), system, plan);
  ASSERT_FALSE(prediction.has_value());
  EXPECT_NE(prediction.error()[0].what.find("is not known"), std::string::npos);
}

// Memory that does not suffice.

TEST(remedies, are_single_changes_that_fit_fastest_first) {
  System small = round_system(8, 1);
  small.device.kind = "asic";  // no contexts
  small.device.memories[0].capacity->value = Bytes{300e6};
  Plan plan;
  plan.data_parallel = 8;
  const Workload workload = decoder({.batch = 64});
  const Result<Prediction> whole = predict(workload, small, plan, {.remedies = true});
  ASSERT_TRUE(whole.has_value() && whole->out_of_memory.has_value());
  const std::vector<Remedy>& found = whole->out_of_memory->remedies;
  ASSERT_FALSE(found.empty());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_LE(found[i].needed, Bytes{300e6});
    EXPECT_NE(found[i].change, "");
    if (i > 0) {
      EXPECT_GE(found[i].step, found[i - 1].step);
    }
  }
  const auto zero = std::find_if(found.begin(), found.end(),
                                 [](const Remedy& r) { return r.change == "zero=1"; });
  EXPECT_NE(zero, found.end());
}

// Keys of remembered blocks.

TEST(block_key, forgets_what_changes_no_block_and_nothing_else) {
  Plan plan;
  plan.tensor_parallel = 2;
  plan.context_parallel = 2;
  plan.data_parallel = 4;
  plan.expert_parallel = 2;
  plan.zero_stage = 3;
  const BlockKey key = block_key(plan, 1);
  const auto same = [&](auto change) {
    Plan other = plan;
    change(other);
    return block_key(other, 1) == key;
  };
  EXPECT_TRUE(same([](Plan& p) { p.optimizer = Optimizer::muon; }));
  EXPECT_TRUE(same([](Plan& p) { p.master_weights = false; }));
  EXPECT_TRUE(same([](Plan& p) { p.overlap_weights = false; }));
  EXPECT_TRUE(same([](Plan& p) { p.pipeline_parallel = 2; }));
  EXPECT_FALSE(same([](Plan& p) { p.shard = 2; }));
  EXPECT_FALSE(same([](Plan& p) { p.reshard = false; }));
  EXPECT_FALSE(same([](Plan& p) { p.prefetch = 2; }));
  EXPECT_FALSE(same([](Plan& p) { p.context_exchange = ContextExchange::ring; }));
  EXPECT_FALSE(same([](Plan& p) { p.expert_imbalance = 1.5; }));
  EXPECT_FALSE(same([](Plan& p) { p.expert_capacity = 1.5; }));
  EXPECT_FALSE(same([](Plan& p) { p.gradient_format = NumberFormat::bf16; }));
  EXPECT_FALSE(same([](Plan& p) { p.lora_rank = 8; }));
  EXPECT_FALSE(same([](Plan& p) { p.packed_length = 8; }));
  EXPECT_FALSE(same([](Plan& p) { p.execution = Execution::compiled; }));
}

}  // namespace
}  // namespace fastpath
