#include "import/model/builder.h"

#include <algorithm>
#include <utility>

#include "ir/semantics.h"

namespace fastpath {

DimId get_dim(Workload& workload, std::string_view name, DimKind kind, std::int64_t size) {
  std::string candidate(name);
  for (int suffix = 2;; ++suffix) {
    const auto same = [&](const Dim& dim) { return dim.name == candidate; };
    const auto found = std::find_if(workload.dims.begin(), workload.dims.end(), same);
    if (found == workload.dims.end()) break;
    if (found->size == size) return static_cast<DimId>(found - workload.dims.begin());
    candidate = std::string(name) + "_" + std::to_string(suffix);
  }
  workload.dims.push_back({candidate, size, kind});
  return static_cast<DimId>(workload.dims.size() - 1);
}

std::vector<Axis> axes(std::initializer_list<DimId> dims) {
  std::vector<Axis> result;
  result.reserve(dims.size());
  for (const DimId dim : dims)
    result.push_back({dim, false});
  return result;
}

BlockBuilder::BlockBuilder(Workload& workload, std::string name) : workload_(workload) {
  block_.name = std::move(name);
}

TensorId BlockBuilder::tensor(Out tensor) {
  block_.tensors.push_back(
      {std::move(tensor.name), tensor.role, std::move(tensor.axes), tensor.format, false});
  return static_cast<TensorId>(block_.tensors.size() - 1);
}

TensorId BlockBuilder::weight(std::string name, std::initializer_list<DimId> dims,
                              NumberFormat format) {
  return tensor({std::move(name), axes(dims), format, TensorRole::weight});
}

std::string BlockBuilder::unique_op(std::string name) const {
  const auto taken = [&](const std::string& candidate) {
    return std::any_of(block_.ops.begin(), block_.ops.end(),
                       [&](const Op& op) { return op.name == candidate; });
  };
  if (!taken(name)) return name;
  int suffix = 2;
  while (taken(name + "_" + std::to_string(suffix)))
    ++suffix;
  return name + "_" + std::to_string(suffix);
}

TensorId BlockBuilder::op(std::string name, OpKind kind, std::vector<TensorId> inputs, Out out,
                          OpAttributes attributes) {
  const TensorId id = tensor(std::move(out));
  block_.ops.push_back(
      {unique_op(std::move(name)), kind, std::move(inputs), {id}, std::move(attributes)});
  return id;
}

TensorId BlockBuilder::matmul(std::string name, std::vector<TensorId> inputs, Out out) {
  return op(std::move(name), OpKind::matmul, std::move(inputs), std::move(out));
}

TensorId BlockBuilder::map(std::string function, std::vector<TensorId> inputs, Out out,
                           double work) {
  OpAttributes attributes;
  attributes.work_per_element = work;
  attributes.function = function;
  return op(std::move(function), OpKind::elementwise, std::move(inputs), std::move(out),
            std::move(attributes));
}

TensorId BlockBuilder::sum(std::string name, std::vector<TensorId> inputs, Out out) {
  OpAttributes attributes;
  attributes.work_per_element = std::max(1.0, static_cast<double>(inputs.size()) - 1);
  attributes.function = "add";
  return op(std::move(name), OpKind::elementwise, std::move(inputs), std::move(out),
            std::move(attributes));
}

void BlockBuilder::op_with_work(Op op, double work) {
  const DimSizes sizes = whole_sizes(workload_);
  double largest = 1;
  for (const TensorId id : op.outputs)
    largest = std::max(largest, elements(workload_, at(id), sizes));
  for (const TensorId id : op.inputs) {
    if (at(id).role == TensorRole::cache) continue;
    largest = std::max(largest, elements(workload_, at(id), sizes));
  }
  op.attributes.work_per_element = work / largest;
  op.name = unique_op(std::move(op.name));
  block_.ops.push_back(std::move(op));
}

Out BlockBuilder::like(TensorId id, std::string name) const {
  return {std::move(name), at(id).axes, at(id).format, TensorRole::activation};
}

}  // namespace fastpath
