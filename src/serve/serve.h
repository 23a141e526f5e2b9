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
};

/// `prefill.count` > 0: prompts run there, then their caches go to `serving`, which decodes.
struct Deployment {
  ReplicaGroup serving;
  ReplicaGroup prefill{.count = 0, .engine = {}, .table = {}, .pool = {}};
  Bytes cache_token;                  ///< keys and values of a token, all layers, all ranks
  BytesPerSecond transfer_bandwidth;  ///< between workers
  Seconds transfer_latency;
  Routing routing = Routing::round_robin;
};

/// Fails on what `predict` fails on, on streams without requests and on requests of no tokens. Work
/// is conserved: a replica with anything to do runs an iteration.
/// `profile`: gets what tokens waited for.
Result<ServeResult> serve(const RequestStream& stream, const Deployment& deployment,
                          WaitProfile* profile = nullptr);

}  // namespace fastpath
