/// Two sets of traces side by side: what takes longer in one, and where that comes from.
#pragma once

#include <string>
#include <vector>

#include "fastpath/findings.h"

#include "analyze/trace/rank_analysis.h"

namespace fastpath {

/// Means over each side's devices, since the sides may have different numbers of ranks. Tables:
/// `difference`, whose parts add up to the change of the total; `classes`, `operators` (matched by
/// name, shapes and types, which do not depend on the device) and `kernels` (by name), each with
/// the largest changes first and `top` rows, 0 = all. Neither side may be empty.
Findings compare_traces(const std::vector<RankAnalysis>& before,
                        const std::vector<RankAnalysis>& after, std::size_t top);

}  // namespace fastpath
