/// Which ranks of a plan meet often, and which behave alike.
#pragma once

#include <cstdint>
#include <vector>

#include "fastpath/simulation.h"

#include "engine/state.h"
#include "lower/mesh.h"

namespace fastpath {

/// Ranks of one pipeline stage that meet inside passes (tensor ranks in each layer, data ranks
/// where weights are sharded) are a unit: the slowest sets its pace. Units of a pipeline that only
/// meet other units when gradients are reduced are a replica.
struct Replicas {
  std::int64_t count = 1;    ///< of the plan
  std::int64_t members = 1;  ///< of a unit
  std::int64_t tensor = 1;   ///< ranks of a tensor group: neighbours in a unit
  /// Different ones: [replica][pipeline rank][member] factors of operator times. Without jitter a
  /// unit is its slowest member.
  std::vector<std::vector<std::vector<double>>> factors;
  std::string reason;
};

Replicas replicas_of(Predictor::State& state, const Plan& plan, const SimulateOptions& options);

}  // namespace fastpath
