/// Which axes of which tensors are one dimension. Operators tie axes together; a reshape that
/// splits or merges them refines an axis into factors, so that [b s hidden] and [b s heads
/// head_dim] name the same elements by the same dimensions.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace fastpath::onnx_import {

using AxisId = std::uint32_t;

class Axes {
 public:
  AxisId add(std::int64_t size);

  /// An axis whose elements are those of `factors`, the last running fastest.
  AxisId composite(const std::vector<AxisId>& factors);

  /// Axes of one group stay different dimensions: those of one tensor, or the rows, columns and
  /// depth of a product. Call before any tie.
  void keep_apart(const std::vector<AxisId>& axes);

  /// Makes two axes of equal size one. False (and the axes may differ still) where they must stay
  /// apart or their factors do not fit each other.
  bool tie(AxisId a, AxisId b);

  /// Ties two lists of axes with the same number of elements: what a reshape does.
  void tie_reshaped(const std::vector<AxisId>& from, const std::vector<AxisId>& to);

  /// Elementary axes, major first; those of size 1 included.
  std::vector<AxisId> leaves(AxisId axis) const;
  std::vector<AxisId> leaves(const std::vector<AxisId>& axes) const;

  std::int64_t size(AxisId axis) const { return classes_[axis].size; }
  std::size_t count() const { return classes_.size(); }

 private:
  struct Class {
    std::int64_t size = 1;
    AxisId parent = 0;                         ///< itself where it is a root
    std::vector<AxisId> factors;               ///< empty where elementary
    std::unordered_set<std::uint32_t> groups;  ///< of roots
  };

  AxisId root(AxisId axis) const;
  void append_leaves(AxisId axis, std::vector<AxisId>& out) const;
  bool split(AxisId leaf, std::int64_t minor);
  bool merge(AxisId a, AxisId b);
  bool align(const std::vector<AxisId>& a, const std::vector<AxisId>& b);
  std::vector<AxisId> long_leaves(const std::vector<AxisId>& axes) const;

  std::vector<Class> classes_;
  std::uint32_t groups_ = 0;
};

}  // namespace fastpath::onnx_import
