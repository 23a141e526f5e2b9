#include "lower/lowerer.h"

#include <algorithm>

#include "fastpath/fastpath.h"

#include "ir/semantics.h"
#include "lower/block_lowering.h"
#include "lower/stages.h"

namespace fastpath {
namespace {

/// The dims of one micro-batch over all data ranks.
DimSizes micro_batch_sizes(const Workload& workload, std::int64_t rows, const Plan& plan) {
  DimSizes sizes = whole_sizes(workload);
  for (std::size_t id = 0; id < sizes.size(); ++id) {
    if (workload.dims[id].kind != DimKind::batch) continue;
    sizes[id] = static_cast<double>(rows * plan.data_parallel);
  }
  return sizes;
}

/// The model's weights and caches in the formats of the plan.
Workload in_formats(const Workload& workload, const Plan& plan) {
  Workload copy = workload;
  for (Block& block : copy.blocks) {
    for (Tensor& tensor : block.tensors) {
      const bool matrix = tensor.role == TensorRole::weight && tensor.axes.size() > 1;
      if (matrix && plan.weight_format) tensor.format = *plan.weight_format;
      if (tensor.role == TensorRole::cache && plan.cache_format) tensor.format = *plan.cache_format;
    }
  }
  return copy;
}

Task sync(Collective collective, MeshAxis axis, Group group, Bytes payload) {
  Task task;
  task.op = kWholeBlock;
  task.pass = Pass::update;
  task.collective = collective;
  task.axis = axis;
  task.group = group;
  task.payload = payload;
  return task;
}

/// State of the optimizer per parameter, besides the weight: fp32 master copy and moments.
Bytes optimizer_bytes(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::none: return Bytes{0};
    case Optimizer::sgd: return Bytes{4};
    case Optimizer::momentum: return Bytes{8};
    case Optimizer::adam: return Bytes{12};
  }
  return Bytes{0};
}

Task optimizer_step(const Plan& plan, double parameters, Bytes weights) {
  constexpr double kAdamWork = 18;  // moments, bias correction, root, decay, update: count of ops
  Task task;
  task.op = kWholeBlock;
  task.pass = Pass::update;
  task.shape.kind = OpKind::elementwise;
  task.shape.compute_format = NumberFormat::fp32;
  task.shape.work = Flops{kAdamWork * parameters};
  task.shape.read =
      parameters * (bytes_per_element(plan.gradient_format) + optimizer_bytes(plan.optimizer));
  task.shape.write = parameters * optimizer_bytes(plan.optimizer) + weights;
  return task;
}

}  // namespace

BlockKey block_key(const Plan& plan, std::int64_t rows) {
  BlockKey key{plan, rows};
  key.plan.virtual_stages = 1;
  key.plan.schedule = Schedule::one_f_one_b;
  key.plan.first_stage_layers = 0;
  key.plan.last_stage_layers = 0;
  key.plan.ends_are_layers = false;
  key.plan.micro_batch = 0;
  key.plan.overlap_gradients = true;
  key.plan.optimizer = Optimizer::adam;
  // Pipeline ranks matter to a block only where another axis lies outside them.
  if (key.plan.order.back() == MeshAxis::pipeline) key.plan.pipeline_parallel = 1;
  if (key.plan.zero_stage == 1) key.plan.zero_stage = 0;
  return key;
}

std::size_t BlockKeyHash::operator()(const BlockKey& key) const {
  std::size_t hash = 0;
  const auto mix = [&hash](std::size_t value) {
    constexpr std::size_t kGolden = 0x9e3779b97f4a7c15U;
    hash ^= value + kGolden + (hash << 6U) + (hash >> 2U);
  };
  const Plan& plan = key.plan;
  for (const int value :
       {plan.tensor_parallel, plan.context_parallel, plan.expert_parallel, plan.data_parallel,
        plan.pipeline_parallel, plan.zero_stage, static_cast<int>(plan.sequence_parallel),
        static_cast<int>(plan.recompute), static_cast<int>(plan.execution)}) {
    mix(static_cast<std::size_t>(value));
  }
  mix(static_cast<std::size_t>(key.rows));
  return hash;
}

Lowerer::Lowerer(Workload workload)
    : workload_(std::move(workload)), limits_(limits_of(workload_)) {
  for (const Block& block : workload_.blocks) {
    std::vector<OpDims>& ops = op_dims_.emplace_back();
    for (const Op& op : block.ops)
      ops.push_back(dims_and_roles(workload_, block, op));
  }
}

Diagnostics Lowerer::mistakes(const Plan& plan) const {
  return mistakes_in_plan(workload_, limits_, plan);
}

std::vector<BlockProgram> Lowerer::lower_blocks(const Plan& plan) const {
  const Mesh mesh = mesh_of(plan);
  const bool own_formats = plan.weight_format || plan.cache_format;
  const Workload converted = own_formats ? in_formats(workload_, plan) : Workload{};
  const Workload& workload = own_formats ? converted : workload_;
  const DimSizes whole = micro_batch_sizes(workload_, micro_batches(plan).rows, plan);
  const Splitting splitting(workload, plan, mesh, whole);
  std::vector<BlockProgram> programs;
  for (std::uint32_t block = 0; block < workload.blocks.size(); ++block) {
    LoweringContext context{splitting};
    context.training = workload.phase == Phase::training;
    context.first_block = workload.segments.front().block == block;
    programs.push_back(lower_block(context, block, op_dims_[block]));
  }
  return programs;
}

