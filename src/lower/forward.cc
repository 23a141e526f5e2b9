#include "lower/forward.h"

#include <algorithm>
#include <array>

#include "lower/adapters.h"
#include "lower/runtime_graph.h"
#include "lower/saved.h"
#include "lower/tiling.h"

namespace fastpath {
namespace {

constexpr double kStatisticBytes = 4;  // fp32

class ForwardLowering {
 public:
  ForwardLowering(const LoweringContext& context, const Block& block,
                  const std::vector<OpDims>& op_dims)
      : context_(context),
        splitting_(context.splitting),
        block_(block),
        op_dims_(op_dims),
        saved_(saved_tensors(block)),
        reads_(block.tensors.size(), 0),
        state_(splitting_) {}

  ForwardState run() {
    prepare();
    for (std::uint32_t op = 0; op < block_.ops.size(); ++op)
      lower_op(op);
    leave_outputs_canonical();
    for (const Copies& copies : state_.copies) {
      state_.home.push_back(copies.empty() ? Layout{} : copies.front().layout);
    }
    return std::move(state_);
  }

 private:
  void prepare() {
    state_.copies.resize(block_.tensors.size());
    state_.consumed.assign(block_.tensors.size(), false);
    state_.produced.assign(block_.tensors.size(), false);
    for (const Op& op : block_.ops) {
      for (const TensorId id : op.inputs) {
        state_.consumed[id] = true;
        ++reads_[id];
      }
      for (const TensorId id : op.outputs)
        state_.produced[id] = true;
    }
    for (std::size_t id = 0; id < block_.tensors.size(); ++id) {
      const Tensor& tensor = block_.tensors[id];
      const bool crosses = !state_.produced[id] && tensor.role == TensorRole::activation;
      if (crosses) state_.copies[id] = {Copy{splitting_.canonical(tensor), {}}};
    }
  }

  void lower_op(std::uint32_t index) {
    const Op& op = block_.ops[index];
    const OpDims& dims = op_dims_[index];
    const Layout split = splitting_.of_op(block_, op, dims);
    const std::array<bool, kSplitAxes> partial = partial_axes(op);
    Task task;
    task.op = index;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      const std::vector<std::uint32_t> after = bring_input(index, i, split);
      task.after.insert(task.after.end(), after.begin(), after.end());
    }
    task.shape = shape_of(op, dims, split);
    task.replication = splitting_.replication(split);
    dequantise(op, task);
    state_.op_split.push_back(split);
    state_.shapes.push_back(task.shape);
    std::uint32_t done = splitting_.rings(op, split)
                             ? add_ring_attention(state_.list, std::move(task),
                                                  ring_of(splitting_, block_, op, split))
                             : add_task(op, std::move(task));
    done = exchange_statistics(index, split, done);
    for (const TensorId id : op.outputs) {
      Layout layout = splitting_.of_output(block_, op, id, dims, split);
      for (std::size_t axis = 0; axis < layout.size(); ++axis) {
        if (partial[axis]) layout[axis] = Placement::partial();
      }
      state_.copies[id] = {Copy{layout, {done}}};
    }
  }

  /// Axes on which a linear operator takes partial sums, and leaves them.
  std::array<bool, kSplitAxes> partial_axes(const Op& op) const {
    std::array<bool, kSplitAxes> partial{};
    if (!keeps_partial_sums(op)) return partial;
    for (const TensorId id : op.inputs) {
      if (state_.copies[id].empty()) continue;
      const Layout& layout = state_.copies[id].front().layout;
      for (std::size_t axis = 0; axis < layout.size(); ++axis)
        partial[axis] = partial[axis] || layout[axis].is_partial();
    }
    return partial;
  }

  /// Training widens weights of formats that no engine multiplies before each product with them.
  void dequantise(const Op& op, Task& task) {
    if (!context_.training || !widens_weights(splitting_.plan(), block_, op)) return;
    task.after.push_back(state_.list.add(widening(splitting_, block_, op, task)));
  }

