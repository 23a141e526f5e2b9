/// A Timeline as a trace that Perfetto and chrome://tracing open.
#pragma once

#include <string>

#include "fastpath/timeline.h"

namespace fastpath {

struct TraceOptions {
  bool edges = false;  ///< dependencies as flow arrows
};

/// Trace Event Format (JSON object form). One process per Timeline process, one thread per lane,
/// named by metadata events; a span is a complete event ("X") with ts and dur in microseconds
/// written to the picosecond (`ts` half a picosecond later, so that truncation to
/// nanoseconds is exact); its bound is an argument and its category is `cat`.
///
/// Spans of a lane may overlap, but viewers drop slices of a thread that overlap without nesting:
/// those go to further threads of the lane, "name (2)", "name (3)", ... Nothing is lost: the
/// durations of a lane's threads add up to the lane's.
///
/// Always valid JSON, whatever the names hold.
std::string chrome_trace(const Timeline& timeline, const TraceOptions& options = {});

}  // namespace fastpath
