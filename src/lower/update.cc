#include "lower/update.h"

#include <cmath>

namespace fastpath {
namespace {

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

void add_sync(std::vector<Task>& tasks, Collective collective, Group group, Bytes payload) {
  if (group.size == 1 || payload <= Bytes{}) return;
  tasks.push_back(sync(collective, MeshAxis::data, group, payload));
}

double shards(const Plan& plan, const StateGroups& groups) {
  return plan.zero_stage >= 1 ? static_cast<double>(groups.shard.size) : 1.0;
}

/// Without the tables that are updated row by row.
BlockMemory without_tables(BlockMemory memory) {
  memory.expert_parameters -= memory.table_parameters;
  memory.trained_expert_weights -= memory.table_weights;
  return memory;
}

void add_reductions(const Plan& plan, const StateGroups& groups, Bytes gradients,
                    std::vector<Task>& tasks) {
  if (plan.zero_stage == 0) {
    add_sync(tasks, Collective::all_reduce, groups.shard, gradients);
    return;
  }
  if (plan.zero_stage == 1) add_sync(tasks, Collective::reduce_scatter, groups.shard, gradients);
  add_sync(tasks, Collective::all_reduce, groups.replicas, gradients / shards(plan, groups));
}

/// Bytes of moments per element.
struct Moments {
  double matrix = 0;
  double other = 0;
};

/// Where the optimizer keeps no fp32 copy of the weights its moments have the weights' own format,
/// as torch.optim makes them; adapters are not quantised.
NumberFormat format_of_moments(const Plan& plan) {
  if (plan.master_weights) return NumberFormat::fp32;
  if (plan.lora_rank > 0) return NumberFormat::bf16;
  return plan.weight_format.value_or(NumberFormat::bf16);
}

Moments moments(const Plan& plan) {
  const double moment = bytes_per_element(format_of_moments(plan)).base();
  constexpr double kQuantised = 1 + 4.0 / 2048;  // a byte, and its share of a block's scale
  switch (plan.optimizer) {
    case Optimizer::none:
    case Optimizer::sgd: return {};
    case Optimizer::momentum: return {moment, moment};
    case Optimizer::adam: return {2 * moment, 2 * moment};
    case Optimizer::adam_8bit: return {2 * kQuantised, 2 * kQuantised};
    case Optimizer::muon: return {moment, 2 * moment};
  }
  return {};
}

/// Whether the optimizer keeps an fp32 copy of weights that are stored in so many bytes each. A
/// plan's format is that of matrices, so the mean of a model of fp32 matrices may be less.
bool keeps_copy(const Plan& plan, Bytes each) {
  return plan.master_weights && plan.weight_format != NumberFormat::fp32 &&
         each < bytes_per_element(NumberFormat::fp32);
}

/// Of a trained element, in the mean.
Bytes stored(const BlockMemory& memory) {
  const double elements = memory.parameters + memory.expert_parameters;
  return elements > 0 ? (memory.trained_weights + memory.trained_expert_weights) / elements
                      : Bytes{};
}

double owned_matrix_parameters(const Plan& plan, const Mesh& mesh, const BlockMemory& memory) {
  return memory.matrix_parameters / shards(plan, state_groups(plan, mesh, false)) +
         memory.expert_matrix_parameters / shards(plan, state_groups(plan, mesh, true));
}

Bytes owned_weights(const Plan& plan, const Mesh& mesh, const BlockMemory& memory) {
  return memory.trained_weights / shards(plan, state_groups(plan, mesh, false)) +
         memory.trained_expert_weights / shards(plan, state_groups(plan, mesh, true));
}

Task elementwise_step(const Plan& plan, const Mesh& mesh, const BlockMemory& memory) {
  const double owned = owned_parameters(plan, mesh, memory);
  Task task;
  task.op = kWholeBlock;
  task.pass = Pass::update;
  task.shape =
      elementwise_update(owned, owned * bytes_per_element(plan.gradient_format),
                         optimizer_state(plan, mesh, memory), owned_weights(plan, mesh, memory));
  return task;
}

/// Muon's five Newton-Schulz iterations, three products each (arXiv 2502.16982, equation 2). Each
/// rank orthogonalises the parts of matrices that it holds, in bf16; under ZeRO matrices are dealt
/// out whole. Of many shapes, the products are costed as cubes of the same work.
Task orthogonalisation(double share, const BlockMemory& memory) {
  constexpr double kProducts = 5 * 3;
  const double products = kProducts * memory.matrices * share;
  Task task;
  task.op = kWholeBlock;
  task.pass = Pass::update;
  OpShape& shape = task.shape;
  shape.kind = OpKind::matmul;
  shape.compute_format = NumberFormat::bf16;
  shape.work = share * memory.orthogonalisation;
  shape.batch = products;
  shape.m = std::cbrt(shape.work.base() / (2 * products));
  shape.n = shape.m;
  shape.k = shape.m;
  const Bytes operand = products * shape.m * shape.m * bytes_per_element(NumberFormat::bf16);
  shape.read = 2.0 * operand;
  shape.write = operand;
  shape.launches = products;
  return task;
}

/// States that wait on the host are streamed to the device, updated and streamed back; so are
/// weights.
void add_copies(const Plan& plan, const Mesh& mesh, const BlockMemory& memory,
                std::vector<Task>& tasks) {
  const Bytes state = plan.offload.optimizer ? optimizer_state(plan, mesh, memory) : Bytes{};
  const Bytes weights = plan.offload.weights ? owned_weights(plan, mesh, memory) : Bytes{};
  Task task;
  task.op = kWholeBlock;
  task.pass = Pass::update;
  for (const HostCopy copy : {HostCopy::from_host, HostCopy::to_host}) {
    task.copy = copy;
    task.payload = copy == HostCopy::to_host ? state + weights : state;
    if (task.payload > Bytes{}) tasks.push_back(task);
  }
}

}  // namespace

OpShape elementwise_update(double elements, Bytes gradients, Bytes state, Bytes weights) {
  constexpr double kAdamWork = 18;  // moments, bias correction, root, decay, update: count of ops
  OpShape shape;
  shape.kind = OpKind::elementwise;
  shape.compute_format = NumberFormat::fp32;
  shape.work = Flops{kAdamWork * elements};
  shape.read = gradients + state;
  shape.write = state + weights;
  return shape;
}

Bytes table_state(const Plan& plan, double elements, Bytes each) {
  if (plan.optimizer == Optimizer::none) return Bytes{};
  return Bytes{elements * (moments(plan).other + (keeps_copy(plan, each) ? 4 : 0))};
}

double owned_parameters(const Plan& plan, const Mesh& mesh, const BlockMemory& memory) {
  return memory.parameters / shards(plan, state_groups(plan, mesh, false)) +
         memory.expert_parameters / shards(plan, state_groups(plan, mesh, true));
}

Bytes optimizer_state(const Plan& plan, const Mesh& mesh, const BlockMemory& memory) {
  if (plan.optimizer == Optimizer::none) return Bytes{};
  const Moments bytes = moments(plan);
  const double owned = owned_parameters(plan, mesh, memory);
  const double matrices = owned_matrix_parameters(plan, mesh, memory);
  const double master = keeps_copy(plan, stored(memory)) ? 4 : 0;
  return Bytes{matrices * bytes.matrix + (owned - matrices) * bytes.other + owned * master};
}

std::vector<Task> reduction_tasks(const Plan& plan, const Mesh& mesh, const BlockMemory& memory) {
  const Bytes gradient = bytes_per_element(plan.gradient_format);
  std::vector<Task> tasks;
  add_reductions(plan, state_groups(plan, mesh, false), memory.parameters * gradient, tasks);
  add_reductions(plan, state_groups(plan, mesh, true),
                 without_tables(memory).expert_parameters * gradient, tasks);
  return tasks;
}

std::vector<Task> gather_tasks(const Plan& plan, const Mesh& mesh, const BlockMemory& memory) {
  std::vector<Task> tasks;
  if (plan.zero_stage != 1 && plan.zero_stage != 2) return tasks;
  add_sync(tasks, Collective::all_gather, state_groups(plan, mesh, false).shard,
           memory.trained_weights);
  add_sync(tasks, Collective::all_gather, state_groups(plan, mesh, true).shard,
           without_tables(memory).trained_expert_weights);
  return tasks;
}

std::vector<Task> update_tasks(const Plan& plan, const BlockMemory& memory) {
  const Mesh mesh = mesh_of(plan);
  std::vector<Task> tasks;
  if (memory.parameters + memory.expert_parameters <= 0) return tasks;
  const Group tensor = mesh.group(MeshAxis::tensor);
  if (tensor.size > 1 && memory.tensor_partial_parameters > 0) {
    tasks.push_back(
        sync(Collective::all_reduce, MeshAxis::tensor, tensor,
             memory.tensor_partial_parameters * bytes_per_element(plan.gradient_format)));
  }
  const std::vector<Task> reductions = reduction_tasks(plan, mesh, memory);
  tasks.insert(tasks.end(), reductions.begin(), reductions.end());
  if (plan.optimizer == Optimizer::muon && memory.orthogonalisation > Flops{}) {
    const double all = memory.matrix_parameters + memory.expert_matrix_parameters;
    const double share = owned_matrix_parameters(plan, mesh, memory) / all;
    tasks.push_back(orthogonalisation(share, memory));
  }
  if (plan.optimizer != Optimizer::none)
    tasks.push_back(elementwise_step(plan, mesh, without_tables(memory)));
  add_copies(plan, mesh, memory, tasks);
  const std::vector<Task> gathers = gather_tasks(plan, mesh, memory);
  tasks.insert(tasks.end(), gathers.begin(), gathers.end());
  return tasks;
}

}  // namespace fastpath
