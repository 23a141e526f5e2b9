#include "lower/splitting.h"

#include <algorithm>

#include "lower/adapters.h"

namespace fastpath {
namespace {

bool splittable(DimRole role) {
  return role == DimRole::map || role == DimRole::contract || role == DimRole::reduce ||
         role == DimRole::index;
}

bool is_tensor_kind(DimKind kind) {
  return kind == DimKind::heads || kind == DimKind::kv_heads || kind == DimKind::ffn ||
         kind == DimKind::vocab || kind == DimKind::channels;
}

constexpr std::size_t at(MeshAxis axis) { return static_cast<std::size_t>(axis); }

bool routes(const Block& block, const Op& op) {
  const auto routed = [&](TensorId id) {
    const auto& axes = block.tensors[id].axes;
    return std::any_of(axes.begin(), axes.end(), [](const Axis& axis) { return axis.routed; });
  };
  return std::any_of(op.inputs.begin(), op.inputs.end(), routed) ||
         std::any_of(op.outputs.begin(), op.outputs.end(), routed);
}

}  // namespace

DimRole OpDims::role(DimId dim) const {
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == dim) return roles[i];
  }
  return DimRole::absent;
}

OpDims dims_and_roles(const Workload& workload, const Block& block, const Op& op) {
  OpDims result{dims_of(block, op), {}};
  for (const DimId dim : result.dims)
    result.roles.push_back(role_of(workload, block, op, dim));
  return result;
}

/// A contracted dimension first, since its input is split already; query heads before kv heads.
/// Experts whose weights no tensor ranks share are dealt out over them instead.
Placement Splitting::tensor_split(const Block& block, const Op& op, const OpDims& dims) const {
  const bool exchanges = op.kind == OpKind::dispatch || op.kind == OpKind::combine;
  const bool own_experts = !exchanges && !keeps_partial_sums(op) && routes(block, op);
  if (plan_.expert_tensor_parallel == 1 && own_experts) {
    return expert_split(block, op, dims);
  }
  Placement best;
  int best_rank = 0;
  for (std::size_t i = 0; i < dims.dims.size(); ++i) {
    if (!is_tensor_kind(kind(dims.dims[i])) || !splittable(dims.roles[i])) continue;
    const int rank = dims.roles[i] == DimRole::contract        ? 3
                     : kind(dims.dims[i]) == DimKind::kv_heads ? 1
                                                               : 2;
    if (rank > best_rank) {
      best = Placement::over(dims.dims[i]);
      best_rank = rank;
    }
  }
  if (best_rank > 0 || !plan_.sequence_parallel) return best;
  // A lookup of tokens belongs to the region that its vocabulary split opens.
  return op.kind == OpKind::embedding ? Placement::replicated() : sequence_split(dims);
}

/// Attention over all-to-all exchanges splits its heads instead of its tokens (arXiv 2309.14509).
Placement Splitting::context_split(const Op& op, const OpDims& dims) const {
  const bool exchanged = plan_.context_exchange == ContextExchange::all_to_all;
  if (exchanged && op.kind == OpKind::attention) {
    for (const DimId dim : dims.dims) {
      if (kind(dim) == DimKind::heads) return Placement::over(dim);
    }
  }
  return sequence_split(dims);
}

Placement Splitting::sequence_split(const OpDims& dims) const {
  for (const DimKind wanted : {DimKind::sequence, DimKind::context}) {
    for (std::size_t i = 0; i < dims.dims.size(); ++i) {
      const bool legal = dims.roles[i] == DimRole::map || dims.roles[i] == DimRole::contract;
      if (kind(dims.dims[i]) == wanted && legal && whole_[dims.dims[i]] > 1) {
        return Placement::over(dims.dims[i]);
      }
    }
  }
  return Placement::replicated();
}

bool Splitting::deals_out(const Block& block, const Op& op) const {
  return plan_.tables != TablePlacement::replicated && op.kind == OpKind::embedding &&
         block.tensors[op.inputs[1]].role == TensorRole::weight;
}

Placement Splitting::expert_split(const Block& block, const Op& op, const OpDims& dims) const {
  if (deals_out(block, op)) {
    const Tensor& table = block.tensors[op.inputs[1]];
    if (plan_.tables == TablePlacement::columns) return Placement::over(table.axes.back().dim);
    for (const Axis& axis : table.axes) {
      if (dims.role(axis.dim) == DimRole::index) return Placement::over(axis.dim);
    }
  }
  const bool exchanges = op.kind == OpKind::dispatch || op.kind == OpKind::combine;
  if (!exchanges && routes(block, op)) {
    for (const DimId dim : dims.dims) {
      if (kind(dim) == DimKind::experts) return Placement::over(dim);
    }
  }
  return batch_split(dims);
}

Placement Splitting::batch_split(const OpDims& dims) const {
  for (std::size_t i = 0; i < dims.dims.size(); ++i) {
    const bool legal = splittable(dims.roles[i]) || dims.roles[i] == DimRole::scan;
    if (kind(dims.dims[i]) == DimKind::batch && legal) return Placement::over(dims.dims[i]);
  }
  return Placement::replicated();
}

Layout Splitting::of_op(const Block& block, const Op& op, const OpDims& dims) const {
  Layout split;
  if (mesh_.ranks(MeshAxis::tensor) > 1)
    split[at(MeshAxis::tensor)] = tensor_split(block, op, dims);
  if (mesh_.ranks(MeshAxis::context) > 1) split[at(MeshAxis::context)] = context_split(op, dims);
  if (mesh_.ranks(MeshAxis::expert) > 1) {
    split[at(MeshAxis::expert)] = expert_split(block, op, dims);
  }
  if (mesh_.ranks(MeshAxis::data) > 1) split[at(MeshAxis::data)] = batch_split(dims);
  return split;
}

