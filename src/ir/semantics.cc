#include "ir/semantics.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

namespace fastpath {
namespace {

/// The first input holds activations for these kinds, the second the weight.
bool is_contraction(OpKind kind) {
  return kind == OpKind::matmul || kind == OpKind::grouped_matmul || kind == OpKind::convolution;
}

/// Product of the sizes of the dims for which `keep` holds.
template <class Keep>
double product(const std::vector<DimId>& dims, std::span<const double> sizes, Keep keep) {
  double result = 1;
  for (const DimId dim : dims) {
    if (keep(dim)) result *= sizes[dim];
  }
  return result;
}

/// Share of a routed dimension's members that the rank holds, for the rows of `tensor`.
double routed_share(const Workload& workload, const Tensor& tensor, std::span<const double> sizes) {
  double share = 1;
  for (const Axis& axis : tensor.axes) {
    if (!axis.routed) continue;
    share *= sizes[axis.dim] / static_cast<double>(workload.dims[axis.dim].size);
  }
  return share;
}

bool has_plain(const Tensor& tensor, DimId dim) {
  return std::any_of(tensor.axes.begin(), tensor.axes.end(),
                     [dim](const Axis& axis) { return axis.dim == dim && !axis.routed; });
}

DimId last_dim(const Tensor& tensor) { return tensor.axes.back().dim; }

const Tensor& input(const Block& block, const Op& op, std::size_t index) {
  return block.tensors[op.inputs[index]];
}

const Tensor& output(const Block& block, const Op& op) { return block.tensors[op.outputs[0]]; }

DimRole contraction_role(const Block& block, const Op& op, DimId dim) {
  const Tensor& x = input(block, op, 0);
  const Tensor& w = input(block, op, 1);
  const Tensor& y = output(block, op);
  if (op.kind == OpKind::grouped_matmul) {
    const auto routed = [dim](const Tensor& rows) {
      return has_dim(rows, dim) && !has_plain(rows, dim);
    };
    if (routed(x) || routed(y)) return DimRole::index;
  }
  if (op.kind == OpKind::convolution) {
    const bool in_x = has_dim(x, dim);
    const bool in_w = has_dim(w, dim);
    const bool in_y = has_dim(y, dim);
    if (in_x && in_w && !in_y) return DimRole::contract;
    if (in_y && (in_w || in_x)) return DimRole::map;
    // A spatial extent is in x or y only; the input channels of a grouped convolution are in x
    // only.
    if (!in_w) return DimRole::window;
    return DimRole::opaque;
  }
  return has_dim(y, dim) ? DimRole::map : DimRole::contract;
}

DimRole attention_role(const Workload& workload, const Block& block, const Op& op, DimId dim) {
  if (has_dim(output(block, op), dim)) {
    return dim == last_dim(output(block, op)) ? DimRole::opaque : DimRole::map;
  }
  const DimKind kind = workload.dims[dim].kind;
  if (kind == DimKind::kv_heads) return DimRole::map;
  if (dim == last_dim(input(block, op, 0))) return DimRole::opaque;
  return DimRole::contract;
}

DimRole scan_role(const Workload& workload, DimId dim) {
  return workload.dims[dim].kind == DimKind::sequence ? DimRole::scan : DimRole::map;
}

/// Elementwise-like kinds: a dimension that both sides have is mapped; one that the output lacks
/// (a broadcast input's own) or that only the output has cannot be split.
DimRole copy_role(const Block& block, const Op& op, DimId dim) {
  const bool out = std::any_of(op.outputs.begin(), op.outputs.end(),
                               [&](TensorId id) { return has_dim(block.tensors[id], dim); });
  const bool in = std::any_of(op.inputs.begin(), op.inputs.end(),
                              [&](TensorId id) { return has_dim(block.tensors[id], dim); });
  return out && in ? DimRole::map : DimRole::opaque;
}

void set_matmul_extents(const Workload& workload, const Block& block, const Op& op,
                        std::span<const double> sizes, OpCounts& counts) {
  const Tensor& x = input(block, op, 0);
  const Tensor& w = input(block, op, 1);
  const Tensor& y = output(block, op);
  const std::vector<DimId> dims = dims_of(block, op);
  const auto in = [](const Tensor& t, DimId d) { return has_plain(t, d); };
  counts.batch = product(dims, sizes, [&](DimId d) { return in(x, d) && in(w, d) && in(y, d); });
  counts.m = product(dims, sizes, [&](DimId d) { return in(x, d) && !in(w, d) && in(y, d); });
  counts.n = product(dims, sizes, [&](DimId d) { return !in(x, d) && in(w, d) && in(y, d); });
  counts.k = product(dims, sizes, [&](DimId d) {
    return (in(x, d) || in(w, d)) && !in(y, d) &&
           role_of(workload, block, op, d) == DimRole::contract;
  });
  counts.work = Flops{2 * counts.batch * counts.m * counts.n * counts.k};
}

/// Rows that pick their matrix each for itself: every token its experts, every sequence another
/// group (adapters).
double choices(const Workload& workload, const Tensor& rows, std::span<const double> sizes,
               double count) {
  const bool by_token = std::any_of(rows.axes.begin(), rows.axes.end(), [&](const Axis& axis) {
    return axis.routed && workload.dims[axis.dim].kind == DimKind::experts;
  });
  if (by_token) return count;
  for (const Axis& axis : rows.axes) {
    if (workload.dims[axis.dim].kind == DimKind::sequence) count /= sizes[axis.dim];
  }
  return count;
}

void count_grouped_matmul(const Workload& workload, const Block& block, const Op& op,
                          std::span<const double> sizes, OpCounts& counts) {
  set_matmul_extents(workload, block, op, sizes, counts);
  const Tensor& x = input(block, op, 0);
  const Tensor& w = input(block, op, 1);
  const auto is_routed = [](const Axis& axis) { return axis.routed; };
  const bool x_routed = std::any_of(x.axes.begin(), x.axes.end(), is_routed);
  const Tensor& routed_rows = x_routed ? x : output(block, op);
  double experts = 1;
  for (const Axis& axis : routed_rows.axes) {
    if (axis.routed) experts *= sizes[axis.dim];
  }
  const double rows = counts.m * routed_share(workload, x, sizes);
  const double touched = touched_experts(experts, choices(workload, routed_rows, sizes, rows));
  counts.work = Flops{2 * rows * counts.n * counts.k};
  counts.batch = std::max(touched, 1e-9);
  counts.m = rows / counts.batch;
  // `w` holds all experts of the rank; only those with rows are read.
  const Bytes all = tensor_bytes(workload, w, sizes);
  counts.weights = (touched / std::max(experts, 1.0)) * all;
  counts.read = tensor_bytes(workload, x, sizes) + counts.weights;
  for (std::size_t i = 2; i < op.inputs.size(); ++i) {
    const Tensor& added = input(block, op, i);
    if (added.role == TensorRole::activation) counts.read += tensor_bytes(workload, added, sizes);
  }
}

void count_convolution(const Workload& workload, const Block& block, const Op& op,
                       std::span<const double> sizes, OpCounts& counts) {
  const Tensor& w = input(block, op, 1);
  const Tensor& y = output(block, op);
  double out_channels = 1;
  for (const Axis& axis : w.axes) {
    if (has_dim(y, axis.dim)) out_channels *= sizes[axis.dim];
  }
  const double per_output = elements(workload, w, sizes) / std::max(out_channels, 1.0);
  const double outputs = elements(workload, y, sizes);
  counts.work = Flops{2 * outputs * per_output};
  counts.m = outputs / std::max(out_channels, 1.0);
  counts.n = out_channels;
  counts.k = per_output;
}

void count_attention(const Workload& workload, const Block& block, const Op& op,
                     std::span<const double> sizes, OpCounts& counts) {
  const Tensor& q = input(block, op, 0);
  const Tensor& k = input(block, op, 1);
  const Tensor& o = output(block, op);
  const double head_dim = sizes[last_dim(q)];
  const double value_dim = sizes[last_dim(o)];
  // Whole extents decide how many keys a query sees; the rank computes its share of the rows.
  double sequence = 1;
  double context = 1;
  for (const Axis& axis : q.axes) {
    const Dim& dim = workload.dims[axis.dim];
    if (dim.kind == DimKind::sequence) sequence = static_cast<double>(dim.size);
  }
  double local_context = 1;
  for (const Axis& axis : k.axes) {
    const Dim& dim = workload.dims[axis.dim];
    const bool keys = dim.kind == DimKind::context ||
                      (dim.kind == DimKind::sequence && !has_dim(q, axis.dim)) ||
                      (dim.kind == DimKind::sequence && context == 1);
    if (keys) {
      context = static_cast<double>(dim.size);
      local_context = sizes[axis.dim];
    }
  }
  const double limit = static_cast<double>(op.attributes.sparse_keys > 0 ? op.attributes.sparse_keys
                                                                         : op.attributes.window);
  const auto document = static_cast<double>(op.attributes.document);
  const bool packed = document > 0 && document < sequence && context == sequence;
  const double keys = packed ? mean_keys(document, document, op.attributes.causal, limit)
                             : mean_keys(sequence, context, op.attributes.causal, limit);
  const double rows = elements(workload, q, sizes) / head_dim;
  counts.work = Flops{2 * rows * keys * (head_dim + value_dim)};
  counts.m = 1;
  for (const Axis& axis : q.axes) {
    if (workload.dims[axis.dim].kind == DimKind::sequence) counts.m = sizes[axis.dim];
  }
  counts.n = keys;
  counts.k = head_dim;
  counts.batch = rows / counts.m;
  // A few queries that select their keys read only those.
  const double selected = op.attributes.sparse_keys > 0
                              ? std::min(1.0, counts.m * limit / std::max(local_context, 1.0))
                              : 1.0;
  Bytes cache;
  for (std::size_t i = 1; i < op.inputs.size(); ++i) {
    if (i > 1 && op.inputs[i] == op.inputs[1]) continue;
    cache += tensor_bytes(workload, input(block, op, i), sizes);
  }
  counts.read = tensor_bytes(workload, q, sizes) + selected * cache;
}

double map_work(const Workload& workload, const Block& block, const Op& op,
                std::span<const double> sizes) {
  double largest = 0;
  for (const TensorId id : op.outputs) {
    largest = std::max(largest, elements(workload, block.tensors[id], sizes));
  }
  for (const TensorId id : op.inputs) {
    const Tensor& tensor = block.tensors[id];
    if (tensor.role == TensorRole::cache || op.kind == OpKind::embedding) continue;
    largest = std::max(largest, elements(workload, tensor, sizes));
  }
  return largest * op.attributes.work_per_element;
}

/// Traffic of each tensor once.
void count_plain_traffic(const Workload& workload, const Block& block, const Op& op,
                         std::span<const double> sizes, OpCounts& counts) {
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    const bool seen = std::find(op.inputs.begin(), op.inputs.begin() + static_cast<long>(i),
                                op.inputs[i]) != op.inputs.begin() + static_cast<long>(i);
    if (seen) continue;
    const Tensor& tensor = block.tensors[op.inputs[i]];
    const Bytes bytes = tensor_bytes(workload, tensor, sizes);
    counts.read += bytes;
    const bool resident = tensor.role == TensorRole::weight || tensor.role == TensorRole::constant;
    if (resident) counts.weights += bytes;
  }
  for (const TensorId id : op.outputs) {
    counts.write += tensor_bytes(workload, block.tensors[id], sizes);
  }
}

/// Only the gathered rows of an embedding table are read; only new tokens are appended to a cache.
void correct_sparse_traffic(const Workload& workload, const Block& block, const Op& op,
                            std::span<const double> sizes, OpCounts& counts) {
  if (op.kind == OpKind::embedding) {
    const Bytes ids = tensor_bytes(workload, input(block, op, 0), sizes);
    const Bytes table = tensor_bytes(workload, input(block, op, 1), sizes);
    counts.weights = std::min(counts.write, table);
    counts.read = ids + counts.weights;
  }
  if (op.kind == OpKind::cache_append) {
    counts.read = tensor_bytes(workload, input(block, op, 0), sizes);
    counts.write = std::min(counts.write, counts.read);
    counts.weights = Bytes{};
  }
}

}  // namespace

