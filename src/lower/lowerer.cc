#include "lower/lowerer.h"

#include <algorithm>
#include <iterator>

#include "fastpath/fastpath.h"

#include "ir/semantics.h"
#include "lower/adapters.h"
#include "lower/block_lowering.h"
#include "lower/fused_tables.h"
#include "lower/stages.h"
#include "lower/word_checks.h"

namespace fastpath {
namespace {

/// Rows of the most loaded expert rank over the mean. With a capacity each expert computes as many
/// rows as it has room for, padding included (arXiv 2101.03961, equation 3).
double expert_load(const Plan& plan) {
  if (plan.expert_capacity > 0) return plan.expert_capacity;
  const bool over_tensor = plan.expert_tensor_parallel == 1 && plan.tensor_parallel > 1;
  return plan.expert_parallel > 1 || over_tensor ? plan.expert_imbalance : 1;
}

/// The dims of one micro-batch over all data ranks, as the most loaded rank sees them.
DimSizes micro_batch_sizes(const Workload& workload, std::int64_t rows, const Plan& plan) {
  DimSizes sizes = whole_sizes(workload);
  for (std::size_t id = 0; id < sizes.size(); ++id) {
    if (workload.dims[id].kind == DimKind::batch) {
      sizes[id] = static_cast<double>(rows * plan.data_parallel);
    }
    if (workload.dims[id].kind == DimKind::top_k) sizes[id] *= expert_load(plan);
  }
  return sizes;
}

bool is_matrix(const Tensor& tensor) {
  const bool resident = tensor.role == TensorRole::weight || tensor.role == TensorRole::constant;
  return resident && tensor.axes.size() > 1;
}

/// The model's weights and caches in the formats of the plan.
void set_formats(const Plan& plan, Workload& workload) {
  for (Block& block : workload.blocks) {
    for (Tensor& tensor : block.tensors) {
      if (is_matrix(tensor) && plan.weight_format && !is_served_adapter(workload, tensor))
        tensor.format = *plan.weight_format;
      if (tensor.role == TensorRole::cache && plan.cache_format) tensor.format = *plan.cache_format;
    }
  }
}

void set_documents(const Plan& plan, Workload& workload) {
  if (plan.packed_length == 0) return;
  for (Block& block : workload.blocks) {
    for (Op& op : block.ops) {
      if (op.kind == OpKind::attention) op.attributes.document = plan.packed_length;
    }
  }
}

}  // namespace

Lowerer::Lowerer(Workload workload)
    : workload_(std::move(workload)), limits_(limits_of(workload_)) {}

const Lowerer::Prepared& Lowerer::prepared(const Plan& plan) {
  const PreparedKey key{plan.weight_format, plan.cache_format, plan.lora_rank, plan.packed_length,
                        plan.fused_tables};
  const auto [found, added] = prepared_.try_emplace(key);
  if (!added) return found->second;
  Prepared& result = found->second;
  result.workload = workload_;
  set_formats(plan, result.workload);
  set_documents(plan, result.workload);
  if (plan.fused_tables) fuse_tables(result.workload);
  if (plan.lora_rank > 0) add_adapters(result.workload, plan.lora_rank);
  for (const Block& block : result.workload.blocks) {
    std::vector<OpDims>& ops = result.op_dims.emplace_back();
    for (const Op& op : block.ops)
      ops.push_back(dims_and_roles(result.workload, block, op));
  }
  return result;
}

Diagnostics Lowerer::mistakes(const Plan& plan) const {
  Diagnostics found = mistakes_in_plan(workload_, limits_, plan);
  check_words(workload_, limits_, plan, found);
  return found;
}

std::vector<BlockProgram> Lowerer::lower_blocks(const Plan& plan) {
  const Mesh mesh = mesh_of(plan);
  const auto& [workload, op_dims] = prepared(plan);
  const DimSizes whole = micro_batch_sizes(workload, micro_batches(plan).rows, plan);
  const Splitting splitting(workload, plan, mesh, whole);
  std::vector<BlockProgram> programs;
  for (std::uint32_t block = 0; block < workload.blocks.size(); ++block) {
    LoweringContext context{splitting};
    context.training = workload.phase == Phase::training;
    context.first_block = workload.segments.front().block == block;
    programs.push_back(lower_block(context, block, op_dims[block]));
  }
  if (recomputes_part(plan)) {
    Plan keeping = plan;
    keeping.recompute = Recompute::none;
    std::vector<BlockProgram> kept = lower_blocks(keeping);
    std::move(kept.begin(), kept.end(), std::back_inserter(programs));
  }
  return programs;
}

const std::vector<std::vector<StageBlock>>& Lowerer::stages(const Plan& plan) {
  const StageKey key = stage_key(plan);
  const auto [found, added] = stages_.try_emplace(key);
  if (added) found->second = share_out(workload_, limits_, plan);
  return found->second;
}

BlockMemory stage_memory(const std::vector<StageBlock>& stage,
                         const std::vector<BlockMemory>& by_block) {
  BlockMemory sum;
  for (const StageBlock& block : stage) {
    // Draft layers are loaded by those who speculate with them only.
    if (block.use == SegmentUse::draft) continue;
    const BlockMemory& one = by_block[block.program];
    const auto times = static_cast<double>(block.repeat);
    sum.weights += times * one.weights;
    sum.tied_weights += times * one.tied_weights;
    sum.expert_weights += times * one.expert_weights;
    if (block.use == SegmentUse::executed) {
      sum.parameters += times * one.parameters;
      sum.expert_parameters += times * one.expert_parameters;
      sum.tensor_partial_parameters += times * one.tensor_partial_parameters;
      sum.distinct_parameters += times * one.distinct_parameters;
      sum.trained_weights += times * one.trained_weights;
      sum.trained_expert_weights += times * one.trained_expert_weights;
      sum.table_parameters += times * one.table_parameters;
      sum.table_weights += times * one.table_weights;
      sum.matrix_parameters += times * one.matrix_parameters;
      sum.expert_matrix_parameters += times * one.expert_matrix_parameters;
      sum.matrices += times * one.matrices;
      sum.orthogonalisation += times * one.orthogonalisation;
      sum.offloaded += times * one.offloaded;
      sum.saved += times * one.saved;
      sum.cache += times * one.cache;
      sum.working = std::max(sum.working, one.working);
    }
  }
  if (!stage.empty()) sum.boundary = by_block[stage.front().program].boundary;
  return sum;
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
  for (const BlockProgram& block : program.blocks) {
    memory.push_back(block.memory);
    const Block& source = lowerer.workload(plan).blocks[block.block];
    program.block_names.push_back(source.name);
    std::vector<std::string>& names = program.op_names.emplace_back();
    for (const Op& op : source.ops)
      names.push_back(op.name);
  }
  const auto& shares = lowerer.stages(plan);
  for (std::size_t s = 0; s < shares.size(); ++s) {
    Stage stage{shares[s], {}, {}};
    const bool last = static_cast<std::int64_t>(s + 1) % chain_of(plan) == 0;
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
