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
  /// How far the interval that has the median of all repeats to come with 95 % lies from `median`,
  /// over `median`: all used repeats, of nine or more without the outermost. It supposes no
  /// distribution. Fewer than six have it with less: 94 % of five, 88 % of four, 75 % of three.
  double spread = 0;
  std::size_t kept = 0;
  std::size_t discarded = 0;  ///< while others were busy
  double others = 0;          ///< median over all repeats
  bool noisy = false;         ///< too few were quiet: the figure is of a busy machine
};

struct RepeatLimits {
  std::size_t least = 3;
  std::size_t most = 12;
  double spread = 0.03;      ///< narrow enough to stop; infinite: stop after `least` quiet ones
  double most_others = 0.1;  ///< cores' worth that others may use in a quiet repeat
};

/// Of a figure in rounds: as many quiet repeats, however narrow the first of them. Who stops where
/// the spread is narrow gets spreads that are narrow by chance.
RepeatLimits round_limits(bool quick);

/// Calls `measure` until the spread of the quiet repeats is narrow or there are enough of them.
Repeated repeat(const std::function<Repeat()>& measure, const RepeatLimits& limits);

/// The same for several figures, in rounds that may be spread over other work: a spread then has
/// what changed meanwhile.
class Rounds {
 public:
  Rounds(std::vector<std::function<Repeat()>> figures, const RepeatLimits& limits);

  /// Measures once each figure that is not known yet. False where all are.
  bool measure();

  /// In the order of the figures.
  std::vector<Repeated> results() const;

 private:
  std::vector<std::function<Repeat()>> figures_;
  std::vector<std::vector<Repeat>> repeats_;
  RepeatLimits limits_;
};

/// Whether two measurements of a figure differ by no more than both spreads together.
bool agree(const Repeated& one, const Repeated& other);

/// The same of given repeats.
Repeated summarise(const std::vector<Repeat>& repeats, const RepeatLimits& limits);

}  // namespace fastpath
