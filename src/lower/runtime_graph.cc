#include "lower/runtime_graph.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "ir/semantics.h"
#include "lower/spelled_out.h"

namespace fastpath {
namespace {

constexpr double kBlock = 16;    ///< channels: vectors of 512 bits hold 16 numbers of 32
constexpr double kMultiple = 4;  ///< input channels of a convolution in that layout

constexpr std::array<std::string_view, 6> kActivations{"relu", "leaky_relu",   "sigmoid",
                                                       "tanh", "hard_sigmoid", "clip"};
/// Those that the blocked layout keeps where they cannot run inside a convolution.
constexpr std::array<std::string_view, 3> kBlockedActivations{"relu", "sigmoid", "tanh"};

template <std::size_t N>
bool is_one_of(std::string_view function, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), function) != names.end();
}

/// A convolution or matmul that later operators may join.
struct FusingOp {
  std::size_t op = 0;  ///< index in the rewritten block
  bool activated = false;
  bool summed = false;
};

class BlockRewriter {
 public:
  BlockRewriter(const Workload& workload, const Block& block, RuntimeGraph& result)
      : workload_(workload),
        source_(block),
        result_(result),
        sizes_(whole_sizes(workload)),
        block_{block.name, block.tensors, {}} {}

  Block run() {
    const std::size_t tensors = block_.tensors.size();
    readers_.assign(tensors, 0);
    host_.resize(tensors);
    stands_for_.resize(tensors);
    for (std::size_t i = 0; i < tensors; ++i)
      stands_for_[i] = static_cast<TensorId>(i);
    blocked_.assign(tensors, kNone);
    plain_.assign(tensors, kNone);
    std::vector<bool> written(tensors, false);
    for (const Op& op : source_.ops) {
      for (const TensorId id : op.inputs)
        ++readers_[id];
      for (const TensorId id : op.outputs)
        written[id] = true;
    }
    for (std::size_t i = 0; i < tensors; ++i) {
      if (!written[i]) plain_[i] = static_cast<TensorId>(i);
    }
    for (const Op& op : source_.ops)
      rewrite(op);
    leave_outputs_plain(written);
    return std::move(block_);
  }

 private:
  static constexpr TensorId kNone = 0xffffffff;

  const Tensor& tensor(TensorId id) const { return block_.tensors[id]; }
  bool is_stored(TensorId id) const {
    const TensorRole role = tensor(id).role;
    return role == TensorRole::weight || role == TensorRole::constant;
  }
  double count(TensorId id) const { return elements(workload_, tensor(id), sizes_); }

  DimKind kind_of(const Axis& axis) const { return workload_.dims[axis.dim].kind; }

  /// What is neither batch nor place.
  double features(TensorId id) const {
    double product = 1;
    for (const Axis& axis : tensor(id).axes) {
      const bool counts = kind_of(axis) != DimKind::spatial && kind_of(axis) != DimKind::batch;
      if (counts) product *= static_cast<double>(workload_.dims[axis.dim].size);
    }
    return product;
  }

  /// Of an image or a batch of them; 0: no image. An image of one place shows none, but is in
  /// blocks or not.
  double channels(TensorId id) const {
    const auto& axes = tensor(id).axes;
    const bool places = std::any_of(axes.begin(), axes.end(), [&](const Axis& axis) {
      return kind_of(axis) == DimKind::spatial;
    });
    return places || in_blocks(id) ? features(id) : 0;
  }

  bool is_a_channel_each(TensorId constant, TensorId image) const {
    const double size = count(constant);
    return is_stored(constant) && size > 1 && size == channels(image);
  }

  bool in_blocks(TensorId id) const { return blocked_[stands_for_[id]] != kNone; }

  /// The tensor in a layout; reordered where it is only in the other.
  TensorId in_layout(TensorId id, bool blocked, const std::string& reader) {
    const TensorId real = stands_for_[id];
    std::vector<TensorId>& wanted = blocked ? blocked_ : plain_;
    const std::vector<TensorId>& other = blocked ? plain_ : blocked_;
    if (wanted[real] != kNone) return wanted[real];
    if (other[real] == kNone) return real;
    Tensor copy = tensor(real);
    copy.role = TensorRole::activation;
    copy.name += blocked ? ".blocked" : ".plain";
    const TensorId made = add_tensor(copy);
    Op op;
    op.name = reader + (blocked ? ".reorder_input" : ".reorder_output");
    op.kind = OpKind::opaque;
    op.inputs = {other[real]};
    op.outputs = {made};
    op.attributes.function = "reorder";
    block_.ops.push_back(std::move(op));
    ++result_.reorders;
    wanted[real] = made;
    return made;
  }

