/// Which dimension of an operator each mesh axis splits, and what that asks of its tensors.
#pragma once

#include <array>
#include <vector>

#include "ir/semantics.h"
#include "lower/mesh.h"

namespace fastpath {

/// Dims of an operator with their roles: fixed by the workload, looked up once.
struct OpDims {
  std::vector<DimId> dims;
  std::vector<DimRole> roles;

  DimRole role(DimId dim) const;
};

OpDims dims_and_roles(const Workload& workload, const Block& block, const Op& op);

/// Decides splits for one workload and plan.
class Splitting {
 public:
  /// `whole` are the dims of one micro-batch over all data ranks.
  Splitting(const Workload& workload, const Plan& plan, const Mesh& mesh, DimSizes whole)
      : workload_(workload), plan_(plan), mesh_(mesh), whole_(std::move(whole)) {}

  /// The placement of an operator's iteration space, by axis: split over a dim, or replicated.
  Layout of_op(const Block& block, const Op& op, const OpDims& dims) const;

  /// What the operator needs of its input `index`.
  Layout of_input(const Block& block, const Op& op, std::size_t index, const Layout& split) const;

  /// Whether an operator looks up in a table that the plan deals out over data ranks.
  bool deals_out(const Block& block, const Op& op) const;

  /// Whether an attention passes keys and values round the context ranks, which keep their shares.
  bool rings(const Op& op, const Layout& split) const;

  /// What it leaves its output in; partial where a split dimension was summed.
  Layout of_output(const Block& block, const Op& op, TensorId output, const OpDims& dims,
                   const Layout& split) const;

  /// How activations cross from block to block: batch over data and experts, sequence over context
  /// (and over tensor with sequence parallelism), marked channels over tensor.
  Layout canonical(const Tensor& tensor) const;

  /// Local sizes of all dims under a layout. Fewer kv heads than tensor ranks are replicated.
  DimSizes sizes(const Layout& layout) const;

  /// Sizes an operator sees: its split, and kv heads along with heads.
  DimSizes op_sizes(const OpDims& dims, const Layout& split) const;

  /// Ranks that hold or compute the same part.
  double replication(const Layout& layout) const;

  Bytes bytes(const Tensor& tensor, const Layout& layout) const;

  const Workload& workload() const { return workload_; }
  const Plan& plan() const { return plan_; }
  const Mesh& mesh() const { return mesh_; }

 private:
  Placement tensor_split(const Block& block, const Op& op, const OpDims& dims) const;
  Placement context_split(const Op& op, const OpDims& dims) const;
  Placement sequence_split(const OpDims& dims) const;
  Placement keys_in_ring(const Tensor& tensor) const;
  /// Over the heads of keys and values, where query heads are split.
  Placement shared_heads(const Tensor& tensor) const;
  Placement expert_split(const Block& block, const Op& op, const OpDims& dims) const;
  Placement batch_split(const OpDims& dims) const;
  void divide(DimSizes& sizes, DimId dim, std::int64_t ways) const;
  DimKind kind(DimId dim) const { return workload_.dims[dim].kind; }

  const Workload& workload_;
  const Plan& plan_;
  const Mesh& mesh_;
  DimSizes whole_;
};

}  // namespace fastpath
