/// A trace with what its analysis found, for viewers.
#pragma once

#include <string>

#include "analyze/trace/critical_path.h"
#include "analyze/trace/trace_index.h"
#include "ir/trace.h"

namespace fastpath {

/// Chrome's format, as Perfetto opens it: the trace's spans; those on the critical path have the
/// argument "critical" and are joined by arrows named "critical path"; work of devices has its
/// class. Times are in microseconds since the trace's base, to the
/// picosecond.
std::string annotated_trace(const TraceIndex& index, const CriticalPath& path);

}  // namespace fastpath
