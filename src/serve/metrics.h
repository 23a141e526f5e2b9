/// Figures of a served stream.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/serving.h"

namespace fastpath {

struct Latencies {
  std::size_t count = 0;
  Seconds mean;
  Seconds p50;
  Seconds p90;
  Seconds p99;
};

/// Percentiles by linear interpolation between order statistics.
Latencies latencies_of(std::vector<double> seconds);
/// Percentiles of weighted values, ascending: the first at or above which the share lies.
Latencies latencies_of(std::span<const std::pair<Seconds, double>> weighted);

struct ServeMetrics {
  Latencies queue;    ///< arrival to first iteration
  Latencies ttft;     ///< arrival to first token
  Latencies tpot;     ///< of requests with two tokens or more: mean gap after the first
  Latencies itl;      ///< gaps between tokens of one request, over all tokens
  Latencies latency;  ///< arrival to last token
  std::size_t served = 0;
  std::size_t good = 0;  ///< within the objective
  double requests_per_second = 0;
  double goodput = 0;  ///< good requests a second
  double input_tokens_per_second = 0;
  double output_tokens_per_second = 0;
  double output_tokens = 0;
};

ServeMetrics metrics_of(const ServeResult& result, const ServiceObjective& objective);

/// Figures of each class of the stream within its own limits; gaps between tokens are not told
/// apart by class and left out. Shares are of all requests of the class, turned away or not.
struct ClassMetrics {
  std::string name;
  std::size_t requests = 0;
  ServeMetrics metrics;
};
std::vector<ClassMetrics> metrics_by_class(const RequestStream& stream, const ServeResult& result);

}  // namespace fastpath