DimSizes whole_sizes(const Workload& workload) {
  DimSizes sizes;
  sizes.reserve(workload.dims.size());
  for (const Dim& dim : workload.dims)
    sizes.push_back(static_cast<double>(dim.size));
  return sizes;
}

double elements(const Workload& workload, const Tensor& tensor, std::span<const double> sizes) {
  double count = 1;
  for (const Axis& axis : tensor.axes) {
    if (!axis.routed) count *= sizes[axis.dim];
  }
  return count * routed_share(workload, tensor, sizes);
}

Bytes tensor_bytes(const Workload& workload, const Tensor& tensor, std::span<const double> sizes) {
  return elements(workload, tensor, sizes) * bytes_per_element(tensor.format);
}

bool has_dim(const Tensor& tensor, DimId dim) {
  return std::any_of(tensor.axes.begin(), tensor.axes.end(),
                     [dim](const Axis& axis) { return axis.dim == dim; });
}

std::vector<DimId> dims_of(const Block& block, const Op& op) {
  std::vector<DimId> dims;
  const auto add = [&](TensorId id) {
    for (const Axis& axis : block.tensors[id].axes) {
      if (std::find(dims.begin(), dims.end(), axis.dim) == dims.end()) dims.push_back(axis.dim);
    }
  };
  std::for_each(op.inputs.begin(), op.inputs.end(), add);
  std::for_each(op.outputs.begin(), op.outputs.end(), add);
  return dims;
}

