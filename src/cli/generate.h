/// predict --generate: a prefill and the decode steps behind it.
#pragma once

#include <functional>
#include <vector>

#include "cli/arguments.h"
#include "cli/scenario.h"
#include "cli/session.h"
#include "cli/sources.h"

namespace fastpath::cli {

int predict_generation(Session& session, const Arguments& arguments, const Sources& sources,
                       const Question& question, const Scenario& scenario);

/// Contexts at which decode steps are predicted: all of [first, last] where they are few, else
/// `kDecodeNodes` equidistant ones with both ends.
inline constexpr std::int64_t kDecodeNodes = 9;
std::vector<std::int64_t> decode_nodes(std::int64_t first, std::int64_t last);

/// The sum over all whole contexts between the first and the last node of a quantity known at the
/// nodes, by the trapezoid rule (exact where it is linear between nodes), and a bound on its error:
/// exact where it only grows with the context, half the difference of upper and lower sum.
struct NodeSum {
  double sum = 0;
  double error = 0;
};
NodeSum sum_over_contexts(const std::vector<std::int64_t>& nodes,
                          const std::vector<double>& values);

}  // namespace fastpath::cli
