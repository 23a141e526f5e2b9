/// What a model is made of: parameters, work and traffic by operator and in total.
#pragma once

#include "fastpath/findings.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Tables `summary`, `blocks` and `operators` (the `top` with most work; 0 = all in order).
Findings describe_workload(const Workload& workload, std::size_t top);

}  // namespace fastpath