DimRole role_of(const Workload& workload, const Block& block, const Op& op, DimId dim) {
  const std::vector<DimId> dims = dims_of(block, op);
  if (std::find(dims.begin(), dims.end(), dim) == dims.end()) return DimRole::absent;
  switch (op.kind) {
    case OpKind::matmul:
    case OpKind::grouped_matmul:
    case OpKind::convolution: return contraction_role(block, op, dim);
    case OpKind::attention: return attention_role(workload, block, op, dim);
    case OpKind::softmax:
    case OpKind::rms_norm:
    case OpKind::layer_norm:
    case OpKind::cross_entropy:
    case OpKind::top_k: return dim == op.attributes.over ? DimRole::reduce : DimRole::map;
    case OpKind::embedding: return has_dim(output(block, op), dim) ? DimRole::map : DimRole::index;
    case OpKind::dispatch:
    case OpKind::combine:
      if (has_dim(output(block, op), dim) && has_plain(output(block, op), dim)) return DimRole::map;
      return workload.dims[dim].kind == DimKind::experts ? DimRole::index : DimRole::contract;
    case OpKind::scan: return scan_role(workload, dim);
    case OpKind::pool:
      return workload.dims[dim].kind == DimKind::spatial ? DimRole::window
                                                         : copy_role(block, op, dim);
    case OpKind::reduce: return has_dim(output(block, op), dim) ? DimRole::map : DimRole::contract;
    case OpKind::cache_append:
    case OpKind::elementwise:
    case OpKind::rope: return DimRole::map;
    case OpKind::copy: return copy_role(block, op, dim);
    case OpKind::opaque:
    case OpKind::host:
    case OpKind::branch:
    case OpKind::call: return DimRole::opaque;
  }
  return DimRole::opaque;
}

