/// Runs what execution traces recorded, on another system.
#pragma once

#include "fastpath/result.h"
#include "fastpath/simulation.h"
#include "fastpath/system.h"

#include "ir/recorded_program.h"

namespace fastpath {

/// Rank `r` runs on device `r`. Tasks of a lane keep their order, and follow what they wait for. A
/// collective starts when all recorded ranks of its group have come to it: the n-th of its kind and
/// group on one rank meets the n-th on the others; ranks that were not recorded are in time. Groups
/// whose ranks no trace lists are neighbours, as many as the trace says, else all recorded ranks,
/// else, of one rank, all devices. Transfers do not slow each other.
///
/// Fails on options out of their range, on ranks and groups that the system has no devices for, and
/// where ranks wait for each other for ever.
Result<RecordedRun> simulate_recorded(const RecordedProgram& recorded, const System& system,
                                      const SimulateOptions& options);

}  // namespace fastpath
