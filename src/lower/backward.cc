#include "lower/backward.h"

#include <algorithm>
#include <set>

#include "lower/saved.h"
#include "lower/tiling.h"
#include "lower/update.h"

namespace fastpath {
namespace {

bool is_contraction(OpKind kind) {
  return kind == OpKind::matmul || kind == OpKind::grouped_matmul || kind == OpKind::convolution;
}

/// The gradient of the output is the gradient of each input: nothing is computed.
bool passes_gradient_through(const Op& op) {
  return op.kind == OpKind::cache_append ||
         (op.kind == OpKind::elementwise && op.attributes.function == "add");
}

class BackwardLowering {
 public:
  BackwardLowering(const LoweringContext& context, const Block& block,
                   const std::vector<OpDims>& op_dims, const ForwardState& forward, TaskList& list)
      : context_(context),
        splitting_(context.splitting),
        block_(block),
        op_dims_(op_dims),
        forward_(forward),
        list_(list),
        gradients_(block.tensors.size()) {
    for (std::size_t id = 0; id < block.tensors.size(); ++id) {
      saved_.push_back({Copy{forward.home[id], {}}});
    }
  }

  void run() {
    for (std::size_t id = 0; id < block_.tensors.size(); ++id) {
      const bool leaves = forward_.produced[id] && !forward_.consumed[id];
      if (leaves) gradients_[id] = {Copy{forward_.home[id], {}}};
    }
    for (std::size_t i = block_.ops.size(); i-- > 0;)
      lower_op(static_cast<std::uint32_t>(i));
    leave_inputs_home();
  }

 private:
  bool needs_gradient(TensorId id) const {
    const Tensor& tensor = block_.tensors[id];
    if (tensor.role != TensorRole::activation && tensor.role != TensorRole::cache) return false;
    return forward_.produced[id] || !context_.first_block;
  }

  void lower_op(std::uint32_t index) {
    const Op& op = block_.ops[index];
    std::vector<std::uint32_t> after;
    bool any = false;
    for (const TensorId id : op.outputs) {
      if (gradients_[id].empty()) continue;
      any = true;
      const Layout wanted = output_gradient_layout(index, id);
      const auto ready = list_.bring(block_.tensors[id], gradients_[id], wanted, index);
      after.insert(after.end(), ready.begin(), ready.end());
    }
    if (!any) return;
    if (passes_gradient_through(op)) {
      pass_through(index, after);
    } else if (is_contraction(op.kind)) {
      contract(index, after);
    } else {
      differentiate(index, after);
    }
  }

  /// A sum's gradient is its parts' gradient: partial outputs need it whole on every rank.
  Layout output_gradient_layout(std::uint32_t index, TensorId id) const {
    const Op& op = block_.ops[index];
    Layout layout = splitting_.of_output(block_, op, id, op_dims_[index], forward_.op_split[index]);
    for (Placement& placement : layout) {
      if (placement.is_partial()) placement = Placement::replicated();
    }
    return layout;
  }

  /// A rank that splits a dimension which the input lacks holds only its part of the sum.
  Layout input_gradient_layout(std::uint32_t index, std::size_t input) const {
    const Layout& split = forward_.op_split[index];
    Layout layout = splitting_.of_input(block_, block_.ops[index], input, split);
    for (std::size_t axis = 0; axis < layout.size(); ++axis) {
      if (split[axis].is_split() && layout[axis].is_replicated()) {
        layout[axis] = Placement::partial();
      }
    }
    return layout;
  }

  void pass_through(std::uint32_t index, const std::vector<std::uint32_t>& after) {
    const Op& op = block_.ops[index];
    if (op.inputs.size() > 1) read_twice_.insert(after.begin(), after.end());
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      if (!needs_gradient(op.inputs[i])) continue;
      Layout layout = splitting_.of_input(block_, op, i, forward_.op_split[index]);
      contribute(index, op.inputs[i], Copy{layout, after}, false);
    }
  }

  void contract(std::uint32_t index, const std::vector<std::uint32_t>& after) {
    const Op& op = block_.ops[index];
    for (std::size_t i = 0; i < 2; ++i) {
      if (!needs_gradient(op.inputs[i])) continue;
      Task product = contraction_task(index, i, after);
      if (i == 0 && widens_weights(splitting_.plan(), block_, op)) {
        product.after.push_back(list_.add(widening(splitting_, block_, op, product)));
        list_.tasks().back().pass = Pass::backward_input;
      }
      const std::uint32_t task = list_.add(std::move(product));
      list_.tasks()[task].pass = Pass::backward_input;
      contribute(index, op.inputs[i], Copy{input_gradient_layout(index, i), {task}}, true);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      if (block_.tensors[op.inputs[i]].role != TensorRole::weight) continue;
      const std::uint32_t task = list_.add(contraction_task(index, i, after));
      list_.tasks()[task].pass = Pass::backward_weight;
    }
  }