  /// A compiler runs a map in the kernel of the operator whose output it reads. That output stays
  /// inside where nothing else reads it.
  std::uint32_t add_task(const Op& op, Task task) {
    const bool fuses = splitting_.plan().execution == Execution::compiled && streams(op.kind);
    const auto host = fuses ? state_.list.kernel_to_join(task.after) : std::nullopt;
    if (!host) return state_.list.add(std::move(task));
    Bytes handed;
    Bytes kept_inside;
    for (const TensorId id : op.inputs) {
      if (!state_.produced[id] || !written_in(id, *host)) continue;
      const Bytes bytes = splitting_.bytes(block_.tensors[id], state_.copies[id].front().layout);
      handed += bytes;
      const bool needed = reads_[id] > 1 || (context_.training && saved_[id]);
      if (!needed) kept_inside += bytes;
    }
    return state_.list.add_fused(std::move(task), *host, handed, kept_inside);
  }

  /// Whether tensor `id` leaves the kernel of task `host`.
  bool written_in(TensorId id, std::uint32_t host) const {
    const std::vector<std::uint32_t>& after = state_.copies[id].front().after;
    if (after.size() != 1) return false;
    return state_.list.kernel_of(after.front()) == host;
  }

  /// Weights, data and caches lie as their first reader wants them; activations are brought.
  std::vector<std::uint32_t> bring_input(std::uint32_t index, std::size_t input,
                                         const Layout& split) {
    const Op& op = block_.ops[index];
    const TensorId id = op.inputs[input];
    Layout wanted = splitting_.of_input(block_, op, input, split);
    if (keeps_partial_sums(op) && !state_.copies[id].empty()) {
      const Layout& there = state_.copies[id].front().layout;
      for (std::size_t axis = 0; axis < there.size(); ++axis) {
        if (there[axis].is_partial()) wanted[axis] = Placement::partial();
      }
    }
    if (state_.copies[id].empty()) state_.copies[id] = {Copy{wanted, {}}};
    return state_.list.bring(block_.tensors[id], state_.copies[id], wanted, index);
  }

  /// Of activations behind the weights: a sum that runs inside the convolution.
  Bytes summed_bytes(const Op& op, const DimSizes& sizes) const {
    Bytes bytes;
    for (std::size_t i = 2; i < op.inputs.size(); ++i) {
      const Tensor& tensor = block_.tensors[op.inputs[i]];
      if (tensor.role != TensorRole::activation && tensor.role != TensorRole::input) continue;
      bytes += elements(splitting_.workload(), tensor, sizes) * bytes_per_element(tensor.format);
    }
    return bytes;
  }

  static bool divides(const Op& op) {
    const std::string& function = op.attributes.function;
    return op.kind == OpKind::elementwise &&
           (function == "div" || function == "sqrt" || function == "reciprocal");
  }

  OpShape shape_of(const Op& op, const OpDims& dims, const Layout& split) const {
    const DimSizes sizes = splitting_.op_sizes(dims, split);
    const OpCounts counts = forward_counts(splitting_.workload(), block_, op, sizes);
    OpShape shape;
    // Kernels of adapters know their groups beforehand: they are batches of products, without what
    // routing to experts takes.
    shape.kind = keeps_partial_sums(op) ? OpKind::matmul : op.kind;
    shape.compute_format = compute_format_of(splitting_.plan(), block_, op);
    shape.work = counts.work;
    shape.read = counts.read;
    shape.write = counts.write;
    shape.weights = counts.weights;
    if (splitting_.deals_out(block_, op)) read_own_rows(split, shape);
    shape.m = counts.m;
    shape.n = counts.n;
    shape.k = counts.k;
    shape.batch = counts.batch;
    if (op.kind == OpKind::convolution) {
      shape.group = convolution_groups(splitting_.workload(), block_, op, sizes);
      shape.im2col = op.attributes.function == kIm2col;
      shape.summed = summed_bytes(op, sizes);
    }
    shape.division = divides(op);
    if (op.kind == OpKind::attention && !splitting_.plan().flash_attention) unfuse(op, shape);
    return shape;
  }

