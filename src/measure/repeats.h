/// Repeats of a measurement until its spread is known.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// One repeat: the figure, and how much of the machine others used meanwhile.
struct Repeat {
  double value = 0;
  double others = 0;  ///< cores' worth
};

struct Repeated {
  double median = 0;  ///< of the quiet repeats, or of all where too few were quiet
  double spread = 0;  ///< half of what lies between the 10 % and 90 % quantiles, over the median
  std::size_t kept = 0;
  std::size_t discarded = 0;  ///< while others were busy
  double others = 0;          ///< median over all repeats
  bool noisy = false;         ///< too few were quiet: the figure is of a busy machine
};

struct RepeatLimits {
  std::size_t least = 3;
  std::size_t most = 12;
  double spread = 0.03;      ///< narrow enough to stop
  double most_others = 0.1;  ///< cores' worth that others may use in a quiet repeat
};

/// Calls `measure` until the spread of the quiet repeats is narrow or there are enough of them.
Repeated repeat(const std::function<Repeat()>& measure, const RepeatLimits& limits);

/// The same for several figures, in turns: a round measures each figure that is not known yet once,
/// so that a spread has what changed while the others were measured.
std::vector<Repeated> repeat_in_turns(const std::vector<std::function<Repeat()>>& figures,
                                      const RepeatLimits& limits);

/// Whether two measurements of a figure differ by no more than both spreads together.
bool agree(const Repeated& one, const Repeated& other);

/// The same of given repeats.
Repeated summarise(const std::vector<Repeat>& repeats, const RepeatLimits& limits);

}  // namespace fastpath