double mean_keys(double sequence, double context, bool causal, double limit) {
  const double cap = limit > 0 ? std::min(limit, context) : context;
  if (!causal) return cap;
  // Query i (1..s) sees context - s + i keys, at most cap: a ramp, then a plateau.
  const double first = context - sequence + 1;
  if (first >= cap) return cap;
  const double ramp = std::min(sequence, cap - first);  // queries below the cap
  return (ramp * (first + (ramp - 1) / 2) + (sequence - ramp) * cap) / sequence;
}

double touched_experts(double experts, double rows) {
  if (experts <= 1) return rows > 0 ? experts : 0;
  return experts * (1 - std::exp(rows * std::log1p(-1 / experts)));
}

namespace {

/// No traffic: some integers.
OpCounts host_counts(const Op& op) {
  OpCounts counts;
  if (op.kind == OpKind::branch) counts.m = std::max(op.attributes.work_per_element, 1.0);
  return counts;
}

}  // namespace

OpCounts forward_counts(const Workload& workload, const Block& block, const Op& op,
                        std::span<const double> sizes) {
  OpCounts counts;
  count_plain_traffic(workload, block, op, sizes, counts);
  switch (op.kind) {
    case OpKind::matmul: set_matmul_extents(workload, block, op, sizes, counts); break;
    case OpKind::grouped_matmul: count_grouped_matmul(workload, block, op, sizes, counts); break;
    case OpKind::convolution: count_convolution(workload, block, op, sizes, counts); break;
    case OpKind::attention: count_attention(workload, block, op, sizes, counts); break;
    case OpKind::embedding:
    case OpKind::cache_append: correct_sparse_traffic(workload, block, op, sizes, counts); break;
    case OpKind::dispatch:
    case OpKind::copy:
    case OpKind::opaque: break;
    case OpKind::host:
    case OpKind::branch:
    case OpKind::call: return host_counts(op);
    case OpKind::elementwise:
      counts.work = Flops{map_work(workload, block, op, sizes)};
      if (op.attributes.function == "col2im") {
        counts.k = elements(workload, input(block, op, 0), sizes) /
                   std::max(elements(workload, output(block, op), sizes), 1.0);
      }
      break;
    case OpKind::combine:
    case OpKind::pool:
    case OpKind::softmax:
    case OpKind::rms_norm:
    case OpKind::layer_norm:
    case OpKind::rope:
    case OpKind::top_k:
    case OpKind::scan:
    case OpKind::cross_entropy:
    case OpKind::reduce: counts.work = Flops{map_work(workload, block, op, sizes)}; break;
  }
  return counts;
}

