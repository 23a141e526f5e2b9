#include "validate/mlperf_inference.h"

#include <algorithm>

#include "serve/load.h"
#include "serve/metrics.h"

namespace fastpath {
namespace {

constexpr std::int64_t kRounds = 3;
constexpr std::int64_t kMostRequests = 3000;
constexpr int kHalvings = 8;

Deployment alone(const ReplicaGroup& replica) {
  Deployment one;
  one.serving = replica;
  one.serving.count = 1;
  return one;
}

/// Sequences of this length that a replica runs at one time.
std::int64_t running(const ReplicaGroup& replica, std::int64_t tokens) {
  const std::int64_t room = replica.pool.blocks * replica.engine.block_tokens;
  return std::min(room / tokens, replica.engine.max_sequences);
}

bool keeps(const ServeResult& result, const ServiceObjective& limits) {
  const ServeMetrics metrics = metrics_of(result, limits);
  return result.rejected == 0 && metrics.ttft.p99 <= limits.first_token &&
         metrics.tpot.p99 <= limits.per_token;
}

}  // namespace

double offline_rate(const ReplicaGroup& replica, std::int64_t input, std::int64_t output) {
  const std::int64_t fit = running(replica, input + output);
  if (fit < 1) return 0;
  Load load;
  load.count = std::min(kRounds * fit, kMostRequests);
  load.concurrency = load.count;
  load.input = {input, input};
  load.output = {output, output};
  const auto result = serve(stream_of(load), alone(replica));
  if (!result || result->rejected > 0) return 0;
  return metrics_of(*result, {}).output_tokens_per_second;
}

double server_rate(const ReplicaGroup& replica, std::int64_t input, std::int64_t output,
                   const ServiceObjective& limits) {
  const double offline = offline_rate(replica, input, output);
  if (offline <= 0) return 0;
  Load load;
  // Long enough that a queue that grows is seen: several times what runs at one time.
  load.count =
      std::clamp<std::int64_t>(kRounds * running(replica, input + output), 500, kMostRequests);
  load.rate = offline / static_cast<double>(output);
  load.input = {input, input};
  load.output = {output, output};
  const RequestStream stream = stream_of(load);
  double low = 0;
  double high = 1;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    const auto result = serve(at_rate(stream, middle), alone(replica));
    const bool kept = result && keeps(*result, limits);
    (kept ? low : high) = middle;
  }
  return low * offline;
}

}  // namespace fastpath