  /// A rank that holds some of the rows reads its share of those looked up, and writes zeros for
  /// the others.
  void read_own_rows(const Layout& split, OpShape& shape) const {
    if (splitting_.plan().tables != TablePlacement::rows) return;
    const auto axis = static_cast<std::size_t>(MeshAxis::expert);
    if (!split[axis].is_split()) return;
    const Bytes own = shape.weights / static_cast<double>(splitting_.mesh().size[axis]);
    shape.read -= shape.weights - own;
    shape.weights = own;
  }

  /// Scores and probabilities written and read back (2 passes each), and masked tiles computed.
  void unfuse(const Op& op, OpShape& shape) const {
    const double context = mean_context(op);
    const Bytes scores =
        shape.batch * shape.m * context * bytes_per_element(block_.tensors[op.outputs[0]].format);
    shape.work = shape.work * (context / std::max(shape.n, 1.0));
    shape.n = context;
    shape.read += 2.0 * scores;
    shape.write += 2.0 * scores;
    shape.launches = 3;
    if (!op.attributes.dropout || !context_.training) return;
    // Probabilities are read, dropped and written, with a mask of one byte each.
    shape.read += scores;
    shape.write += scores + Bytes{shape.batch * shape.m * context};
    shape.launches = 4;
  }

  double mean_context(const Op& op) const {
    double context = 1;
    for (const Axis& axis : block_.tensors[op.inputs[1]].axes) {
      const Dim& dim = splitting_.workload().dims[axis.dim];
      const bool keys = dim.kind == DimKind::context || dim.kind == DimKind::sequence;
      if (keys) context = static_cast<double>(dim.size);
    }
    return context;
  }

  /// A reduction whose dimension is kept (norm, softmax, loss) but split over tensor ranks
  /// exchanges its row statistics: a maximum or mean, and a sum.
  std::uint32_t exchange_statistics(std::uint32_t index, const Layout& split, std::uint32_t done) {
    const Op& op = block_.ops[index];
    const Placement tensor = split[0];
    if (!tensor.is_split()) return done;
    if (op_dims_[index].role(tensor.dim()) != DimRole::reduce) return done;
    const DimSizes sizes = splitting_.op_sizes(op_dims_[index], split);
    const Tensor& x = block_.tensors[op.inputs[0]];
    const double rows = elements(splitting_.workload(), x, sizes) / sizes[op.attributes.over];
    return state_.list.reduce_statistics(index, MeshAxis::tensor, Bytes{2 * kStatisticBytes * rows},
                                         done);
  }

  void leave_outputs_canonical() {
    for (std::size_t id = 0; id < block_.tensors.size(); ++id) {
      const Tensor& tensor = block_.tensors[id];
      const bool leaves =
          state_.produced[id] && !state_.consumed[id] && tensor.role == TensorRole::activation;
      if (!leaves) continue;
      state_.list.bring(tensor, state_.copies[id], splitting_.canonical(tensor),
                        static_cast<std::uint32_t>(block_.ops.size() - 1));
    }
  }

  const LoweringContext& context_;
  const Splitting& splitting_;
  const Block& block_;
  const std::vector<OpDims>& op_dims_;
  std::vector<bool> saved_;  ///< by tensor: kept for the backward
  std::vector<int> reads_;   ///< by tensor
  ForwardState state_;
};

}  // namespace

ForwardState lower_forward(const LoweringContext& context, const Block& block,
                           const std::vector<OpDims>& op_dims) {
  return ForwardLowering(context, block, op_dims).run();
}

}  // namespace fastpath