bool Splitting::rings(const Op& op, const Layout& split) const {
  return op.kind == OpKind::attention && plan_.context_exchange == ContextExchange::ring &&
         split[at(MeshAxis::context)].is_split();
}

Placement Splitting::keys_in_ring(const Tensor& tensor) const {
  for (const Axis& axis : tensor.axes) {
    const bool tokens = kind(axis.dim) == DimKind::sequence || kind(axis.dim) == DimKind::context;
    if (tokens && whole_[axis.dim] > 1) return Placement::over(axis.dim);
  }
  return Placement::replicated();
}

Layout Splitting::of_input(const Block& block, const Op& op, std::size_t index,
                           const Layout& split) const {
  const Tensor& tensor = block.tensors[op.inputs[index]];
  Layout layout;
  for (std::size_t axis = 0; axis < layout.size(); ++axis) {
    if (!split[axis].is_split()) continue;
    const DimId dim = split[axis].dim();
    const bool keys = op.kind == OpKind::attention && index > 0;
    if (keys && (kind(dim) == DimKind::sequence || kind(dim) == DimKind::context)) {
      if (rings(op, split)) layout[axis] = keys_in_ring(tensor);
      continue;
    }
    if (has_dim(tensor, dim)) {
      layout[axis] = split[axis];
    } else if (keys && kind(dim) == DimKind::heads) {
      layout[axis] = shared_heads(tensor);
    }
  }
  return layout;
}

Placement Splitting::shared_heads(const Tensor& tensor) const {
  Placement found;
  for (const Axis& candidate : tensor.axes) {
    if (kind(candidate.dim) == DimKind::kv_heads) found = Placement::over(candidate.dim);
  }
  return found;
}

Layout Splitting::of_output(const Block& block, const Op& op, TensorId output, const OpDims& dims,
                            const Layout& split) const {
  const Tensor& tensor = block.tensors[output];
  Layout layout;
  for (std::size_t axis = 0; axis < layout.size(); ++axis) {
    if (!split[axis].is_split()) continue;
    const DimId dim = split[axis].dim();
    if (has_dim(tensor, dim)) {
      layout[axis] = split[axis];
      continue;
    }
    if (op.kind == OpKind::cache_append) {
      for (const Axis& candidate : tensor.axes) {
        if (kind(candidate.dim) == DimKind::context) layout[axis] = Placement::over(candidate.dim);
      }
      continue;
    }
    const DimRole role = dims.role(dim);
    if (role == DimRole::contract || role == DimRole::index) layout[axis] = Placement::partial();
  }
  return layout;
}

Layout Splitting::canonical(const Tensor& tensor) const {
  Layout layout;
  const auto put = [&](MeshAxis axis, DimId dim) {
    if (mesh_.ranks(axis) > 1 && !layout[at(axis)].is_split()) {
      layout[at(axis)] = Placement::over(dim);
    }
  };
  for (const Axis& axis : tensor.axes) {
    if (kind(axis.dim) == DimKind::batch) {
      put(MeshAxis::expert, axis.dim);
      put(MeshAxis::data, axis.dim);
    }
    const bool long_enough = whole_[axis.dim] > 1;
    if (kind(axis.dim) == DimKind::sequence && long_enough) put(MeshAxis::context, axis.dim);
    if (is_tensor_kind(kind(axis.dim))) put(MeshAxis::tensor, axis.dim);
  }
  for (const Axis& axis : tensor.axes) {
    const bool sequence = kind(axis.dim) == DimKind::sequence && whole_[axis.dim] > 1;
    if (sequence && plan_.sequence_parallel) put(MeshAxis::tensor, axis.dim);
  }
  return layout;
}

void Splitting::divide(DimSizes& sizes, DimId dim, std::int64_t ways) const {
  sizes[dim] /= static_cast<double>(ways);
  if (kind(dim) == DimKind::kv_heads) sizes[dim] = std::max(1.0, sizes[dim]);
}

DimSizes Splitting::sizes(const Layout& layout) const {
  DimSizes sizes = whole_;
  for (std::size_t axis = 0; axis < layout.size(); ++axis) {
    if (layout[axis].is_split()) divide(sizes, layout[axis].dim(), mesh_.size[axis]);
  }
  return sizes;
}

DimSizes Splitting::op_sizes(const OpDims& dims, const Layout& split) const {
  DimSizes local = sizes(split);
  for (std::size_t axis = 0; axis < split.size(); ++axis) {
    if (!split[axis].is_split() || kind(split[axis].dim()) != DimKind::heads) continue;
    for (const DimId dim : dims.dims) {
      if (kind(dim) == DimKind::kv_heads) divide(local, dim, mesh_.size[axis]);
    }
  }
  return local;
}

double Splitting::replication(const Layout& layout) const {
  double copies = 1;
  for (std::size_t axis = 0; axis < layout.size(); ++axis) {
    const auto ways = static_cast<double>(mesh_.size[axis]);
    if (!layout[axis].is_split()) {
      copies *= ways;
    } else if (kind(layout[axis].dim()) == DimKind::kv_heads) {
      copies *= std::max(1.0, ways / whole_[layout[axis].dim()]);
    }
  }
  return copies;
}

Bytes Splitting::bytes(const Tensor& tensor, const Layout& layout) const {
  return tensor_bytes(workload_, tensor, sizes(layout));
}

}  // namespace fastpath
