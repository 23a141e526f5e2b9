/// A step whose ranks differ: passes of all different replicas, with drawn times.
#pragma once

#include "engine/simulate/replicas.h"
#include "engine/simulate/role_graph.h"

namespace fastpath {

struct DisturbedRun {
  std::vector<Picoseconds> passes_end;  ///< by pipeline rank, of the last replica
  std::vector<Picoseconds> finish;      ///< by pipeline rank
  std::size_t tasks = 0;
  struct Pass {
    std::uint32_t replica = 0;
    std::uint32_t rank = 0;
    std::uint32_t slot = 0;
    Picoseconds start = 0;
    Picoseconds end = 0;
  };
  std::vector<Pass> passes;
};

/// The undisturbed roles and how they ran. Refers to both: for a call only.
struct RoleRun {
  const RoleGraph& roles;
  const GraphRun& run;
};

/// Runs the passes of each replica as delays. Inside a pass operators take their time times the
/// member's factor and jitter, collectives wait for all members. What sharing links has added to a
/// pass or transfer of `clean` is added here too.
DisturbedRun run_disturbed(Predictor::State& state, const Plan& plan, const RoleRun& clean,
                           const Replicas& replicas, const SimulateOptions& options);

}  // namespace fastpath
