/// Building blocks of a workload operator by operator.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/workload.h"

namespace fastpath {

/// The dim called `name`; `name_2`, `name_3`, ... where the name is taken by another size.
DimId get_dim(Workload& workload, std::string_view name, DimKind kind, std::int64_t size);

/// The tensor that an operator writes.
struct Out {
  std::string name;
  std::vector<Axis> axes;
  NumberFormat format = NumberFormat::bf16;
  TensorRole role = TensorRole::activation;
};

/// Axes from dims.
std::vector<Axis> axes(std::initializer_list<DimId> dims);

/// Appends operators to one block. Operators return the tensor they write.
class BlockBuilder {
 public:
  BlockBuilder(Workload& workload, std::string name);

  TensorId tensor(Out tensor);
  TensorId weight(std::string name, std::initializer_list<DimId> dims, NumberFormat format);

  /// Any operator with one output.
  TensorId op(std::string name, OpKind kind, std::vector<TensorId> inputs, Out out,
              OpAttributes attributes = {});
  /// x times w; further inputs (a bias) may follow.
  TensorId matmul(std::string name, std::vector<TensorId> inputs, Out out);
  /// An elementwise map of `work` FLOP per element of the largest tensor.
  TensorId map(std::string function, std::vector<TensorId> inputs, Out out, double work);

  /// The sum of tensors: a residual, a bias over rows.
  TensorId sum(std::string name, std::vector<TensorId> inputs, Out out);

  /// Adds an operator with any outputs, whose whole forward work is `work` FLOP.
  void op_with_work(Op op, double work);

  /// Marks a tensor as stored elsewhere as well.
  void set_tied(TensorId id, bool tied) { block_.tensors[id].tied = tied; }

  const Tensor& at(TensorId id) const { return block_.tensors[id]; }
  /// Copies the axes and the format of tensor `id`.
  Out like(TensorId id, std::string name) const;

  Workload& workload() { return workload_; }
  Block finish() { return std::move(block_); }

 private:
  std::string unique_op(std::string name) const;

  Workload& workload_;
  Block block_;
};

}  // namespace fastpath
