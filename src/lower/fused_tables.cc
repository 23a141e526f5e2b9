#include "lower/fused_tables.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fastpath {
namespace {

/// What look-ups must share to be one: the axes of ids, of vectors, and the formats.
struct LookUpForm {
  std::vector<DimId> ids;
  std::vector<DimId> vectors;
  NumberFormat table = NumberFormat::fp32;
  NumberFormat vector = NumberFormat::fp32;
  TensorRole role = TensorRole::weight;

  friend auto operator<=>(const LookUpForm&, const LookUpForm&) = default;
};

std::vector<DimId> dims_of(const Tensor& tensor) {
  std::vector<DimId> dims;
  dims.reserve(tensor.axes.size());
  for (const Axis& axis : tensor.axes)
    dims.push_back(axis.dim);
  return dims;
}

class Fusing {
 public:
  Fusing(Workload& workload, const Block& source) : workload_(workload), source_(source) {}

  /// The block as it was where there is nothing to stack.
  Block run() {
    std::map<LookUpForm, std::vector<std::size_t>> groups;
    for (std::size_t op = 0; op < source_.ops.size(); ++op) {
      if (stacks(op)) groups[form_of(source_.ops[op])].push_back(op);
    }
    std::vector<std::size_t> gone;
    for (auto& [form, ops] : groups) {
      if (ops.size() < 2) continue;
      stacked_.emplace(ops.front(), ops);
      gone.insert(gone.end(), ops.begin(), ops.end());
    }
    if (gone.empty()) return source_;
    std::sort(gone.begin(), gone.end());
    block_.name = source_.name;
    for (std::size_t op = 0; op < source_.ops.size(); ++op) {
      const auto stack = stacked_.find(op);
      if (stack != stacked_.end()) add_stack(stack->second);
      if (!std::binary_search(gone.begin(), gone.end(), op)) add_op(source_.ops[op]);
    }
    return std::move(block_);
  }

 private:
  /// An axis of rows and one of columns, vectors that nothing in the block reads, a table that
  /// nothing else does.
  bool stacks(std::size_t index) const {
    const Op& op = source_.ops[index];
    if (op.kind != OpKind::embedding) return false;
    const Tensor& table = source_.tensors[op.inputs[1]];
    if (table.axes.size() != 2 || table.tied) return false;
    for (std::size_t other = 0; other < source_.ops.size(); ++other) {
      if (other == index) continue;
      for (const TensorId id : source_.ops[other].inputs) {
        if (id == op.inputs[1] || id == op.outputs[0]) return false;
      }
    }
    return true;
  }

  LookUpForm form_of(const Op& op) const {
    const Tensor& table = source_.tensors[op.inputs[1]];
    const Tensor& vectors = source_.tensors[op.outputs[0]];
    return {dims_of(source_.tensors[op.inputs[0]]), dims_of(vectors), table.format, vectors.format,
            table.role};
  }

  DimId add_dim(std::string name, std::int64_t size, DimKind kind) {
    workload_.dims.push_back({std::move(name), size, kind});
    return static_cast<DimId>(workload_.dims.size() - 1);
  }

  TensorId add_tensor(Tensor tensor, const std::string& name, std::vector<Axis> axes) {
    tensor.name = name;
    tensor.axes = std::move(axes);
    block_.tensors.push_back(std::move(tensor));
    return static_cast<TensorId>(block_.tensors.size() - 1);
  }

  void add_stack(const std::vector<std::size_t>& ops) {
    const Op& first = source_.ops[ops.front()];
    const Tensor& ids = source_.tensors[first.inputs[0]];
    const Tensor& table = source_.tensors[first.inputs[1]];
    const Tensor& vectors = source_.tensors[first.outputs[0]];
    std::int64_t rows = 0;
    for (const std::size_t op : ops) {
      const Tensor& other = source_.tensors[source_.ops[op].inputs[1]];
      rows += workload_.dims[other.axes[0].dim].size;
    }
    const std::string name = first.name + "_stack";
    const DimId all_rows = add_dim(name + "_rows", rows, DimKind::vocab);
    const DimId tables =
        add_dim(name + "_tables", static_cast<std::int64_t>(ops.size()), DimKind::other);
    std::vector<Axis> id_axes = ids.axes;
    id_axes.push_back({tables, false});
    std::vector<Axis> vector_axes = vectors.axes;
    vector_axes.insert(vector_axes.end() - 1, {tables, false});
    Op stack = first;
    stack.name = name;
    const TensorId new_ids = add_tensor(ids, name + "_ids", std::move(id_axes));
    const TensorId new_table = add_tensor(table, name, {Axis{all_rows, false}, table.axes[1]});
    stack.inputs = {new_ids, new_table};
    stack.outputs = {add_tensor(vectors, name + "_vectors", std::move(vector_axes))};
    block_.ops.push_back(std::move(stack));
  }

  TensorId moved(TensorId id) {
    const auto [found, added] = moved_.try_emplace(id);
    if (added) {
      block_.tensors.push_back(source_.tensors[id]);
      found->second = static_cast<TensorId>(block_.tensors.size() - 1);
    }
    return found->second;
  }

  void add_op(Op op) {
    for (TensorId& id : op.inputs)
      id = moved(id);
    for (TensorId& id : op.outputs)
      id = moved(id);
    block_.ops.push_back(std::move(op));
  }

  Workload& workload_;
  const Block& source_;
  Block block_;
  std::map<std::size_t, std::vector<std::size_t>> stacked_;  ///< by the first look-up of a stack
  std::map<TensorId, TensorId> moved_;
};

}  // namespace

void fuse_tables(Workload& workload) {
  for (std::size_t i = 0; i < workload.blocks.size(); ++i) {
    Block fused = Fusing(workload, workload.blocks[i]).run();
    workload.blocks[i] = std::move(fused);
  }
}

}  // namespace fastpath
