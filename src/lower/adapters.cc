#include "lower/adapters.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/semantics.h"

namespace fastpath {
namespace {

bool is_table(const Workload& workload, const Tensor& tensor) {
  return std::any_of(tensor.axes.begin(), tensor.axes.end(), [&](const Axis& axis) {
    return workload.dims[axis.dim].kind == DimKind::vocab;
  });
}

bool adapts(const Workload& workload, const Block& block, const Op& op) {
  if (op.kind != OpKind::matmul && op.kind != OpKind::grouped_matmul) return false;
  const Tensor& w = block.tensors[op.inputs[1]];
  return w.role == TensorRole::weight && w.axes.size() > 1 && !is_table(workload, w);
}

class Adapting {
 public:
  Adapting(const Block& source, DimId rank) : source_(source), block_(source), rank_(rank) {
    block_.ops.clear();
  }

  Block run(const Workload& workload) {
    for (const Op& op : source_.ops) {
      if (adapts(workload, source_, op)) {
        add_pair(op);
      } else {
        block_.ops.push_back(op);
      }
    }
    for (std::size_t id = 0; id < source_.tensors.size(); ++id) {
      Tensor& tensor = block_.tensors[id];
      if (tensor.role == TensorRole::weight) tensor.role = TensorRole::constant;
    }
    return std::move(block_);
  }

 private:
  TensorId add(std::string name, TensorRole role, std::vector<Axis> axes, NumberFormat format) {
    block_.tensors.push_back({std::move(name), role, std::move(axes), format, false});
    return static_cast<TensorId>(block_.tensors.size() - 1);
  }

  /// x a: the rows of x, with what the product contracts replaced by the rank. Then times b, and
  /// added to the frozen product, which moves to a tensor of its own.
  void add_pair(const Op& op) {
    const Tensor x = source_.tensors[op.inputs[0]];
    const Tensor w = source_.tensors[op.inputs[1]];
    const Tensor y = source_.tensors[op.outputs[0]];
    const auto plain = [](const std::vector<Axis>& axes, DimId dim) {
      return std::find(axes.begin(), axes.end(), Axis{dim, false}) != axes.end();
    };
    std::vector<Axis> low;
    for (const Axis& axis : x.axes) {
      const bool contracted = plain(w.axes, axis.dim) && !has_dim(y, axis.dim);
      if (!contracted) low.push_back(axis);
    }
    low.push_back({rank_, false});
    std::vector<Axis> in;
    std::vector<Axis> out;
    for (const Axis& axis : w.axes) {
      const bool from_x = has_dim(x, axis.dim);
      const bool to_y = has_dim(y, axis.dim);
      if (from_x) in.push_back(axis);
      if (to_y) out.push_back(axis);
    }
    in.push_back({rank_, false});
    out.push_back({rank_, false});
    const TensorId frozen = add(op.name + "_frozen", TensorRole::activation, y.axes, y.format);
    Op base = op;
    base.outputs = {frozen};
    block_.ops.push_back(std::move(base));
    const TensorId a = add(w.name + "_a", TensorRole::weight, std::move(in), y.format);
    const TensorId b = add(w.name + "_b", TensorRole::weight, std::move(out), y.format);
    const TensorId xa = add(op.name + "_low", TensorRole::activation, std::move(low), y.format);
    const TensorId xab = add(op.name + "_adapted", TensorRole::activation, y.axes, y.format);
    block_.ops.push_back({op.name + "_a", op.kind, {op.inputs[0], a}, {xa}, {}});
    block_.ops.push_back({op.name + "_b", op.kind, {xa, b}, {xab}, {}});
    OpAttributes sum;
    sum.function = "add";
    sum.work_per_element = 2;  // scale and sum
    block_.ops.push_back(
        {op.name + "_sum", OpKind::elementwise, {frozen, xab}, {op.outputs[0]}, sum});
  }

