#include "import/onnx/axes.h"

#include <algorithm>

namespace fastpath::onnx_import {

AxisId Axes::add(std::int64_t size) {
  const auto id = static_cast<AxisId>(classes_.size());
  Class axis;
  axis.size = size;
  axis.parent = id;
  classes_.push_back(std::move(axis));
  return id;
}

AxisId Axes::composite(const std::vector<AxisId>& factors) {
  std::int64_t size = 1;
  for (const AxisId factor : factors)
    size *= classes_[factor].size;
  const AxisId id = add(size);
  classes_[id].factors = factors;
  return id;
}

void Axes::keep_apart(const std::vector<AxisId>& axes) {
  const std::uint32_t group = groups_++;
  for (const AxisId leaf : leaves(axes))
    classes_[leaf].groups.insert(group);
}

AxisId Axes::root(AxisId axis) const {
  while (classes_[axis].parent != axis)
    axis = classes_[axis].parent;
  return axis;
}

void Axes::append_leaves(AxisId axis, std::vector<AxisId>& out) const {
  axis = root(axis);
  if (classes_[axis].factors.empty()) {
    out.push_back(axis);
    return;
  }
  for (const AxisId factor : classes_[axis].factors)
    append_leaves(factor, out);
}

std::vector<AxisId> Axes::leaves(AxisId axis) const {
  std::vector<AxisId> out;
  append_leaves(axis, out);
  return out;
}

std::vector<AxisId> Axes::leaves(const std::vector<AxisId>& axes) const {
  std::vector<AxisId> out;
  for (const AxisId axis : axes)
    append_leaves(axis, out);
  return out;
}

std::vector<AxisId> Axes::long_leaves(const std::vector<AxisId>& axes) const {
  std::vector<AxisId> out = leaves(axes);
  std::erase_if(out, [this](AxisId leaf) { return classes_[leaf].size == 1; });
  return out;
}

/// Parts an elementary axis into a major factor and one of `minor`.
bool Axes::split(AxisId leaf, std::int64_t minor) {
  if (minor < 1 || classes_[leaf].size % minor != 0) return false;
  const AxisId high = add(classes_[leaf].size / minor);
  const AxisId low = add(minor);
  classes_[high].groups = classes_[leaf].groups;
  classes_[low].groups = classes_[leaf].groups;
  classes_[leaf].factors = {high, low};
  return true;
}

bool Axes::merge(AxisId a, AxisId b) {
  if (a == b) return true;
  if (classes_[a].size != classes_[b].size) return false;
  if (classes_[a].groups.size() < classes_[b].groups.size()) std::swap(a, b);
  for (const std::uint32_t group : classes_[b].groups) {
    if (classes_[a].groups.count(group) > 0) return false;
  }
  classes_[a].groups.insert(classes_[b].groups.begin(), classes_[b].groups.end());
  classes_[b].groups.clear();
  classes_[b].parent = a;
  return true;
}

/// Walks both lists of elementary axes from the back, parting the longer where they differ.
bool Axes::align(const std::vector<AxisId>& a, const std::vector<AxisId>& b) {
  constexpr int kMostFactors = 64;
  for (int step = 0; step < kMostFactors * kMostFactors; ++step) {
    const std::vector<AxisId> left = long_leaves(a);
    const std::vector<AxisId> right = long_leaves(b);
    const std::size_t common = std::min(left.size(), right.size());
    std::size_t same = 0;
    while (same < common && left[left.size() - 1 - same] == right[right.size() - 1 - same])
      ++same;
    if (same == common) return left.size() == right.size();
    const AxisId x = left[left.size() - 1 - same];
    const AxisId y = right[right.size() - 1 - same];
    const std::int64_t small = std::min(classes_[x].size, classes_[y].size);
    bool moved = false;
    if (classes_[x].size == classes_[y].size) {
      moved = merge(x, y);
    } else {
      moved = split(classes_[x].size > small ? x : y, small);
    }
    if (!moved) return false;
  }
  return false;
}

bool Axes::tie(AxisId a, AxisId b) {
  if (classes_[a].size != classes_[b].size) return false;
  if (classes_[a].size > 1) return align({a}, {b});
  const std::vector<AxisId> left = leaves(a);
  const std::vector<AxisId> right = leaves(b);
  return left.size() == 1 && right.size() == 1 && merge(left[0], right[0]);
}

void Axes::tie_reshaped(const std::vector<AxisId>& from, const std::vector<AxisId>& to) {
  std::size_t i = 0;
  std::size_t j = 0;
  // The leading axis is kept where it can be, even if it is 1: it is the batch.
  if (!from.empty() && !to.empty() && size(from[0]) == size(to[0])) {
    tie(from[0], to[0]);
    i = j = 1;
  }
  while (i < from.size() && j < to.size()) {
    std::vector<AxisId> left{from[i++]};
    std::vector<AxisId> right{to[j++]};
    std::int64_t left_size = size(left[0]);
    std::int64_t right_size = size(right[0]);
    while (left_size != right_size) {
      const bool grow_left = left_size < right_size;
      if (grow_left ? i == from.size() : j == to.size()) return;
      const AxisId next = grow_left ? from[i++] : to[j++];
      (grow_left ? left : right).push_back(next);
      (grow_left ? left_size : right_size) *= size(next);
    }
    if (left.size() == 1 && right.size() == 1) {
      if (left_size > 1) tie(left[0], right[0]);
    } else {
      align(left, right);
    }
  }
}

}  // namespace fastpath::onnx_import