double convolution_groups(const Workload& workload, const Block& block, const Op& op,
                          std::span<const double> sizes) {
  const auto is_channel = [&](const Axis& axis) {
    const DimKind kind = workload.dims[axis.dim].kind;
    return kind != DimKind::spatial && kind != DimKind::batch;
  };
  double all = 1;
  for (const Axis& axis : input(block, op, 0).axes) {
    if (is_channel(axis)) all *= sizes[axis.dim];
  }
  double a_group = 1;
  for (const Axis& axis : input(block, op, 1).axes) {
    if (is_channel(axis) && !has_dim(output(block, op), axis.dim)) a_group *= sizes[axis.dim];
  }
  return std::max(1.0, std::round(all / std::max(a_group, 1.0)));
}

double backward_work_ratio(const Block& block, const Op& op, bool fused_attention) {
  if (op.kind == OpKind::attention) return fused_attention ? 2.5 : 2.0;
  const auto trained = [&](std::size_t index) {
    return op.inputs.size() > index && input(block, op, index).role == TensorRole::weight;
  };
  const auto flows = [&](std::size_t index) {
    return op.inputs.size() > index && input(block, op, index).role == TensorRole::activation;
  };
  if (is_contraction(op.kind)) {
    double gradients = 0;
    for (std::size_t i = 0; i < 2; ++i)
      gradients += flows(i) || trained(i) ? 1 : 0;
    return gradients;
  }
  if (op.kind == OpKind::embedding || op.kind == OpKind::cache_append) return 0;
  return op.kind == OpKind::scan ? 2 : 1;
}

