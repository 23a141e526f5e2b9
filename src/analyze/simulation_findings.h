/// A simulated step as tables: how long, what disturbed it, and where links were shared.
#pragma once

#include <string>

#include "fastpath/findings.h"
#include "fastpath/simulation.h"
#include "fastpath/system.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Holds references: for a call only.
struct SimulatedCase {
  const Simulation& simulation;
  const Workload& workload;
  const System& system;
  std::string plan_text;  ///< in the field's words
};

/// Tables `summary`, `roles` (a row for each run of equal pipeline ranks), `links` (a row for each
/// level with transfers); what was simulated as notes.
Findings explain_simulation(const SimulatedCase& simulated);

}  // namespace fastpath
