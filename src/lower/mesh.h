/// The device mesh of a plan, and how tensors and operators lie on it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/program.h"
#include "fastpath/workload.h"

namespace fastpath {

/// The mesh axes over which dimensions are split: tensor, context, expert, data. Pipeline ranks
/// hold different blocks instead.
inline constexpr int kSplitAxes = 4;

constexpr int index_of(MeshAxis axis) { return static_cast<int>(axis); }

/// Ranks by axis. Expert parallelism lives inside data parallelism, so the data axis of the mesh
/// has dp / ep ranks and the two together split the batch. Tables that are dealt out lie on the
/// expert axis, which then has all data ranks.
struct Mesh {
  std::array<std::int64_t, kMeshAxes> size{1, 1, 1, 1, 1};
  std::array<std::int64_t, kMeshAxes> stride{1, 1, 1, 1, 1};

  std::int64_t ranks(MeshAxis axis) const { return size[static_cast<std::size_t>(axis)]; }
  Group group(MeshAxis axis) const { return {ranks(axis), stride[static_cast<std::size_t>(axis)]}; }
};

/// Valid for a plan whose expert_parallel divides data_parallel.
Mesh mesh_of(const Plan& plan);

/// One group over several axes: the product of their ranks, at the smallest stride.
Group joint_group(const Mesh& mesh, const std::vector<MeshAxis>& axes);

/// Data ranks that hold a parameter: `shard` ranks share one copy of its states under ZeRO, and
/// `replicas` hold the same share of it (hybrid sharding; one where all data ranks share a copy).
struct StateGroups {
  Group shard;
  Group replicas;
};

/// Of parameters that all data ranks hold, or of those that are split over the expert axis.
/// Neighbours on the mesh share a copy. Valid where Plan::shard divides data_parallel and divides
/// expert_parallel or is a multiple of it.
StateGroups state_groups(const Plan& plan, const Mesh& mesh, bool of_experts);

/// How a tensor lies on one mesh axis: split over a dimension, replicated, or partial sums.
class Placement {
 public:
  constexpr Placement() = default;
  static constexpr Placement replicated() { return Placement{kReplicated}; }
  static constexpr Placement partial() { return Placement{kPartial}; }
  static constexpr Placement over(DimId dim) { return Placement{static_cast<std::int64_t>(dim)}; }

  constexpr bool is_replicated() const { return where_ == kReplicated; }
  constexpr bool is_partial() const { return where_ == kPartial; }
  constexpr bool is_split() const { return where_ >= 0; }
  constexpr DimId dim() const { return static_cast<DimId>(where_); }

  friend constexpr bool operator==(Placement, Placement) = default;

 private:
  static constexpr std::int64_t kReplicated = -1;
  static constexpr std::int64_t kPartial = -2;
  constexpr explicit Placement(std::int64_t where) : where_(where) {}
  std::int64_t where_ = kReplicated;
};

using Layout = std::array<Placement, kSplitAxes>;

}  // namespace fastpath
