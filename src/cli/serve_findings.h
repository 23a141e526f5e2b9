/// Tables of a served stream.
#pragma once

#include <string>

#include "fastpath/findings.h"

#include "cli/scenario.h"
#include "lower/adapters.h"
#include "serve/capacity.h"
#include "serve/metrics.h"
#include "serve/serve.h"

namespace fastpath::cli {

/// LoRA adapters beside the model.
struct AdapterFacts {
  std::int64_t named = 0;  ///< that requests ask for; 0 = none
  ServedAdapters served;   ///< in a device's memory
  Bytes bytes;             ///< of one, on a device
};

struct ServedQuestion {
  const Scenario& scenario;
  const Plan& plan;
  const Engine& engine;
  const Deployment& deployment;
  const Capacity& capacity;
  const ServiceObjective& objective;
  const RequestStream& stream;
  std::int64_t devices = 1;
  AdapterFacts adapters = {};

  /// Replicas that autoscaling leaves at least; 0 = it is off.
  std::int64_t scaling_least() const { return deployment.autoscaling.least; }
};

/// Summary, latencies, capacity, replicas; notes define every metric.
Findings explain_serving(const ServedQuestion& question, const ServeResult& result);

/// The plan leaves no memory for keys and values: by how much.
Findings explain_no_room(const ServedQuestion& question);

/// One row a request.
std::string requests_csv(const ServeResult& result);

}  // namespace fastpath::cli
