#include "engine/parted_backward.h"

#include <algorithm>
#include <map>
#include <optional>

namespace fastpath {
namespace {

/// By task of the backward: whether it can wait for the weight half.
std::vector<bool> in_weight_half(const std::vector<Task>& backward) {
  std::vector<bool> waited_for(backward.size(), false);
  std::vector<bool> weight(backward.size(), false);
  std::vector<bool> needed_by_inputs(backward.size(), false);
  for (std::size_t i = backward.size(); i-- > 0;) {
    const Task& task = backward[i];
    const bool moves = task.collective != Collective::none && waited_for[i];
    weight[i] = task.pass == Pass::backward_weight || (moves && !needed_by_inputs[i]);
    for (const std::uint32_t before : task.after) {
      waited_for[before] = true;
      if (!weight[i]) needed_by_inputs[before] = true;
    }
  }
  return weight;
}

/// The operand of a weight's gradient that is kept from the forward, if there is one.
std::optional<TensorId> kept_operand(const Block& block, const Op& op) {
  for (const TensorId input : op.inputs) {
    if (block.tensors[input].role != TensorRole::weight) return input;
  }
  return std::nullopt;
}

Bytes output_bytes(const BlockProgram& program, std::uint32_t op) {
  for (const Task& task : program.forward) {
    if (task.op == op && task.collective == Collective::none) return task.shape.write;
  }
  return {};
}

/// Ranks that hold a share each of what the weight half gathers for `task`.
double shares(const std::vector<Task>& backward, const std::vector<bool>& weight,
              const Task& task) {
  double ranks = 1;
  for (const std::uint32_t before : task.after) {
    const bool gather = backward[before].collective == Collective::all_gather;
    if (weight[before] && gather) ranks = static_cast<double>(backward[before].group.size);
  }
  return ranks;
}

}  // namespace

std::vector<Task> tasks_of(const BlockProgram& program, SlotPass pass) {
  if (pass == SlotPass::forward) return program.forward;
  if (pass == SlotPass::backward) return program.backward;
  const std::vector<bool> weight = in_weight_half(program.backward);
  const bool wanted = pass == SlotPass::backward_weight;
  std::vector<Task> half;
  std::vector<std::uint32_t> place(program.backward.size());
  for (std::size_t i = 0; i < program.backward.size(); ++i) {
    if (weight[i] != wanted) continue;
    Task task = program.backward[i];
    std::vector<std::uint32_t> after;
    for (const std::uint32_t before : task.after) {
      if (weight[before] == wanted) after.push_back(place[before]);
    }
    task.after = std::move(after);
    place[i] = static_cast<std::uint32_t>(half.size());
    half.push_back(std::move(task));
  }
  return half;
}

Bytes kept_for_weights(const Block& block, const BlockProgram& program) {
  const std::vector<Task>& backward = program.backward;
  const std::vector<bool> weight = in_weight_half(backward);
  std::map<TensorId, Bytes> operands;
  Bytes gradients;
  for (std::size_t i = 0; i < backward.size(); ++i) {
    const Task& task = backward[i];
    if (!weight[i] || task.collective != Collective::none || task.op == kWholeBlock) continue;
    const Bytes gradient = output_bytes(program, task.op);
    gradients += gradient;
    const auto operand = kept_operand(block, block.ops[task.op]);
    if (!operand) continue;
    // A weight's gradient reads its output's gradient, its operand, and itself, to add to.
    const Bytes read = task.shape.read - task.shape.write - gradient;
    const Bytes kept = std::max(Bytes{}, read) / shares(backward, weight, task);
    operands[*operand] = std::max(operands[*operand], kept);
  }
  Bytes sum = gradients;
  for (const auto& [tensor, bytes] : operands)
    sum += bytes;
  return sum;
}

}  // namespace fastpath
