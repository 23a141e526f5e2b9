/// A request stream on replicas of an engine: routing, queues, iterations, transfers of caches.
#pragma once

#include <vector>

#include "fastpath/result.h"

#include "ir/serving.h"
#include "serve/iteration_cost.h"
#include "serve/replica.h"

namespace fastpath {

/// Equal replicas (or workers of a disaggregated deployment).
struct ReplicaGroup {
  std::int64_t count = 1;
  Engine engine;
  std::shared_ptr<StepTable> table;
  Replica::Pool pool;
  std::shared_ptr<StepTable> draft;  ///< of an engine that speculates: one step of what proposes
};

/// Replicas of `serving` that are up, by load; `serving.count` is the most.
struct Autoscaling {
  std::int64_t least = 0;  ///< 0: all are up at all times
  double target = 1;       ///< requests a replica: as many are up as bring the load below it
  Seconds start_up;        ///< until a started replica takes requests
  Seconds interval{10};    ///< between decisions
};

/// `prefill.count` > 0: prompts run there, then their caches go to `serving`, which decodes.
struct Deployment {
  ReplicaGroup serving;
  ReplicaGroup prefill{.count = 0, .engine = {}, .table = {}, .pool = {}, .draft = {}};
  Bytes cache_token;                  ///< keys and values of a token, all layers, all ranks
  BytesPerSecond transfer_bandwidth;  ///< between workers
  Seconds transfer_latency;
  Routing routing = Routing::round_robin;
  Autoscaling autoscaling;
  /// Requests that are there at one time, for each replica that is up; more are turned away at
  /// once. 0: all are admitted.
  std::int64_t most_present = 0;
};

/// Fails on what `predict` fails on, on streams without requests and on requests of no tokens. Work
/// is conserved: a replica with anything to do runs an iteration.
/// `profile`: gets what tokens waited for; `log`: gets every run of iterations.
Result<ServeResult> serve(const RequestStream& stream, const Deployment& deployment,
                          WaitProfile* profile = nullptr,
                          std::vector<IterationRecord>* log = nullptr);

}  // namespace fastpath