const std::vector<std::vector<StageBlock>>& Lowerer::stages(const Plan& plan) {
  const StageKey key = stage_key(plan);
  const auto [found, added] = stages_.try_emplace(key);
  if (added) found->second = share_out(workload_, plan);
  return found->second;
}

BlockMemory stage_memory(const std::vector<StageBlock>& stage,
                         const std::vector<BlockMemory>& by_block) {
  BlockMemory sum;
  for (const StageBlock& block : stage) {
    const BlockMemory& one = by_block[block.program];
    const auto times = static_cast<double>(block.repeat);
    sum.weights += times * one.weights;
    if (block.use == SegmentUse::executed) {
      sum.parameters += times * one.parameters;
      sum.expert_parameters += times * one.expert_parameters;
      sum.tensor_partial_parameters += times * one.tensor_partial_parameters;
      sum.distinct_parameters += times * one.distinct_parameters;
      sum.saved += times * one.saved;
      sum.cache += times * one.cache;
      sum.working = std::max(sum.working, one.working);
    }
  }
  if (!stage.empty()) sum.boundary = by_block[stage.front().program].boundary;
  return sum;
}

std::vector<Task> update_tasks(const Plan& plan, const BlockMemory& memory) {
  const Mesh mesh = mesh_of(plan);
  const Group dense = joint_group(mesh, {MeshAxis::context, MeshAxis::expert, MeshAxis::data});
  const Group expert = joint_group(mesh, {MeshAxis::context, MeshAxis::data});
  const bool sharded = plan.zero_stage >= 1;
  const Collective reduction = sharded ? Collective::reduce_scatter : Collective::all_reduce;
  const Bytes gradient = bytes_per_element(plan.gradient_format);
  const double all = memory.parameters + memory.expert_parameters;
  std::vector<Task> tasks;
  if (all <= 0) return tasks;
  const auto reduce = [&](Collective collective, Group group, Bytes payload) {
    if (group.size == 1 || payload <= Bytes{}) return;
    tasks.push_back(sync(collective, MeshAxis::data, group, payload));
  };
  const Group tensor = mesh.group(MeshAxis::tensor);
  if (tensor.size > 1 && memory.tensor_partial_parameters > 0) {
    tasks.push_back(sync(Collective::all_reduce, MeshAxis::tensor, tensor,
                         memory.tensor_partial_parameters * gradient));
  }
  // ZeRO-2 and 3 have reduced their gradients block by block.
  if (plan.zero_stage < 2) {
    reduce(reduction, dense, memory.parameters * gradient);
    reduce(reduction, expert, memory.expert_parameters * gradient);
  }
  const auto share = [&](double parameters, Group group) {
    return sharded ? parameters / static_cast<double>(group.size) : parameters;
  };
  const double owned = share(memory.parameters, dense) + share(memory.expert_parameters, expert);
  const Bytes weights = memory.weights * (owned / all);
  if (plan.optimizer != Optimizer::none) tasks.push_back(optimizer_step(plan, owned, weights));
  if (plan.zero_stage == 1 || plan.zero_stage == 2) {
    reduce(Collective::all_gather, dense, memory.weights * (memory.parameters / all));
    reduce(Collective::all_gather, expert, memory.weights * (memory.expert_parameters / all));
  }
  return tasks;
}

Result<Program> lower(const Workload& workload, const Plan& plan) {
  Lowerer lowerer(workload);
  Diagnostics mistakes = lowerer.mistakes(plan);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  const MicroBatches batches = lowerer.micro_batches(plan);
  const Mesh mesh = mesh_of(plan);
  Program program;
  program.workload = workload.name;
  program.phase = workload.phase;
  program.plan = plan;
  program.micro_batches = batches.count;
  program.local_batch = batches.rows * batches.count;
  program.blocks = lowerer.lower_blocks(plan);
  std::vector<BlockMemory> memory;
  for (const BlockProgram& block : program.blocks)
    memory.push_back(block.memory);
  for (const Block& block : workload.blocks) {
    program.block_names.push_back(block.name);
    std::vector<std::string>& names = program.op_names.emplace_back();
    for (const Op& op : block.ops)
      names.push_back(op.name);
  }
  const auto& shares = lowerer.stages(plan);
  for (std::size_t s = 0; s < shares.size(); ++s) {
    Stage stage{shares[s], {}, {}};
    const bool last = s + 1 == shares.size();
    if (!last && !shares[s + 1].empty()) {
      stage.send = program.blocks[shares[s + 1].front().program].memory.boundary;
    }
    if (workload.phase == Phase::training) {
      stage.update = update_tasks(plan, stage_memory(shares[s], memory));
    }
    program.stages.push_back(std::move(stage));
  }
  for (int axis = 0; axis < kMeshAxes; ++axis) {
    program.groups[static_cast<std::size_t>(axis)] = mesh.group(static_cast<MeshAxis>(axis));
  }
  return program;
}

}  // namespace fastpath
