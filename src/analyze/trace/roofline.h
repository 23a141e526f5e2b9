/// Operators of a trace against what their device could do, and as measurements.
#pragma once

#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/system.h"

#include "analyze/trace/rank_analysis.h"

namespace fastpath {

/// A row for each operator whose shapes say its work: achieved FLOP/s and bytes/s, the data-sheet
/// rate that bounds it, and the share of the attainable time (the longer of work / peak and
/// bytes / bandwidth, over the time on the device). Longest first, `top` of them; 0 = all. Bytes
/// count each input and output once.
Table roofline_table(const std::vector<RankAnalysis>& ranks, const Device& device, std::size_t top);

/// The same operators, of those that run as one kernel, as rows that `fastpath calibrate` and
/// `fastpath validate` read: mean time by name, shapes and types. CSV with a header.
std::string trace_measurements(const std::vector<RankAnalysis>& ranks, const Device& device);

}  // namespace fastpath
