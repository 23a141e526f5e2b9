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
/// execution counts with the sum.
std::vector<RuntimeOperator> operators_of(const std::vector<RuntimeEvent>& events,
                                          std::size_t warm_ups);

/// Where the time of an execution goes, by type of operator, longest first.
Table runtime_types_table(const std::vector<RuntimeOperator>& operators);

/// The `top` longest operators.
Table runtime_operators_table(const std::vector<RuntimeOperator>& operators, std::size_t top);

/// The execution whose operators together took the median time, on one lane.
Timeline timeline_of(const std::vector<RuntimeEvent>& events, std::size_t warm_ups,
                     const std::string& title);

}  // namespace fastpath
