#include "lower/block_lowering.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>

#include "lower/backward.h"
#include "lower/forward.h"
#include "lower/saved.h"
#include "lower/tiling.h"

namespace fastpath {
namespace {

bool is_resident(const Tensor& tensor) {
  return tensor.role == TensorRole::weight || tensor.role == TensorRole::constant;
}

/// By tensor: tables that the plan deals out over data ranks.
std::vector<bool> dealt_tables(const Splitting& splitting, const Block& block) {
  std::vector<bool> found(block.tensors.size(), false);
  for (const Op& op : block.ops) {
    if (splitting.deals_out(block, op)) found[op.inputs[1]] = true;
  }
  return found;
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
      found[id] = is_resident(block.tensors[id]);
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
  const Bytes bytes = local * bytes_per_element(tensor.format);
  memory.weights += bytes;
  if (tensor.tied) memory.tied_weights += bytes;
  if (of_experts) memory.expert_weights += bytes;
  if (tensor.role != TensorRole::weight || tensor.tied) return;
  (of_experts ? memory.expert_parameters : memory.parameters) += local;
  (of_experts ? memory.trained_expert_weights : memory.trained_weights) += bytes;
  memory.distinct_parameters += local / splitting.replication(home);
}

/// Equal matrices of this rank, `rows` the smaller side.
struct Matrices {
  double count = 0;
  double rows = 0;
  double columns = 0;
};

/// The weight of a product between hidden dimensions; tables of the vocabulary have none.
Matrices matrices_of(const Splitting& splitting, const Block& block, const Op& op,
                     const Layout& home) {
  const Tensor& w = block.tensors[op.inputs[1]];
  if (w.role != TensorRole::weight || w.tied) return {};
  const DimSizes sizes = splitting.sizes(home);
  Matrices found{1, 1, 1};
  for (const Axis& axis : w.axes) {
    if (splitting.workload().dims[axis.dim].kind == DimKind::vocab) return {};
    const bool in = has_dim(block.tensors[op.inputs[0]], axis.dim);
    const bool out = has_dim(block.tensors[op.outputs[0]], axis.dim);
    (in && out ? found.count : in ? found.rows : found.columns) *= sizes[axis.dim];
  }
  if (found.rows > found.columns) std::swap(found.rows, found.columns);
  return found.rows > 1 ? found : Matrices{};
}

/// What Muon orthogonalises; tables of the vocabulary, norms and biases stay with Adam (arXiv
/// 2502.16982, section 2.1). Five iterations of 4 m^2 n + 2 m^3 FLOP, m the smaller side.
void count_matrices(const Splitting& splitting, const Block& block, const ForwardState& forward,
                    const std::vector<bool>& of_experts, BlockMemory& memory) {
  constexpr double kIterations = 5;
  std::vector<bool> seen(block.tensors.size(), false);
  for (const Op& op : block.ops) {
    if (op.kind != OpKind::matmul && op.kind != OpKind::grouped_matmul) continue;
    const TensorId w = op.inputs[1];
    if (seen[w]) continue;
    seen[w] = true;
    const auto [count, m, n] = matrices_of(splitting, block, op, forward.home[w]);
    (of_experts[w] ? memory.expert_matrix_parameters : memory.matrix_parameters) += count * m * n;
    memory.matrices += count;
    memory.orthogonalisation += Flops{kIterations * count * (4 * m * m * n + 2 * m * m * m)};
  }
}

/// Bytes of logits that are not there at the same time as others, by operator that touches them
/// and, at the end, for the backward.
struct ChunkedLogits {
  std::vector<Bytes> by_op;
  std::vector<Bytes> by_tensor;
};

ChunkedLogits chunked_logits(const Splitting& splitting, const Block& block,
                             const ForwardState& forward) {
  ChunkedLogits absent{std::vector<Bytes>(block.ops.size()),
                       std::vector<Bytes>(block.tensors.size())};
  const double others = 1 - 1.0 / splitting.plan().loss_chunks;
  if (others <= 0) return absent;
  for (const Op& loss : block.ops) {
    if (loss.kind != OpKind::cross_entropy) continue;
    const TensorId logits = loss.inputs[0];
    const Bytes bytes = others * splitting.bytes(block.tensors[logits], forward.home[logits]);
    absent.by_tensor[logits] = bytes;
    for (std::size_t op = 0; op < block.ops.size(); ++op) {
      const auto touches = [&](const std::vector<TensorId>& ids) {
        return std::find(ids.begin(), ids.end(), logits) != ids.end();
      };
      if (touches(block.ops[op].inputs) || touches(block.ops[op].outputs))
        absent.by_op[op] += bytes;
    }
  }
  return absent;
}

BlockMemory memory_of(const LoweringContext& context, const Block& block,
                      const ForwardState& forward) {
  const Splitting& splitting = context.splitting;
  const std::vector<bool> saved = kept_tensors(splitting.plan(), block);
  const std::vector<bool> tables = dealt_tables(splitting, block);
  std::vector<bool> of_experts = expert_weights(block);
  std::transform(tables.begin(), tables.end(), of_experts.begin(), of_experts.begin(),
                 std::logical_or<>());
  const std::vector<bool> partial = partial_over_tensor(block, forward);
  const ChunkedLogits absent = chunked_logits(splitting, block, forward);
  BlockMemory memory;
  for (std::size_t id = 0; id < block.tensors.size(); ++id) {
    const Tensor& tensor = block.tensors[id];
    const Layout& home = forward.home[id];
    const Bytes bytes = splitting.bytes(tensor, home);
    if (is_resident(tensor)) count_weight(splitting, tensor, home, of_experts[id], memory);
    if (tables[id]) {
      memory.table_parameters += elements_at(splitting, tensor, home);
      memory.table_weights += bytes;
    }
    if (partial[id]) memory.tensor_partial_parameters += elements_at(splitting, tensor, home);
    if (tensor.role == TensorRole::cache) memory.cache += bytes;
    if (context.training && saved[id]) memory.saved += bytes - absent.by_tensor[id];
    const bool enters = tensor.role == TensorRole::activation && !forward.produced[id];
    if (enters) memory.boundary += bytes;
  }
  if (context.training) count_matrices(splitting, block, forward, of_experts, memory);
  for (std::size_t op = 0; op < block.ops.size(); ++op) {
    const OpShape& shape = forward.shapes[op];
    if (context.training) {
      memory.saved += saved_besides(splitting.plan(), block, block.ops[op], shape);
    }
    memory.working =
        std::max(memory.working, shape.read + shape.write - shape.weights - absent.by_op[op]);
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

/// What `recompute=operators` does not keep: the same tasks but for kept operators and reductions
/// over ranks, whose results are kept. What comes back lives as long as the block's backward.
void recompute_operators(const LoweringContext& context, const Block& block,
                         const ForwardState& forward, TaskList& list, BlockMemory& memory) {
  const std::vector<bool> kept = kept_operators(block);
  std::vector<std::optional<std::uint32_t>>
      again;  // by forward task; what is kept is there already
  for (Task task : forward.list.tasks()) {
    const bool computes = task.collective == Collective::none;
    const bool reduces =
        task.collective == Collective::reduce_scatter || task.collective == Collective::all_reduce;
    again.emplace_back();
    if (reduces || (computes && task.op != kWholeBlock && kept[task.op])) continue;
    std::vector<std::uint32_t> after;
    for (const std::uint32_t before : task.after) {
      if (again[before]) after.push_back(*again[before]);
    }
    task.after = std::move(after);
    again.back() = list.add(std::move(task));
    list.tasks().back().pass = Pass::recompute;
  }
  Plan keeping = context.splitting.plan();
  keeping.recompute = Recompute::none;
  const std::vector<bool> all = kept_tensors(keeping, block);
  const std::vector<bool> some = kept_tensors(context.splitting.plan(), block);
  for (std::size_t id = 0; id < all.size(); ++id) {
    if (all[id] && !some[id]) {
      memory.working += context.splitting.bytes(block.tensors[id], forward.home[id]);
    }
  }
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

/// A collective over the ranks that share a copy of the block's states, of parameters that all data
/// ranks hold and of experts.
void add_sharded(const Splitting& splitting, Task task, std::array<Bytes, 2> payloads,
                 std::vector<Task>& tasks) {
  task.op = kWholeBlock;
  task.axis = MeshAxis::data;
  for (const bool of_experts : {false, true}) {
    task.group = state_groups(splitting.plan(), splitting.mesh(), of_experts).shard;
    task.payload = payloads[of_experts ? 1 : 0];
    if (task.group.size > 1 && task.payload > Bytes{}) tasks.push_back(task);
  }
}

void gather_weights(const Splitting& splitting, const BlockMemory& memory,
                    std::vector<Task>& tasks) {
  Task gather;
  gather.collective = Collective::all_gather;
  add_sharded(splitting, gather, {memory.weights - memory.expert_weights, memory.expert_weights},
              tasks);
}

void scatter_gradients(const Splitting& splitting, const BlockMemory& memory,
                       std::vector<Task>& tasks) {
  const Bytes gradient = bytes_per_element(splitting.plan().gradient_format);
  Task scatter;
  scatter.pass = Pass::backward_weight;
  scatter.collective = Collective::reduce_scatter;
  add_sharded(splitting, scatter,
              {memory.parameters * gradient,
               (memory.expert_parameters - memory.table_parameters) * gradient},
              tasks);
}

Task host_copy(HostCopy copy, Pass pass, Bytes payload) {
  Task task;
  task.op = kWholeBlock;
  task.pass = pass;
  task.copy = copy;
  task.payload = payload;
  return task;
}

/// Activations leave for the host after the forward and come back before the backward; two blocks'
/// share stays on the device, the one at work and the one on its way (arXiv 2104.07857, section 5).
void offload_activations(BlockProgram& program) {
  BlockMemory& memory = program.memory;
  if (memory.saved <= Bytes{}) return;
  program.forward.push_back(host_copy(HostCopy::to_host, Pass::forward, memory.saved));
  program.backward.push_back(host_copy(HostCopy::from_host, Pass::backward_input, memory.saved));
  memory.offloaded = memory.saved;
  memory.working += 2.0 * memory.saved;
  memory.saved = Bytes{};
}

/// Weights, or this rank's shard of them under ZeRO-3, come from the host before each pass.
void offload_weights(const Splitting& splitting, bool training, BlockProgram& program) {
  const Plan& plan = splitting.plan();
  const auto shard = [&](bool of_experts) {
    const Group group = state_groups(plan, splitting.mesh(), of_experts).shard;
    return training && plan.zero_stage == 3 ? static_cast<double>(group.size) : 1.0;
  };
  const BlockMemory& memory = program.memory;
  const Bytes payload =
      (memory.weights - memory.expert_weights) / shard(false) + memory.expert_weights / shard(true);
  if (payload <= Bytes{}) return;
  program.forward.push_back(host_copy(HostCopy::from_host, Pass::forward, payload));
  if (!training) return;
  program.backward.push_back(host_copy(HostCopy::from_host, Pass::backward_input, payload));
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
    if (plan.recompute == Recompute::operators) {
      recompute_operators(context, block, forward, list, program.memory);
    }
    if (plan.recompute == Recompute::selective && !plan.flash_attention) {
      recompute_attention(block, forward, list);
    }
    lower_backward(context, block, op_dims, forward, list);
    program.backward = std::move(list.tasks());
    if (zero >= 2) scatter_gradients(splitting, program.memory, program.scatters);
    if (plan.reshard) program.regathers = program.gathers;
  }
  program.forward = std::move(forward.list.tasks());
  if (splitting.plan().overlap_tensor) {
    program.forward = tile_tensor_collectives(std::move(program.forward));
    program.backward = tile_tensor_collectives(std::move(program.backward));
  }
  if (splitting.plan().offload.activations) offload_activations(program);
  if (splitting.plan().offload.weights) offload_weights(splitting, context.training, program);
  return program;
}

}  // namespace fastpath
