/// Modules of two models side by side, matched by where they are.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "analyze/trace/rank_analysis.h"

namespace fastpath {

/// What matches; index 0 is before, 1 after. A path is empty where only the other side has it.
struct MatchedModule {
  std::array<std::string, 2> path;
  std::array<double, 2> time{};  ///< seconds a device

  double change() const { return time[1] - time[0]; }
};

/// Children of matched modules are matched by name, then by class ("Linear" of "Linear_3") in the
/// order of their first calls, then, where as many are left on both sides, in that order alone. A
/// wrapper that only one side has is passed over. Where one side is a prediction, its longest block
/// is matched with the repeated modules of one class that take longest. Largest changes first.
std::vector<MatchedModule> match_modules(const std::vector<RankAnalysis>& before,
                                         const std::vector<RankAnalysis>& after);

}  // namespace fastpath
