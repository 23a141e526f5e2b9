#include "lower/mesh.h"

#include <algorithm>
#include <limits>

namespace fastpath {

Mesh mesh_of(const Plan& plan) {
  Mesh mesh;
  mesh.size = {plan.tensor_parallel, plan.context_parallel, plan.expert_parallel,
               plan.data_parallel / std::max(1, plan.expert_parallel), plan.pipeline_parallel};
  std::int64_t stride = 1;
  for (const MeshAxis axis : plan.order) {
    const auto index = static_cast<std::size_t>(axis);
    mesh.stride[index] = stride;
    stride *= mesh.size[index];
  }
  return mesh;
}

Group joint_group(const Mesh& mesh, std::initializer_list<MeshAxis> axes) {
  Group group{1, std::numeric_limits<std::int64_t>::max()};
  for (const MeshAxis axis : axes) {
    if (mesh.ranks(axis) == 1) continue;
    group.size *= mesh.ranks(axis);
    group.stride = std::min(group.stride, mesh.stride[static_cast<std::size_t>(axis)]);
  }
  if (group.size == 1) group.stride = 1;
  return group;
}

}  // namespace fastpath