  const Block& source_;
  Block block_;
  DimId rank_;
};

constexpr std::string_view kServed = "served_adapter";
constexpr std::string_view kCount = "adapters";

/// Axes of `w` that its product shares with `other`.
std::vector<Axis> shared_axes(const Tensor& w, const Tensor& other) {
  std::vector<Axis> axes;
  for (const Axis& axis : w.axes) {
    if (has_dim(other, axis.dim)) axes.push_back(axis);
  }
  return axes;
}

bool serves(const Workload& workload, const Block& block, const Op& op) {
  if (op.kind != OpKind::matmul || !adapts(workload, block, op)) return false;
  const Tensor& x = block.tensors[op.inputs[0]];
  const Tensor& y = block.tensors[op.outputs[0]];
  const bool scores = std::any_of(y.axes.begin(), y.axes.end(), [&](const Axis& axis) {
    return workload.dims[axis.dim].name == "router_experts";
  });
  return !scores && x.role == TensorRole::activation;
}

class Serving {
 public:
  Serving(const Block& source, DimId adapters, DimId rank)
      : source_(source), block_(source), adapters_(adapters), rank_(rank) {
    block_.ops.clear();
  }

  Block run(const Workload& workload) {
    for (const Op& op : source_.ops) {
      if (serves(workload, source_, op)) {
        add_pair(op);
      } else {
        block_.ops.push_back(op);
      }
    }
    return std::move(block_);
  }

 private:
  TensorId add(std::string name, TensorRole role, std::vector<Axis> axes, NumberFormat format) {
    block_.tensors.push_back({std::move(name), role, std::move(axes), format, false});
    return static_cast<TensorId>(block_.tensors.size() - 1);
  }

  TensorId add_factors(std::string name, std::vector<Axis> axes, NumberFormat format) {
    axes.insert(axes.begin(), Axis{adapters_, false});
    axes.push_back({rank_, false});
    return add(std::move(name), TensorRole::constant, std::move(axes), format);
  }

  void add_pair(const Op& op) {
    const Tensor x = source_.tensors[op.inputs[0]];
    const Tensor w = source_.tensors[op.inputs[1]];
    const Tensor y = source_.tensors[op.outputs[0]];
    std::vector<Axis> low;
    for (const Axis& axis : x.axes) {
      const bool contracted = has_dim(w, axis.dim) && !has_dim(y, axis.dim);
      if (!contracted) low.push_back(axis);
    }
    low.push_back({rank_, false});
    low.push_back({adapters_, true});
    const TensorId frozen = add(op.name + "_base", TensorRole::activation, y.axes, y.format);
    Op base = op;
    base.outputs = {frozen};
    block_.ops.push_back(std::move(base));
    const TensorId a = add_factors(w.name + "_a", shared_axes(w, x), y.format);
    const TensorId b = add_factors(w.name + "_b", shared_axes(w, y), y.format);
    const TensorId xa = add(op.name + "_low", TensorRole::activation, std::move(low), y.format);
    OpAttributes served;
    served.function = kServed;
    block_.ops.push_back(
        {op.name + "_lora_a", OpKind::grouped_matmul, {op.inputs[0], a}, {xa}, served});
    block_.ops.push_back(
        {op.name + "_lora_b", OpKind::grouped_matmul, {xa, b, frozen}, {op.outputs[0]}, served});
  }

  const Block& source_;
  Block block_;
  DimId adapters_;
  DimId rank_;
};

}  // namespace

void serve_adapters(Workload& workload, const ServedAdapters& adapters) {
  if (adapters.count == 0) return;
  const auto dim = static_cast<DimId>(workload.dims.size());
  workload.dims.push_back({std::string(kCount), adapters.count, DimKind::other});
  workload.dims.push_back({"lora_rank", adapters.rank, DimKind::other});
  for (Block& block : workload.blocks)
    block = Serving(block, dim, dim + 1).run(workload);
}

bool is_served_adapter(const Workload& workload, const Tensor& tensor) {
  return !tensor.axes.empty() && workload.dims[tensor.axes.front().dim].name == kCount;
}

bool keeps_partial_sums(const Op& op) { return op.attributes.function == kServed; }

void add_adapters(Workload& workload, std::int64_t rank) {
  workload.dims.push_back({"lora_rank", rank, DimKind::other});
  const auto dim = static_cast<DimId>(workload.dims.size() - 1);
  for (Block& block : workload.blocks)
    block = Adapting(block, dim).run(workload);
}

}  // namespace fastpath
