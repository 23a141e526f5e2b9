#include "lower/spelled_out.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace fastpath {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
/// Sum; difference, square and sum of the variance; root and quotient; scale and bias.
constexpr double kWorkPerElement = 7;

/// Operators of a block by what they write and read.
class Links {
 public:
  explicit Links(const Block& block)
      : block_(block),
        writer_(block.tensors.size(), kNone),
        reader_(block.tensors.size(), kNone),
        readers_(block.tensors.size(), 0) {
    for (std::size_t i = 0; i < block.ops.size(); ++i) {
      for (const TensorId id : block.ops[i].outputs)
        writer_[id] = i;
      for (const TensorId id : block.ops[i].inputs) {
        reader_[id] = i;
        ++readers_[id];
      }
    }
  }

  /// The operator that writes `id`, if it computes `function`.
  const Op* writer(TensorId id, std::string_view function) const {
    if (writer_[id] == kNone) return nullptr;
    const Op& op = block_.ops[writer_[id]];
    return op.outputs.size() == 1 && op.attributes.function == function ? &op : nullptr;
  }

  /// The only reader of `id`, if it computes `function` of it and one other tensor.
  const Op* only_reader(TensorId id, std::string_view function) const {
    if (readers_[id] != 1) return nullptr;
    const Op& op = block_.ops[reader_[id]];
    const bool fits = op.attributes.function == function && op.inputs.size() == 2;
    return fits && op.outputs.size() == 1 ? &op : nullptr;
  }

  std::size_t index(const Op& op) const {
    return static_cast<std::size_t>(&op - block_.ops.data());
  }

 private:
  const Block& block_;
  std::vector<std::size_t> writer_;
  std::vector<std::size_t> reader_;  ///< the last one
  std::vector<int> readers_;
};

/// Of a layer norm, in the order of the block.
struct Match {
  std::vector<std::size_t> parts;
  TensorId x = 0;
  TensorId scale = 0;
  TensorId bias = 0;
  TensorId y = 0;
  std::string name;
};

/// The mean of the square of `d`, with epsilon, whose root is `root`: its parts. Nothing if it is
/// something else.
std::optional<std::vector<const Op*>> variance_parts(const Links& links, TensorId root,
                                                     TensorId d) {
  const Op* const sqrt = links.writer(root, "sqrt");
  const Op* const add = sqrt == nullptr ? nullptr : links.writer(sqrt->inputs[0], "add");
  const Op* const mean = add == nullptr ? nullptr : links.writer(add->inputs[0], "mean");
  if (mean == nullptr || mean->kind != OpKind::reduce) return std::nullopt;
  const Op* square = links.writer(mean->inputs[0], "pow");
  if (square == nullptr) square = links.writer(mean->inputs[0], "mul");
  if (square == nullptr) return std::nullopt;
  const bool of_d = std::all_of(square->inputs.begin(), square->inputs.end(),
                                [&](TensorId id) { return id == d; });
  if (!of_d) return std::nullopt;
  return std::vector<const Op*>{square, mean, add, sqrt};
}

TensorId other_input(const Op& op, TensorId one) {
  return op.inputs[0] == one ? op.inputs[1] : op.inputs[0];
}

std::optional<Match> match(const Links& links, const Op& quotient) {
  if (quotient.attributes.function != "div" || quotient.inputs.size() != 2) return std::nullopt;
  const TensorId d = quotient.inputs[0];
  const Op* const difference = links.writer(d, "sub");
  if (difference == nullptr || difference->inputs.size() != 2) return std::nullopt;
  const Op* const mean = links.writer(difference->inputs[1], "mean");
  const bool of_x =
      mean != nullptr && mean->kind == OpKind::reduce && mean->inputs[0] == difference->inputs[0];
  if (!of_x) return std::nullopt;
  auto parts = variance_parts(links, quotient.inputs[1], d);
  const Op* const scale = links.only_reader(quotient.outputs[0], "mul");
  const Op* const bias = scale == nullptr ? nullptr : links.only_reader(scale->outputs[0], "add");
  if (!parts || bias == nullptr) return std::nullopt;
  parts->insert(parts->end(), {mean, difference, &quotient, scale, bias});
  Match found;
  for (const Op* part : *parts)
    found.parts.push_back(links.index(*part));
  std::sort(found.parts.begin(), found.parts.end());
  found.x = difference->inputs[0];
  found.scale = other_input(*scale, quotient.outputs[0]);
  found.bias = other_input(*bias, scale->outputs[0]);
  found.y = bias->outputs[0];
  found.name = scale->name;
  return found;
}

Op layer_norm(const Block& block, const Match& found) {
  Op op;
  op.name = found.name;
  op.kind = OpKind::layer_norm;
  op.inputs = {found.x, found.scale, found.bias};
  op.outputs = {found.y};
  op.attributes.function = "layer_norm";
  op.attributes.work_per_element = kWorkPerElement;
  op.attributes.over = block.tensors[found.x].axes.back().dim;
  return op;
}

/// The sigmoid of x where `product` is x times that and nothing else reads it.
std::optional<std::size_t> sigmoid_in(const Links& links, const Op& product) {
  if (product.attributes.function != "mul" || product.inputs.size() != 2) return std::nullopt;
  for (const TensorId id : product.inputs) {
    const Op* const sigmoid = links.writer(id, "sigmoid");
    if (sigmoid == nullptr || sigmoid->inputs[0] != other_input(product, id)) continue;
    if (links.only_reader(id, "mul") == &product) return links.index(*sigmoid);
  }
  return std::nullopt;
}

/// x times sigmoid(x).
Op silu(Op product, TensorId x) {
  constexpr double kWork = 5;  // a sigmoid's 4 and the product
  product.inputs = {x};
  product.attributes.function = "silu";
  product.attributes.work_per_element = kWork;
  return product;
}

}  // namespace

SpelledOut with_spelled_out(const Block& block) {
  SpelledOut result{block, 0};
  const Links links(block);
  std::vector<bool> dropped(block.ops.size(), false);
  for (const Op& op : block.ops) {
    if (const auto sigmoid = sigmoid_in(links, op)) {
      dropped[*sigmoid] = true;
      result.block.ops[links.index(op)] = silu(op, block.ops[*sigmoid].inputs[0]);
      ++result.fused;
    }
    const auto found = match(links, op);
    if (!found || block.tensors[found->x].axes.empty()) continue;
    for (const std::size_t part : found->parts)
      dropped[part] = true;
    dropped[found->parts.back()] = false;
    result.block.ops[found->parts.back()] = layer_norm(block, *found);
    result.fused += found->parts.size() - 1;
  }
  std::vector<Op> kept;
  kept.reserve(block.ops.size());
  for (std::size_t i = 0; i < dropped.size(); ++i) {
    if (!dropped[i]) kept.push_back(std::move(result.block.ops[i]));
  }
  result.block.ops = std::move(kept);
  return result;
}

}  // namespace fastpath
