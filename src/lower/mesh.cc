#include "lower/mesh.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace fastpath {

Mesh mesh_of(const Plan& plan) {
  Mesh mesh;
  const bool tables = plan.tables != TablePlacement::replicated;
  const int experts = tables ? plan.data_parallel : std::max(1, plan.expert_parallel);
  mesh.size = {plan.tensor_parallel, plan.context_parallel, experts, plan.data_parallel / experts,
               plan.pipeline_parallel};
  std::int64_t stride = 1;
  for (const MeshAxis axis : plan.order) {
    const auto index = static_cast<std::size_t>(axis);
    mesh.stride[index] = stride;
    stride *= mesh.size[index];
  }
  return mesh;
}

Group joint_group(const Mesh& mesh, const std::vector<MeshAxis>& axes) {
  Group group{1, std::numeric_limits<std::int64_t>::max()};
  for (const MeshAxis axis : axes) {
    if (mesh.ranks(axis) == 1) continue;
    group.size *= mesh.ranks(axis);
    group.stride = std::min(group.stride, mesh.stride[static_cast<std::size_t>(axis)]);
  }
  if (group.size == 1) group.stride = 1;
  return group;
}

namespace {

void extend(Group& group, std::int64_t ranks, std::int64_t stride) {
  if (ranks == 1) return;
  group.stride = group.size == 1 ? stride : std::min(group.stride, stride);
  group.size *= ranks;
}

}  // namespace

StateGroups state_groups(const Plan& plan, const Mesh& mesh, bool of_experts) {
  const auto stride = [&](MeshAxis axis) { return mesh.stride[static_cast<std::size_t>(axis)]; };
  std::array<MeshAxis, 2> axes{MeshAxis::expert, MeshAxis::data};
  if (stride(MeshAxis::data) < stride(MeshAxis::expert)) std::swap(axes[0], axes[1]);
  StateGroups groups;
  extend(groups.shard, mesh.ranks(MeshAxis::context), stride(MeshAxis::context));
  std::int64_t left = plan.shard > 0 ? plan.shard : plan.data_parallel;
  for (const MeshAxis axis : axes) {
    const std::int64_t ranks = mesh.ranks(axis);
    const std::int64_t taken = std::min(left, ranks);
    left = std::max<std::int64_t>(1, left / taken);
    if (of_experts && axis == MeshAxis::expert) continue;
    extend(groups.shard, taken, stride(axis));
    extend(groups.replicas, ranks / taken, stride(axis) * taken);
  }
  return groups;
}

}  // namespace fastpath
