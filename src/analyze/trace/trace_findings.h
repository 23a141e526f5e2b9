/// What traces say, as tables.
#pragma once

#include <vector>

#include "fastpath/findings.h"

#include "analyze/trace/job_analysis.h"
#include "analyze/trace/rank_analysis.h"

namespace fastpath {

/// One thing to do, with the time that it would save at most and why we think so.
struct Recommendation {
  std::string what;
  std::string evidence;
  Picoseconds saves = 0;  ///< of one device's time, at most
  Picoseconds of = 0;     ///< that time
};

/// Most worthwhile first; of the rank and device where the time goes.
std::vector<Recommendation> recommend(const std::vector<RankAnalysis>& ranks,
                                      const JobAnalysis& job);

/// Tables of the ranks, and of the job where there are several; `top` rows of long tables, 0 = all.
Findings describe_traces(const std::vector<RankAnalysis>& ranks, const JobAnalysis& job,
                         std::size_t top);

}  // namespace fastpath