  /// The product of the output's gradient with the other operand. For y = x w (m x k times k x n):
  /// dx is m x n times n x k, dw is k x m times m x n.
  Task contraction_task(std::uint32_t index, std::size_t target,
                        const std::vector<std::uint32_t>& after) {
    const Op& op = block_.ops[index];
    const OpShape& forward = forward_.shapes[index];
    const std::size_t other = 1 - target;
    const bool weight = block_.tensors[op.inputs[target]].role == TensorRole::weight;
    Task task;
    task.op = index;
    task.after = after;
    bring_saved(index, other, task.after);
    task.replication = splitting_.replication(forward_.op_split[index]);
    task.shape = forward;
    if (target == 0) {
      std::swap(task.shape.n, task.shape.k);
    } else {
      std::swap(task.shape.m, task.shape.k);
    }
    const Bytes operand = input_bytes(index, other);
    const Bytes result = input_bytes(index, target);
    const TensorRole role = block_.tensors[op.inputs[other]].role;
    const bool other_is_weight = role == TensorRole::weight || role == TensorRole::constant;
    task.shape.weights = other_is_weight ? operand : Bytes{};
    task.shape.read = forward.write + operand;
    task.shape.write = weight ? accumulated_bytes(index, target) : result;
    if (weight) task.shape.read += task.shape.write;
    return task;
  }

  /// Weight gradients are added to in the plan's gradient format.
  Bytes accumulated_bytes(std::uint32_t index, std::size_t input) const {
    const Tensor& weight = block_.tensors[block_.ops[index].inputs[input]];
    const double scale =
        bytes_per_element(splitting_.plan().gradient_format) / bytes_per_element(weight.format);
    return scale * input_bytes(index, input);
  }

  Bytes input_bytes(std::uint32_t index, std::size_t input) const {
    const Op& op = block_.ops[index];
    const DimSizes sizes = splitting_.op_sizes(op_dims_[index], forward_.op_split[index]);
    return tensor_bytes(splitting_.workload(), block_.tensors[op.inputs[input]], sizes);
  }

  /// Brings a saved operand from its home into the operator's layout again.
  void bring_saved(std::uint32_t index, std::size_t input, std::vector<std::uint32_t>& after) {
    const Op& op = block_.ops[index];
    const TensorId id = op.inputs[input];
    if (block_.tensors[id].role != TensorRole::activation) return;
    const Layout wanted = splitting_.of_input(block_, op, input, forward_.op_split[index]);
    const auto ready = list_.bring(block_.tensors[id], saved_[id], wanted, index);
    after.insert(after.end(), ready.begin(), ready.end());
  }

  /// Everything but contractions: one kernel for all inputs.
  void differentiate(std::uint32_t index, std::vector<std::uint32_t> after) {
    const Op& op = block_.ops[index];
    const bool frozen =
        op.kind == OpKind::embedding && block_.tensors[op.inputs[1]].role != TensorRole::weight;
    if (frozen) return;
    Task task;
    task.op = index;
    if (!forgets_inputs(op)) {
      for (std::size_t i = 0; i < op.inputs.size(); ++i)
        bring_saved(index, i, after);
    }
    task.after = std::move(after);
    task.replication = splitting_.replication(forward_.op_split[index]);
    task.shape = derived_shape(index);
    const std::uint32_t done = add_task(index, std::move(task));
    list_.tasks()[done].pass =
        op.kind == OpKind::embedding ? Pass::backward_weight : Pass::backward_input;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      if (!needs_gradient(op.inputs[i])) continue;
      contribute(index, op.inputs[i], Copy{input_gradient_layout(index, i), {done}},
                 compiled() && streams(op.kind));
    }
  }

  bool compiled() const { return splitting_.plan().execution == Execution::compiled; }

  /// A compiler runs the backward of a map in the kernel that computes its output's gradient, which
  /// then stays inside.
  std::uint32_t add_task(std::uint32_t index, Task task) {
    const Op& op = block_.ops[index];
    const Layout& split = forward_.op_split[index];
    if (splitting_.rings(op, split)) {
      // Keys and values go round with their gradients.
      Ring ring = ring_of(splitting_, block_, op, split);
      ring.payload *= 2;
      return add_ring_attention(list_, std::move(task), ring);
    }
    const bool fuses = compiled() && streams(op.kind) && op.outputs.size() == 1;
    const auto host = fuses ? list_.kernel_to_join(task.after) : std::nullopt;
    if (!host) return list_.add(std::move(task));
    const std::uint32_t last = *std::max_element(task.after.begin(), task.after.end());
    const Bytes gradient = forward_.shapes[index].write;
    const bool inside = read_twice_.count(last) == 0;
    return list_.add_fused(std::move(task), *host, gradient, inside ? gradient : Bytes{});
  }

