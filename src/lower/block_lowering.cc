#include "lower/block_lowering.h"

#include <algorithm>

#include "lower/backward.h"
#include "lower/forward.h"

namespace fastpath {
namespace {

bool is_resident(const Tensor& tensor) {
  return tensor.role == TensorRole::weight || tensor.role == TensorRole::constant;
}

/// Weights of operators on routed rows: split over the expert axis, reduced over fewer ranks.
std::vector<bool> expert_weights(const Block& block) {
  const auto routed = [&](TensorId id) {
    const auto& axes = block.tensors[id].axes;
    return std::any_of(axes.begin(), axes.end(), [](const Axis& axis) { return axis.routed; });
  };
  std::vector<bool> found(block.tensors.size(), false);
  for (const Op& op : block.ops) {
    const bool exchanges = op.kind == OpKind::dispatch || op.kind == OpKind::combine;
    if (exchanges || !std::any_of(op.inputs.begin(), op.inputs.end(), routed)) continue;
    for (const TensorId id : op.inputs)
      found[id] = block.tensors[id].role == TensorRole::weight;
  }
  return found;
}

double elements_at(const Splitting& splitting, const Tensor& tensor, const Layout& home) {
  return elements(splitting.workload(), tensor, splitting.sizes(home));
}

/// By tensor: whether an operator that splits another dimension over tensor ranks reads it whole.
std::vector<bool> partial_over_tensor(const Block& block, const ForwardState& forward) {
  constexpr auto kTensor = static_cast<std::size_t>(MeshAxis::tensor);
  std::vector<bool> partial(block.tensors.size(), false);
  for (std::size_t op = 0; op < block.ops.size(); ++op) {
    if (!forward.op_split[op][kTensor].is_split()) continue;
    for (const TensorId id : block.ops[op].inputs) {
      const bool whole = forward.home[id][kTensor].is_replicated();
      if (whole && block.tensors[id].role == TensorRole::weight) partial[id] = true;
    }
  }
  return partial;
}

void count_weight(const Splitting& splitting, const Tensor& tensor, const Layout& home,
                  bool of_experts, BlockMemory& memory) {
  const double local = elements_at(splitting, tensor, home);
  memory.weights += local * bytes_per_element(tensor.format);
  if (tensor.role != TensorRole::weight || tensor.tied) return;
  (of_experts ? memory.expert_parameters : memory.parameters) += local;
  memory.distinct_parameters += local / splitting.replication(home);
}

BlockMemory memory_of(const LoweringContext& context, const Block& block,
                      const ForwardState& forward) {
  const Splitting& splitting = context.splitting;
  const std::vector<bool> saved = saved_tensors(block);
  const std::vector<bool> of_experts = expert_weights(block);
  const std::vector<bool> partial = partial_over_tensor(block, forward);
  BlockMemory memory;
  for (std::size_t id = 0; id < block.tensors.size(); ++id) {
    const Tensor& tensor = block.tensors[id];
    const Layout& home = forward.home[id];
    const Bytes bytes = splitting.bytes(tensor, home);
    if (is_resident(tensor)) count_weight(splitting, tensor, home, of_experts[id], memory);
    if (partial[id]) memory.tensor_partial_parameters += elements_at(splitting, tensor, home);
    if (tensor.role == TensorRole::cache) memory.cache += bytes;
    if (context.training && saved[id]) memory.saved += bytes;
    const bool enters = tensor.role == TensorRole::activation && !forward.produced[id];
    if (enters) memory.boundary += bytes;
  }
  for (std::size_t op = 0; op < block.ops.size(); ++op) {
    const OpShape& shape = forward.shapes[op];
    if (context.training) {
      memory.saved += saved_by_attention(splitting.plan(), block.ops[op], shape);
    }
    memory.working = std::max(memory.working, shape.read + shape.write - shape.weights);
  }
  return memory;
}

/// Recomputation runs the forward again before the backward; what it saves then lives only as long
/// as the block's backward.
void recompute_forward(ForwardState& forward, TaskList& list, BlockMemory& memory) {
  for (Task task : forward.list.tasks()) {
    list.add(std::move(task));
    list.tasks().back().pass = Pass::recompute;
  }
  memory.working += memory.saved;
  memory.saved = memory.boundary;
}

/// The scores and probabilities only: the first two of attention's five backward products'
/// operands.
void recompute_attention(const Block& block, const ForwardState& forward, TaskList& list) {
  for (std::uint32_t op = 0; op < block.ops.size(); ++op) {
    if (block.ops[op].kind != OpKind::attention) continue;
    Task task;
    task.op = op;
    task.shape = forward.shapes[op];
    list.add(std::move(task));
    list.tasks().back().pass = Pass::recompute;
  }
}

/// ZeRO-3: weights are gathered before each pass over the block.
void gather_weights(const Splitting& splitting, const BlockMemory& memory,
                    std::vector<Task>& tasks) {
  const Group group =
      joint_group(splitting.mesh(), {MeshAxis::context, MeshAxis::expert, MeshAxis::data});
  if (group.size == 1 || memory.weights <= Bytes{}) return;
  Task gather;
  gather.op = kWholeBlock;
  gather.collective = Collective::all_gather;
  gather.axis = MeshAxis::data;
  gather.group = group;
  gather.payload = memory.weights;
  tasks.push_back(gather);
}

/// ZeRO-2 and 3: sharded gradients are reduced after each micro-batch.
void scatter_gradients(const Splitting& splitting, const BlockMemory& memory,
                       std::vector<Task>& tasks) {
  const Group group =
      joint_group(splitting.mesh(), {MeshAxis::context, MeshAxis::expert, MeshAxis::data});
  const double parameters = memory.parameters + memory.expert_parameters;
  if (group.size == 1 || parameters <= 0) return;
  Task scatter;
  scatter.op = kWholeBlock;
  scatter.pass = Pass::backward_weight;
  scatter.collective = Collective::reduce_scatter;
  scatter.axis = MeshAxis::data;
  scatter.group = group;
  scatter.payload = parameters * bytes_per_element(splitting.plan().gradient_format);
  if (!tasks.empty()) scatter.after = {static_cast<std::uint32_t>(tasks.size() - 1)};
  tasks.push_back(scatter);
}

}  // namespace

BlockProgram lower_block(const LoweringContext& context, std::uint32_t block_index,
                         const std::vector<OpDims>& op_dims) {
  const Splitting& splitting = context.splitting;
  const Block& block = splitting.workload().blocks[block_index];
  const int zero = context.training ? splitting.plan().zero_stage : 0;
  ForwardState forward = lower_forward(context, block, op_dims);
  BlockProgram program;
  program.block = block_index;
  program.memory = memory_of(context, block, forward);
  if (zero == 3) gather_weights(splitting, program.memory, program.gathers);
  if (context.training) {
    TaskList list(splitting, Pass::backward_input);
    const Plan& plan = splitting.plan();
    if (plan.recompute == Recompute::full) recompute_forward(forward, list, program.memory);
    if (plan.recompute == Recompute::selective && !plan.flash_attention) {
      recompute_attention(block, forward, list);
    }
    lower_backward(context, block, op_dims, forward, list);
    program.backward = std::move(list.tasks());
    if (zero >= 2) scatter_gradients(splitting, program.memory, program.backward);
  }
  program.forward = std::move(forward.list.tasks());
  return program;
}

}  // namespace fastpath
