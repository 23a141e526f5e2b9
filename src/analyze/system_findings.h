/// A system as tables: each figure with its source.
#pragma once

#include "fastpath/findings.h"
#include "fastpath/system.h"

namespace fastpath {

/// Tables `summary`, `peaks`, `memories`, `levels` `achieved` (what kernels reach) and
/// `sources`, to which the others refer.
Findings describe_system(const System& system);

}  // namespace fastpath
