/// What a deployment can hold and how fast it could be, without simulation.
#pragma once

#include <optional>

#include "ir/serving.h"
#include "serve/replica.h"

namespace fastpath {

struct Capacity {
  Bytes device;             ///< memory of a device
  Bytes taken;              ///< by weights, activations of a full iteration, contexts
  Bytes cache_token;        ///< of a token on one device
  Bytes cache_whole;        ///< of a token, on all devices of the replica together
  Bytes state;              ///< of a sequence, whatever its length, on one device
  std::int64_t tokens = 0;  ///< that the KV pool holds; 0 = the plan does not fit
  Replica::Pool pool;
  /// Sequences at which arithmetic takes half of a decode step; none up to 4096.
  std::optional<std::int64_t> compute_bound;
  Seconds step;            ///< decode of one sequence, as predicted
  Seconds speed_of_light;  ///< the same at data-sheet rates
};

/// The memory of a replica of `devices`, for chunks of `chunk` tokens; the rest is left as it is.
/// `draft`: what proposes tokens, whose weights and caches are there too; null = none.
Capacity capacity_of(StepTable& table, const Engine& engine, std::int64_t devices,
                     std::int64_t chunk, StepTable* draft = nullptr);

/// Sets what follows from decode steps over `context` tokens.
void add_decode_facts(StepTable& table, double context, Capacity& capacity);

/// The engine on a replica whose attention is data-parallel: every rank has a budget of its own.
Engine on_ranks(Engine engine, std::int64_t ranks);

}  // namespace fastpath