  TensorId add_tensor(Tensor added) {
    const auto id = static_cast<TensorId>(block_.tensors.size());
    block_.tensors.push_back(std::move(added));
    readers_.push_back(0);
    host_.emplace_back();
    stands_for_.push_back(id);
    blocked_.push_back(kNone);
    plain_.push_back(kNone);
    return id;
  }

  void emit(const Op& op, bool blocked) {
    Op made = op;
    for (TensorId& id : made.inputs) {
      if (!is_stored(id)) id = in_layout(id, blocked, op.name);
    }
    block_.ops.push_back(std::move(made));
    for (const TensorId id : op.outputs)
      (blocked ? blocked_ : plain_)[id] = id;
  }

  void rewrite(const Op& op) {
    if (op.outputs.size() == 1 && (joins_weights(op) || joins_as_activation(op) || joins_sum(op))) {
      return;
    }
    switch (op.kind) {
      case OpKind::convolution: return rewrite_convolution(op);
      case OpKind::matmul: return rewrite_matmul(op);
      case OpKind::elementwise: return rewrite_elementwise(op);
      case OpKind::pool: return emit(op, in_blocks(op.inputs[0]) || whole_blocks(op.inputs[0]));
      case OpKind::reduce:
        // A global pool: the places are gone, channels stay.
        return emit(op, in_blocks(op.inputs[0]) && whole_blocks(op.inputs[0]));
      case OpKind::copy: return rewrite_copy(op);
      default: return emit(op, false);
    }
  }

  bool whole_blocks(TensorId id) const {
    const double size = channels(id);
    return size > 0 && std::fmod(size, kBlock) == 0;
  }

  bool keeps_blocks(const Op& op) const {
    if (op.attributes.function != "concat" || !whole_blocks(op.outputs[0])) return false;
    return std::all_of(op.inputs.begin(), op.inputs.end(),
                       [&](TensorId id) { return in_blocks(id) && whole_blocks(id); });
  }

  void rewrite_copy(const Op& op) {
    const std::string& function = op.attributes.function;
    if (function != "transpose") return emit(op, keeps_blocks(op));
    Op moves = op;
    moves.kind = OpKind::opaque;  // as the runtime's own changes of layout
    emit(moves, false);
  }

  void rewrite_convolution(const Op& op) {
    const double in = features(op.inputs[0]);
    const double out = features(op.outputs[0]);
    const double groups = convolution_groups(workload_, block_, op, sizes_);
    const auto divides = [](double whole, double part) { return std::fmod(whole, part) == 0; };
    bool blocked = op.attributes.function.empty();  // else not of images
    bool image = false;
    if (groups > 1) {
      const bool depthwise = groups == out && groups == in;
      blocked = blocked && divides(out, kBlock) &&
                (depthwise || (divides(in / groups, kBlock) && divides(out / groups, kBlock)));
    } else {
      image = in < kBlock;
      blocked = blocked && (image || divides(in, kMultiple));
    }
    if (blocked && image) {
      Op made = op;
      made.inputs[0] = in_layout(op.inputs[0], false, op.name);
      block_.ops.push_back(std::move(made));
      blocked_[op.outputs[0]] = op.outputs[0];
    } else {
      emit(op, blocked);
      if (!blocked) block_.ops.back().attributes.function = kIm2col;
    }
    host_[op.outputs[0]] = FusingOp{block_.ops.size() - 1, false, false};
  }

  void rewrite_matmul(const Op& op) {
    emit(op, false);
    const bool plain = tensor(op.outputs[0]).axes.size() <= 2;  // no batch of matrices
    if (is_stored(op.inputs[1]) && plain) {
      host_[op.outputs[0]] = FusingOp{block_.ops.size() - 1, true, true};  // takes a bias, no more
    }
  }

  void rewrite_elementwise(const Op& op) {
    const std::string& function = op.attributes.function;
    const TensorId x = op.inputs[0];
    const bool scales =
        function == "batch_norm" ||
        (function == "mul" && op.inputs.size() == 2 &&
         (is_a_channel_each(op.inputs[1], x) || is_a_channel_each(x, op.inputs[1])));
    if (scales) return rewrite_scale(op);
    const bool same = op.inputs.size() == 2 && count(x) == count(op.inputs[1]) && in_blocks(x) &&
                      in_blocks(op.inputs[1]);
    const bool sums = (function == "add" || function == "mul") && same;
    const bool activates = is_one_of(function, kBlockedActivations) && in_blocks(x);
    emit(op, sums || activates);
  }

  /// One factor a channel: in blocks it becomes a convolution of each channel by itself.
  void rewrite_scale(const Op& op) {
    const auto image = std::find_if(op.inputs.begin(), op.inputs.end(),
                                    [&](TensorId id) { return !is_stored(id); });
    if (image == op.inputs.end() || !in_blocks(*image)) return emit(op, false);
    emit(op, true);
    host_[op.outputs[0]] = FusingOp{block_.ops.size() - 1, false, true};
  }

