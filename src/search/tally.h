/// What a search has found so far. Adding records of chunks gives the same in any order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "search/goal.h"

namespace fastpath {

/// A plan by its number in the space.
struct FoundPlan {
  std::int64_t index = 0;
  PlanFigures figures;
};

/// Points of a space by what became of them; each is counted once.
struct Coverage {
  std::int64_t illegal = 0;    ///< not a legal plan of the workload on the system
  std::int64_t redundant = 0;  ///< the same plan as another point
  std::int64_t too_large = 0;  ///< does not fit into the device's memory
  std::int64_t outside = 0;    ///< cannot keep within the limits
  std::int64_t excluded = 0;   ///< its bound is above the last of the best plans
  std::int64_t compared = 0;   ///< the rest: ranked by their predicted figures

  std::int64_t points() const {
    return illegal + redundant + too_large + outside + excluded + compared;
  }
};

/// What one chunk of points gave: all that is needed to go on without visiting it again.
struct ChunkRecord {
  Coverage coverage;                 ///< `compared` = bounds.size(), or all if no bounds are kept
  std::vector<double> bounds;        ///< of the objective, of the points that were evaluated
  std::vector<FoundPlan> best;       ///< within the limits, best first, at most SearchGoal::top
  std::vector<FoundPlan> front;      ///< not dominated, if a trade-off is asked for
  std::optional<FoundPlan> nearest;  ///< of those too large, the one that needs least memory
};

/// Exact text of a record, and back.
std::string write_record(const ChunkRecord& record);
Result<ChunkRecord> read_record(std::string_view text, const Place& place);

/// Whether `a` is ranked before `b`: by the objective, then time, memory and number.
bool better(const FoundPlan& a, const FoundPlan& b, Objective objective);

/// Takes `plan` instead of `nearest` if it needs less memory.
void offer_nearest(std::optional<FoundPlan>& nearest, const FoundPlan& plan);

/// Inserts `plan` into the best `top`, which are sorted.
void offer(std::vector<FoundPlan>& best, const FoundPlan& plan, const SearchGoal& goal);

/// Keeps the plans that no other beats in one of both figures without losing in the other; of equal
/// ones the better. Sorted by the objective.
void keep_front(std::vector<FoundPlan>& plans, const SearchGoal& goal);

class Tally {
 public:
  explicit Tally(const SearchGoal& goal) : goal_(goal) {}

  void add(ChunkRecord record);

  /// What a bound must not exceed for a plan to matter: the objective of the last of the best
  /// plans; infinity as long as they are too few, and always if a trade-off is asked for.
  double threshold() const;

  const std::vector<FoundPlan>& best() const { return best_; }
  const std::vector<FoundPlan>& front() const { return front_; }
  const std::optional<FoundPlan>& nearest() const { return nearest_; }

  /// Final once all chunks are in: which points are `excluded` and which `compared` follows from
  /// their bounds and the best plans alone, whatever the order in which chunks were visited.
  Coverage coverage() const;

 private:
  SearchGoal goal_;
  Coverage coverage_;
  std::vector<double> bounds_;
  std::vector<FoundPlan> best_;
  std::vector<FoundPlan> front_;
  std::optional<FoundPlan> nearest_;
};

}  // namespace fastpath