  OpShape derived_shape(std::uint32_t index) const {
    const Op& op = block_.ops[index];
    const OpShape& forward = forward_.shapes[index];
    OpShape shape = forward;
    const bool fused = splitting_.plan().flash_attention;
    shape.work = backward_work_ratio(block_, op, fused) * forward.work;
    Bytes inputs;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      if (block_.tensors[op.inputs[i]].role == TensorRole::activation) {
        inputs += input_bytes(index, i);
      }
    }
    const Bytes operands = forgets_inputs(op) ? Bytes{} : inputs;
    shape.weights = Bytes{};
    shape.read = forward.write + operands;
    shape.write = inputs;
    if (op.kind == OpKind::embedding) shape.write = forward.write;
    if (splitting_.deals_out(block_, op)) return updated_rows(index);
    if (op.kind == OpKind::attention) shape.read += forward.write;
    return shape;
  }

  /// The rows that were looked up are updated as their gradients arrive.
  OpShape updated_rows(std::uint32_t index) const {
    const Op& op = block_.ops[index];
    const OpShape& forward = forward_.shapes[index];
    const Bytes each = bytes_per_element(block_.tensors[op.inputs[1]].format);
    const double elements = forward.weights / each;
    const Bytes state = table_state(splitting_.plan(), elements, each);
    OpShape shape = elementwise_update(elements, forward.write, state, forward.weights);
    shape.read += forward.weights;
    shape.kind = OpKind::embedding;
    return shape;
  }

  /// Adds a contribution to the gradient of tensor `id`. A contraction adds into its output as it
  /// writes; others need a kernel for it.
  void contribute(std::uint32_t index, TensorId id, Copy part, bool adds_in_place) {
    Copies& gradient = gradients_[id];
    if (gradient.empty()) {
      gradient = {std::move(part)};
      return;
    }
    const Tensor& tensor = block_.tensors[id];
    if (gradient.front().layout != part.layout) {
      Copies other = {std::move(part)};
      list_.bring(tensor, other, forward_.home[id], index);
      list_.bring(tensor, gradient, forward_.home[id], index);
      part = at_layout(other, forward_.home[id]);
      gradient = {at_layout(gradient, forward_.home[id])};
      adds_in_place = false;
    }
    std::vector<std::uint32_t> after = gradient.front().after;
    after.insert(after.end(), part.after.begin(), part.after.end());
    const Bytes bytes = splitting_.bytes(tensor, part.layout);
    if (adds_in_place && part.after.size() == 1) {
      list_.tasks()[list_.kernel_of(part.after.front())].shape.read += bytes;
    } else {
      after = {list_.add(addition(index, after, bytes))};
      list_.tasks()[after.front()].pass = Pass::backward_input;
    }
    gradient = {Copy{part.layout, after}};
  }

  static Copy at_layout(const Copies& copies, const Layout& layout) {
    for (const Copy& copy : copies) {
      if (copy.layout == layout) return copy;
    }
    return copies.front();
  }

  static Task addition(std::uint32_t index, std::vector<std::uint32_t> after, Bytes bytes) {
    Task task;
    task.op = index;
    task.after = std::move(after);
    task.shape.kind = OpKind::elementwise;
    task.shape.read = 2.0 * bytes;
    task.shape.write = bytes;
    return task;
  }

  void leave_inputs_home() {
    for (std::size_t id = 0; id < block_.tensors.size(); ++id) {
      if (forward_.produced[id] || gradients_[id].empty()) continue;
      list_.bring(block_.tensors[id], gradients_[id], forward_.home[id], 0);
    }
  }

  const LoweringContext& context_;
  const Splitting& splitting_;
  const Block& block_;
  const std::vector<OpDims>& op_dims_;
  const ForwardState& forward_;
  TaskList& list_;
  std::vector<Copies> saved_;           ///< by tensor
  std::vector<Copies> gradients_;       ///< by tensor; empty: none yet
  std::set<std::uint32_t> read_twice_;  ///< tasks whose gradient goes to several tensors
};

}  // namespace

void lower_backward(const LoweringContext& context, const Block& block,
                    const std::vector<OpDims>& op_dims, const ForwardState& forward,
                    TaskList& list) {
  BackwardLowering(context, block, op_dims, forward, list).run();
}

}  // namespace fastpath
