/// What a run of an execution trace says.
#pragma once

#include <cstddef>

#include "fastpath/findings.h"
#include "fastpath/system.h"

#include "ir/recorded_program.h"

namespace fastpath {

/// `top`: rows of the tables of operators and collectives; 0 = all.
Findings explain_recorded(const RecordedProgram& recorded, const RecordedRun& run,
                          const System& system, std::size_t top);

}  // namespace fastpath
