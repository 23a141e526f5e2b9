#include "engine/simulate/options.h"

#include <string>

#include "engine/simulate/jitter.h"

namespace fastpath {

Diagnostics mistakes_in(const SimulateOptions& options, const System& system, std::int64_t ranks) {
  Diagnostics mistakes;
  const auto refuse = [&](bool wrong, const std::string& what, const std::string& hint) {
    if (wrong) mistakes.push_back({Place{"simulate", 0, 0}, what, hint});
  };
  const auto within = [](double value, double low, double high) {
    return value >= low && value <= high;  // false for not-a-number
  };
  constexpr double kMost = 1e6;
  refuse(!within(options.jitter, 0, 1), "the jitter must lie within 0 and 1",
         "0.05 spreads task times by about 5 %");
  refuse(!within(options.straggler_share, 0, 1), "the share of stragglers must lie within 0 and 1",
         "0.01 is one rank in a hundred");
  refuse(!within(options.straggler_factor, 1, kMost),
         "stragglers take at least the time of the others", "1.2 is 20 % slower");
  for (const SlowRank& slow : options.slow_ranks) {
    refuse(slow.rank < 0 || slow.rank >= ranks,
           "rank " + std::to_string(slow.rank) + " is not in the plan",
           "its ranks are 0 to " + std::to_string(ranks - 1));
    refuse(!within(slow.factor, 1 / kMost, kMost), "a rank's factor must be above 0",
           "1.5 is 50 % slower");
  }
  for (const SlowLink& slow : options.slow_links) {
    std::string names;
    bool found = false;
    for (const Level& level : system.levels) {
      names += (names.empty() ? "" : ", ") + level.name;
      found = found || level.name == slow.level;
    }
    refuse(!found, "'" + system.id + "' has no level '" + slow.level + "'",
           names.empty() ? "it is a single device" : "its levels are " + names);
    refuse(!within(slow.factor, 1 / kMost, kMost), "a link's factor must be above 0",
           "0.5 halves the bandwidth");
  }
  return mistakes;
}

System with_slow_links(System system, const std::vector<SlowLink>& links) {
  for (const SlowLink& slow : links) {
    for (Level& level : system.levels) {
      if (level.name == slow.level) level.bandwidth.value *= slow.factor;
    }
  }
  return system;
}

bool ranks_differ(const SimulateOptions& options) {
  return options.jitter > 0 || !options.slow_ranks.empty() ||
         (options.straggler_share > 0 && options.straggler_factor > 1);
}

std::vector<double> factors_of_ranks(std::int64_t ranks, const SimulateOptions& options) {
  std::vector<double> factors(static_cast<std::size_t>(ranks), 1.0);
  constexpr double kRange = 0x1p-64;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double draw = static_cast<double>(mixed(mixed(options.seed) ^ i)) * kRange;
    if (draw < options.straggler_share) factors[i] *= options.straggler_factor;
  }
  for (const SlowRank& slow : options.slow_ranks)
    factors[static_cast<std::size_t>(slow.rank)] *= slow.factor;
  return factors;
}

}  // namespace fastpath
