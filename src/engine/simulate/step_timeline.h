/// Simulated steps as timelines.
#pragma once

#include <string>

#include "engine/simulate/disturbed.h"
#include "engine/simulate/role_graph.h"

namespace fastpath {

/// Three lanes for each pipeline rank: passes, operators, network.
Timeline step_timeline(const std::string& title, const RoleGraph& roles, const GraphRun& run,
                       const ScheduleOrder& order, const SimulateOptions& options);

/// A lane of passes for each pipeline rank of each replica.
Timeline replica_timeline(const std::string& title, const DisturbedRun& run,
                          const ScheduleOrder& order, const SimulateOptions& options);

}  // namespace fastpath
