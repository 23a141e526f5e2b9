/// What the traces of several ranks of one job say together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyze/trace/rank_analysis.h"

namespace fastpath {

/// How far a rank's clock is ahead of the reference's.
struct ClockOffset {
  std::int64_t rank = 0;
  Picoseconds offset = 0;  ///< beyond the difference of the bases that the traces state
  Picoseconds spread = 0;  ///< interquartile range over the collectives that it is the median of
  std::int64_t collectives = 0;  ///< that it is estimated from; 0 = not estimated
};

/// One collective over all ranks of its group, in aligned time.
struct JointCollective {
  std::string name;
  std::string group;
  std::int64_t sequence = 0;  ///< of this name and group, from 0
  Bytes payload;              ///< 0 = unknown
  std::int64_t ranks = 0;     ///< of which there are traces
  Picoseconds start = 0;      ///< of the last rank to come
  Picoseconds skew = 0;       ///< from the first rank's start to the last one's
  Picoseconds transfer = 0;   ///< from the last start to the last end
  Picoseconds waited = 0;     ///< sum over ranks of the time before the last one came
  std::int64_t last_rank = 0;
};

struct StragglerRow {
  std::int64_t rank = 0;
  std::int64_t came_last = 0;  ///< to how many collectives
  Picoseconds caused = 0;      ///< others' waiting for it
  Picoseconds waited = 0;      ///< its own waiting for others
  Picoseconds compute = 0;
};

struct JobAnalysis {
  std::vector<ClockOffset> clocks;
  std::vector<JointCollective> collectives;  ///< by start
  std::vector<StragglerRow> stragglers;      ///< by caused waiting, most first
  std::int64_t unmatched = 0;                ///< collectives that not all ranks of the job show
};

/// Joins collectives by group, name and order. Where that does not work (ranks show different
/// numbers of them), they are counted as unmatched.
///
/// Clocks: no rank leaves a collective that depends on all ranks before all have come, so ranks
/// end one nearly together. The offset of a rank is the median over such collectives of its end
/// less the reference's. Without bases since 1970 the first rank's first event is the base.
JobAnalysis analyze_job(const std::vector<RankAnalysis>& ranks);

}  // namespace fastpath
