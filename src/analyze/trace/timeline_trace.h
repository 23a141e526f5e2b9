/// A predicted or simulated timeline as a trace, so that the analyses of traces apply to it.
#pragma once

#include "fastpath/timeline.h"

#include "ir/trace.h"

namespace fastpath {

/// The trace that an importer would read from the exported timeline: processes are devices, lanes
/// are streams, spans of "passes" repeat the others.
Trace trace_of(const Timeline& timeline);

}  // namespace fastpath
