/// What a deployment does under the scenarios of MLPerf Inference.
#pragma once

#include "ir/serving.h"
#include "serve/serve.h"

namespace fastpath {

/// Output tokens a second of one replica that has all requests at once: three times as many as run
/// at one time. 0 where none fits.
double offline_rate(const ReplicaGroup& replica, std::int64_t input, std::int64_t output);

/// The same under Poisson arrivals at the highest rate that keeps `limits` at the 99th percentile,
/// within 0.4 % of the offline rate.
double server_rate(const ReplicaGroup& replica, std::int64_t input, std::int64_t output,
                   const ServiceObjective& limits);

}  // namespace fastpath
