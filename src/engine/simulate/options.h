/// What is asked of a simulation, checked and applied.
#pragma once

#include "fastpath/result.h"
#include "fastpath/simulation.h"
#include "fastpath/system.h"

namespace fastpath {

/// Options out of their range, and levels and ranks that are not there; `ranks`: of the job.
Diagnostics mistakes_in(const SimulateOptions& options, const System& system, std::int64_t ranks);

System with_slow_links(System system, const std::vector<SlowLink>& links);

/// Whether ranks that do the same may take different times.
bool ranks_differ(const SimulateOptions& options);

/// Factors on the time of operators, by rank: stragglers as drawn from the seed, and slow ranks.
std::vector<double> factors_of_ranks(std::int64_t ranks, const SimulateOptions& options);

}  // namespace fastpath
