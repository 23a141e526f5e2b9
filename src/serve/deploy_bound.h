/// What a deployment cannot beat, whatever its schedule: shows that it misses limits without
/// simulating it.
#pragma once

#include <vector>

#include "ir/serving.h"
#include "serve/iteration_cost.h"

namespace fastpath {

/// Iterations that a group of replicas may run.
struct IterationRange {
  std::int64_t sequences = 0;  ///< most that decode at one time; 0: the group only prefills
  double least_context = 1;    ///< tokens in the cache of a sequence that decodes
  double most_context = 1;
  std::int64_t piece = 1;  ///< most prompt tokens of an iteration
  bool mixes = true;       ///< prompts run beside decodes
};

/// Least times of all iterations of a range, by IterationCost::time. Exact lower bounds: times are
/// linear between nodes, so least values and ratios lie at corners of cells.
struct IterationBounds {
  double decode = 0;        ///< of an iteration in which anything decodes
  double decode_token = 0;  ///< for each sequence that decodes, in the best batch
  double prompt = 0;        ///< of an iteration with prompt tokens
  double prompt_token = 0;  ///< for each prompt token
  /// For each prompt token where each decode is charged `decode_token` besides.
  double prompt_beside = 0;
};

IterationBounds iteration_bounds(IterationCost& cost, const Engine& engine,
                                 const IterationRange& range);

/// Requests and limits, prepared for many deployments.
struct BoundedLoad {
  std::vector<double> prompts;  ///< tokens that must be computed, ascending
  std::vector<double> outputs;  ///< tokens after the first, ascending
  /// Both of each request, in the order of the stream.
  std::vector<std::pair<double, double>> requests;
  double last_arrival = 0;  ///< infinity in a closed loop, whose arrivals depend on the answers
  double share = 0.9;       ///< of requests that must keep to each limit
  ServiceObjective limits;
};

BoundedLoad bounded_load(const RequestStream& stream, const ServiceObjective& limits, double share,
                         bool prefixes_kept);

/// Which limit is missed for sure.
enum class Missed : std::uint8_t { none, first_token, per_token, total, work };

/// Replicas that compute prompts, and those that decode: the same ones unless they are apart.
struct BoundedDeployment {
  IterationBounds prefill;
  IterationBounds decode;
  double prefill_replicas = 1;
  double decode_replicas = 1;
  bool apart = false;
  double front_end = 0;  ///< seconds of every request before it is routed
};

/// A limit that no schedule of the deployment keeps for `share` of the requests, if it can be told.
Missed surely_missed(const BoundedLoad& load, const BoundedDeployment& one);

}  // namespace fastpath
