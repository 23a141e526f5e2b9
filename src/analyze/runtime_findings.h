/// A runtime's profile as operators, tables and a timeline.
#pragma once

#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/timeline.h"

#include "ir/runtime_profile.h"

namespace fastpath {

/// Operators in the order of their first execution, without the first `warm_ups` executions of the
/// model (all of them where there are no more). An operator that runs several times in one
/// execution counts with the sum. One that holds others (`If`, loops) counts without them, but with
/// what the profiler does for them.
std::vector<RuntimeOperator> operators_of(const std::vector<RuntimeEvent>& events,
                                          std::size_t warm_ups);

/// What the profiler adds to an operator that holds no others: by the operators of an execution
/// together and the time of the whole without the profiler. The profiler's own work drives data and
/// code out of the caches.
Seconds profiler_cost(const std::vector<RuntimeOperator>& operators, Seconds whole);

/// An operator's time without that; a tenth of it at least is its own.
Seconds without_profiler(Seconds time, Seconds cost);

/// Where the time of an execution goes, by type of operator, longest first.
Table runtime_types_table(const std::vector<RuntimeOperator>& operators);

/// The `top` longest operators.
Table runtime_operators_table(const std::vector<RuntimeOperator>& operators, std::size_t top);

/// The execution whose operators together took the median time, on one lane.
Timeline timeline_of(const std::vector<RuntimeEvent>& events, std::size_t warm_ups,
                     const std::string& title);

}  // namespace fastpath