namespace {

/// By tensor: the share of it that one token uses, below 1 for experts.
std::vector<double> active_shares(const Workload& workload, const Block& block,
                                  const DimSizes& sizes) {
  std::vector<double> share(block.tensors.size(), 1);
  for (const Op& op : block.ops) {
    if (op.kind != OpKind::grouped_matmul) continue;
    double experts = 1;
    double picked = 1;
    for (const Axis& axis : input(block, op, 0).axes) {
      if (axis.routed) experts = sizes[axis.dim];
      if (workload.dims[axis.dim].kind == DimKind::top_k) picked = sizes[axis.dim];
    }
    for (const TensorId id : op.inputs)
      share[id] = std::min(1.0, picked / experts);
  }
  return share;
}

void count_weight(const Tensor& tensor, const Segment& segment, double count, double active_share,
                  WorkloadCounts& counts) {
  counts.weights += count * bytes_per_element(tensor.format);
  if (tensor.role != TensorRole::weight) return;
  if (segment.use == SegmentUse::draft) {
    counts.draft_parameters += count;
    return;
  }
  counts.parameters += count;
  counts.active_parameters += count * active_share;
}

void count_resident(const Workload& workload, const Segment& segment, const DimSizes& sizes,
                    WorkloadCounts& counts) {
  const Block& block = workload.blocks[segment.block];
  const std::vector<double> active = active_shares(workload, block, sizes);
  for (std::size_t i = 0; i < block.tensors.size(); ++i) {
    const Tensor& tensor = block.tensors[i];
    const double all = static_cast<double>(segment.repeat) * elements(workload, tensor, sizes);
    if (tensor.role == TensorRole::cache && segment.use == SegmentUse::executed) {
      counts.cache += all * bytes_per_element(tensor.format);
    }
    const bool resident = tensor.role == TensorRole::weight || tensor.role == TensorRole::constant;
    if (resident && !tensor.tied) count_weight(tensor, segment, all, active[i], counts);
  }
}

}  // namespace

WorkloadCounts count(const Workload& workload) {
  WorkloadCounts counts;
  const DimSizes sizes = whole_sizes(workload);
  for (const Segment& segment : workload.segments) {
    const Block& block = workload.blocks[segment.block];
    count_resident(workload, segment, sizes, counts);
    if (segment.use != SegmentUse::executed) continue;
    for (const Op& op : block.ops) {
      const Flops work =
          static_cast<double>(segment.repeat) * forward_counts(workload, block, op, sizes).work;
      counts.forward_work += work;
      counts.backward_work += backward_work_ratio(block, op) * work;
    }
  }
  return counts;
}

