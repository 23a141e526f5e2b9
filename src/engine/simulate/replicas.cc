#include "engine/simulate/replicas.h"

#include <algorithm>
#include <array>
#include <map>

#include "engine/simulate/options.h"

namespace fastpath {
namespace {

using AxisSet = std::array<bool, kMeshAxes>;

/// Axes whose ranks meet inside a pass of some block.
AxisSet axes_that_meet(const std::vector<BlockProgram>& programs) {
  AxisSet meets{};
  for (const BlockProgram& program : programs) {
    for (const auto* tasks : {&program.forward, &program.backward}) {
      for (const Task& task : *tasks) {
        if (task.collective != Collective::none) meets[static_cast<std::size_t>(task.axis)] = true;
      }
    }
    if (program.gathers.empty()) continue;
    for (const MeshAxis axis : {MeshAxis::context, MeshAxis::expert, MeshAxis::data})
      meets[static_cast<std::size_t>(axis)] = true;
  }
  // Sharded data ranks meet across the experts' and the sequence's axes too.
  if (meets[static_cast<std::size_t>(MeshAxis::data)]) {
    meets[static_cast<std::size_t>(MeshAxis::context)] = true;
    meets[static_cast<std::size_t>(MeshAxis::expert)] = true;
  }
  return meets;
}

/// Where a rank is: replica, pipeline rank, member of its unit (tensor ranks first).
struct Seat {
  std::size_t replica = 0;
  std::size_t rank = 0;
  std::size_t member = 0;
};

Seat seat_of(std::int64_t rank, const Mesh& mesh, const AxisSet& meets) {
  Seat seat;
  std::int64_t members = 1;
  std::int64_t replicas = 1;
  for (const MeshAxis axis :
       {MeshAxis::tensor, MeshAxis::context, MeshAxis::expert, MeshAxis::data}) {
    const Group group = mesh.group(axis);
    const std::int64_t at = rank / group.stride % group.size;
    if (meets[static_cast<std::size_t>(axis)]) {
      seat.member += static_cast<std::size_t>(at * members);
      members *= group.size;
    } else {
      seat.replica += static_cast<std::size_t>(at * replicas);
      replicas *= group.size;
    }
  }
  const Group pipeline = mesh.group(MeshAxis::pipeline);
  seat.rank = static_cast<std::size_t>(rank / pipeline.stride % pipeline.size);
  return seat;
}

std::string reason_of(const Replicas& replicas, bool jitter) {
  const std::string of = " of " + std::to_string(replicas.count) + " replicas";
  if (replicas.count == 1) return "the ranks of a stage meet in every layer: one replica";
  if (jitter) return "jitter makes all" + of + " different";
  if (replicas.factors.size() == 1) return "all" + of + " are alike: one stands for them";
  return std::to_string(replicas.factors.size()) + of + " are different: each kind is run once";
}

}  // namespace

Replicas replicas_of(Predictor::State& state, const Plan& plan, const SimulateOptions& options) {
  const Mesh mesh = mesh_of(plan);
  const AxisSet meets = axes_that_meet(state.lowerer.lower_blocks(plan));
  Replicas result;
  for (const MeshAxis axis :
       {MeshAxis::tensor, MeshAxis::context, MeshAxis::expert, MeshAxis::data}) {
    (meets[static_cast<std::size_t>(axis)] ? result.members : result.count) *= mesh.ranks(axis);
  }
  if (meets[static_cast<std::size_t>(MeshAxis::tensor)])
    result.tensor = mesh.ranks(MeshAxis::tensor);
  const bool jitter = options.jitter > 0;
  const auto ranks = static_cast<std::size_t>(plan.pipeline_parallel);
  const std::size_t kept = jitter ? static_cast<std::size_t>(result.members) : 1;
  using Factors = std::vector<std::vector<double>>;
  std::vector<Factors> all(static_cast<std::size_t>(result.count),
                           Factors(ranks, std::vector<double>(kept, 0.0)));
  const std::vector<double> factors = factors_of_ranks(plan.device_count(), options);
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const Seat seat = seat_of(static_cast<std::int64_t>(i), mesh, meets);
    double& factor = all[seat.replica][seat.rank][jitter ? seat.member : 0];
    factor = std::max(factor, factors[i]);
  }
  if (!jitter) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  result.factors = std::move(all);
  result.reason = reason_of(result, jitter);
  return result;
}

}  // namespace fastpath
