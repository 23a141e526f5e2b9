/// Dimensions of the workload: names and kinds for the axes that operators tied together.
///
/// Which output channels tensor parallelism splits: walking the products with stored weights in
/// order, one whose inputs are not split has its outputs marked (channels of a convolution, heads
/// or ffn of a matmul) unless they were decided before; one whose inputs are split has its outputs
/// left whole. So along a chain every second one is split, and the next contracts it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fastpath/workload.h"

#include "import/onnx/layout.h"

namespace fastpath::onnx_import {

/// `name`, or with a number where it was given out already.
std::string unique_among(std::map<std::string, int>& names, const std::string& name);

class DimTable {
 public:
  DimTable(const FlatGraph& graph, const Layout& layout);

  /// Axes of the workload for axes of a tensor: factors in order, without those of size 1 (but with
  /// the batch).
  std::vector<Axis> axes(const AxisList& list);

  /// The dimension of an axis' largest factor; of 0 if it has none.
  DimId largest(AxisId axis);

  /// A dimension that no axis of the graph stands for.
  DimId add(const std::string& name, DimKind kind, std::int64_t size);

  const std::vector<Dim>& dims() const { return dims_; }

 private:
  struct Trait {
    DimKind kind = DimKind::other;
    int priority = -1;
    std::string name;
  };

  void apply(const Hint& hint);
  void mark_chains(const FlatGraph& graph);
  bool is_kept(AxisId leaf) const;
  AxisList kept_leaves(const AxisList& list) const;
  DimId dim_of(AxisId leaf);

  const Layout& layout_;
  std::map<AxisId, Trait> traits_;
  std::map<AxisId, DimId> by_leaf_;
  std::map<std::string, int> names_;
  std::vector<Dim> dims_;
};

}  // namespace fastpath::onnx_import