namespace {

std::string label(const Block& block, const Op& op) {
  return "operator '" + op.name + "' of block '" + block.name + "'";
}

std::size_t least_inputs(OpKind kind) {
  switch (kind) {
    case OpKind::matmul:
    case OpKind::grouped_matmul:
    case OpKind::convolution:
    case OpKind::embedding: return 2;
    case OpKind::attention: return 3;
    default: return 1;
  }
}

/// Ids and arity; the other checks rely on them.
void check_op_ids(const Workload& workload, const Block& block, const Op& op,
                  std::vector<std::string>& mistakes) {
  const auto bad = [&](TensorId id) { return id >= block.tensors.size(); };
  if (std::any_of(op.inputs.begin(), op.inputs.end(), bad) ||
      std::any_of(op.outputs.begin(), op.outputs.end(), bad)) {
    mistakes.push_back(label(block, op) + " names a tensor that does not exist");
  }
  if (op.outputs.empty()) mistakes.push_back(label(block, op) + " has no output");
  const bool source = op.kind == OpKind::copy || op.kind == OpKind::opaque ||
                      op.kind == OpKind::elementwise || op.kind == OpKind::host ||
                      op.kind == OpKind::branch || op.kind == OpKind::call;
  if (op.inputs.size() < least_inputs(op.kind) && !source) {
    mistakes.push_back(label(block, op) + " needs at least " +
                       std::to_string(least_inputs(op.kind)) + " inputs");
  }
  if (op.attributes.over >= workload.dims.size()) {
    mistakes.push_back(label(block, op) + " reduces over a dimension that does not exist");
  }
}

void check_tensors(const Workload& workload, const Block& block,
                   std::vector<std::string>& mistakes) {
  for (const Tensor& tensor : block.tensors) {
    for (const Axis& axis : tensor.axes) {
      if (axis.dim >= workload.dims.size()) {
        mistakes.push_back("tensor '" + tensor.name + "' of block '" + block.name +
                           "' has an axis whose dimension does not exist");
      }
    }
  }
}

void check_contraction(const Block& block, const Op& op, std::vector<std::string>& mistakes) {
  if (op.kind != OpKind::matmul) return;
  for (const Axis& axis : output(block, op).axes) {
    const bool known =
        has_dim(input(block, op, 0), axis.dim) || has_dim(input(block, op, 1), axis.dim);
    if (!known) mistakes.push_back(label(block, op) + " has an output dimension that no input has");
  }
}

void check_attention(const Block& block, const Op& op, std::vector<std::string>& mistakes) {
  if (op.kind != OpKind::attention) return;
  const bool shaped = !input(block, op, 0).axes.empty() && !input(block, op, 1).axes.empty() &&
                      !output(block, op).axes.empty();
  if (!shaped) mistakes.push_back(label(block, op) + " has an input or output without axes");
}

/// Each tensor is written once at most, and before it is read.
void check_order(const Block& block, std::vector<std::string>& mistakes) {
  std::set<TensorId> produced;
  for (const Op& op : block.ops)
    produced.insert(op.outputs.begin(), op.outputs.end());
  std::set<TensorId> written;
  for (const Op& op : block.ops) {
    for (const TensorId id : op.inputs) {
      if (produced.count(id) > 0 && written.count(id) == 0) {
        mistakes.push_back(label(block, op) + " reads '" + block.tensors[id].name +
                           "' before it is written");
      }
    }
    for (const TensorId id : op.outputs) {
      if (!written.insert(id).second) {
        mistakes.push_back(label(block, op) + " writes '" + block.tensors[id].name +
                           "', which is written already");
      }
    }
  }
}

void check_block(const Workload& workload, const Block& block, std::vector<std::string>& mistakes) {
  const std::size_t before = mistakes.size();
  check_tensors(workload, block, mistakes);
  for (const Op& op : block.ops)
    check_op_ids(workload, block, op, mistakes);
  if (mistakes.size() != before) return;
  for (const Op& op : block.ops) {
    check_contraction(block, op, mistakes);
    check_attention(block, op, mistakes);
  }
  check_order(block, mistakes);
}

}  // namespace

std::vector<std::string> mistakes_in(const Workload& workload) {
  std::vector<std::string> mistakes;
  std::set<std::string> names;
  for (const Dim& dim : workload.dims) {
    if (dim.size < 1) mistakes.push_back("dimension '" + dim.name + "' has a size below 1");
    if (!names.insert(dim.name).second) {
      mistakes.push_back("dimension '" + dim.name + "' is given twice");
    }
  }
  if (workload.blocks.empty()) mistakes.emplace_back("the workload has no blocks");
  if (workload.segments.empty()) mistakes.emplace_back("the workload has no segments");
  for (const Segment& segment : workload.segments) {
    if (segment.block >= workload.blocks.size()) {
      mistakes.emplace_back("a segment names a block that does not exist");
    }
    if (segment.repeat < 1) mistakes.emplace_back("a segment repeats its block less than once");
  }
  for (const Block& block : workload.blocks)
    check_block(workload, block, mistakes);
  return mistakes;
}

}  // namespace fastpath
