/// A system as tables: each figure with its source.
#pragma once

#include "fastpath/findings.h"
#include "fastpath/system.h"

namespace fastpath {

/// Tables `summary`, `peaks`, `memories`, `levels` and `achieved` (what kernels reach).
Findings describe_system(const System& system);

}  // namespace fastpath
