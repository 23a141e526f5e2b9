/// The space that is searched when the user names none.
#pragma once

#include <string>

#include "fastpath/system.h"
#include "fastpath/workload.h"

#include "search/goal.h"

namespace fastpath {

/// Words of a space (see Space) for all devices of `system`, or for fewer of them too where the
/// objective may prefer that: parallelism by the divisors of the devices; in training micro-batches
/// of up to 16, recomputation, ZeRO and the usual schedules.
std::string default_space(const Workload& workload, const System& system, Objective objective);

}  // namespace fastpath