  /// The host of the tensor that only this operator reads.
  FusingOp* host_of(TensorId id) {
    const TensorId real = stands_for_[id];
    if (readers_[id] != 1 || !host_[real]) return nullptr;
    return &*host_[real];
  }

  void join(const Op& op, TensorId host) {
    const TensorId real = stands_for_[host];
    stands_for_[op.outputs[0]] = real;
    readers_[real] = readers_[op.outputs[0]];
    // The runtime calls the whole by the last output that joined before a sum.
    if (!host_[real]->summed) block_.tensors[real].name = tensor(op.outputs[0]).name;
    ++result_.fused;
  }

  bool joins_weights(const Op& op) {
    if (op.kind != OpKind::elementwise || op.inputs.empty()) return false;
    const std::string& function = op.attributes.function;
    TensorId image = op.inputs[0];
    bool fits = function == "batch_norm";
    if ((function == "mul" || function == "add") && op.inputs.size() == 2) {
      if (is_stored(image)) image = op.inputs[1];
      const TensorId constant = image == op.inputs[0] ? op.inputs[1] : op.inputs[0];
      const FusingOp* host = host_of(image);
      const bool product = host != nullptr && block_.ops[host->op].kind == OpKind::matmul;
      fits =
          product ? function == "add" && is_stored(constant) : is_a_channel_each(constant, image);
    }
    FusingOp* host = fits ? host_of(image) : nullptr;
    if (host == nullptr) return false;
    const OpKind kind = block_.ops[host->op].kind;
    const bool open = kind == OpKind::matmul ||
                      (kind == OpKind::convolution && !host->activated && !host->summed);
    if (!open) return false;
    join(op, image);
    return true;
  }

  bool joins_as_activation(const Op& op) {
    if (op.kind != OpKind::elementwise || op.inputs.empty()) return false;
    if (!is_one_of(op.attributes.function, kActivations)) return false;
    FusingOp* host = host_of(op.inputs[0]);
    if (host == nullptr || host->activated) return false;
    host->activated = true;
    join(op, op.inputs[0]);
    return true;
  }

  bool joins_sum(const Op& op) {
    if (op.kind != OpKind::elementwise || op.attributes.function != "add") return false;
    if (op.inputs.size() != 2 || count(op.inputs[0]) != count(op.inputs[1])) return false;
    if (!in_blocks(op.inputs[0]) || !in_blocks(op.inputs[1])) return false;
    for (const std::size_t side : {std::size_t{1}, std::size_t{0}}) {
      const TensorId own = op.inputs[side];
      FusingOp* host = host_of(own);
      if (host == nullptr || host->activated || host->summed) continue;
      Op& runner = block_.ops[host->op];
      if (runner.kind != OpKind::convolution) continue;
      const TensorId other = blocked_[stands_for_[op.inputs[1 - side]]];
      if (written_after(other, host->op)) continue;
      runner.inputs.push_back(other);
      host->summed = true;
      join(op, own);
      return true;
    }
    return false;
  }

  /// Whether `id` is computed by an operator behind `op`.
  bool written_after(TensorId id, std::size_t op) const {
    for (std::size_t i = op; i < block_.ops.size(); ++i) {
      const auto& outputs = block_.ops[i].outputs;
      if (std::find(outputs.begin(), outputs.end(), id) != outputs.end()) return true;
    }
    return false;
  }

  /// What leaves the block is in the plain layout.
  void leave_outputs_plain(const std::vector<bool>& written) {
    for (TensorId id = 0; id < written.size(); ++id) {
      if (written[id] && readers_[id] == 0) in_layout(id, false, std::string(tensor(id).name));
    }
  }

  const Workload& workload_;
  const Block& source_;
  RuntimeGraph& result_;
  DimSizes sizes_;
  Block block_;
  std::vector<int> readers_;                   ///< in the model's graph
  std::vector<std::optional<FusingOp>> host_;  ///< of a tensor's writer
  std::vector<TensorId> stands_for_;           ///< where a fused operator's output really is
  std::vector<TensorId> blocked_;              ///< the tensor in blocks, or none
  std::vector<TensorId> plain_;                ///< the tensor as it is, or none
};

}  // namespace

RuntimeGraph as_runtime_executes(const Workload& workload) {
  RuntimeGraph result{workload, 0, 0};
  if (workload.phase == Phase::training || workload.phase == Phase::decode) return result;
  for (std::size_t i = 0; i < workload.blocks.size(); ++i) {
    const SpelledOut joined = with_spelled_out(workload.blocks[i]);
    result.fused += joined.fused;
    result.workload.blocks[i] = BlockRewriter(workload, joined.block, result).run();
  }
  return result;
}

}  // namespace fastpath
