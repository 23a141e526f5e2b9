#include "serve/capacity.h"

#include <algorithm>
#include <cmath>

namespace fastpath {
namespace {

/// Beyond the windows of the usual models, so that a token's cache is that of its full layers.
constexpr std::int64_t kNear = 16384;
constexpr std::int64_t kFar = 32768;
constexpr std::int64_t kMostSequences = 4096;

/// Data sheets say GB for stacks that are made of GiB: 80 GB of an H100 are 79.6 GiB in its driver.
constexpr double kStackBytes = 0x1p30 / 1e9;

std::int64_t whole(double value) { return static_cast<std::int64_t>(std::floor(value)); }

}  // namespace

Capacity capacity_of(StepTable& table, const Engine& engine, std::int64_t devices,
                     std::int64_t chunk, StepTable* draft) {
  Capacity capacity;
  capacity.pool.chunk = chunk;
  const std::int64_t ranks = table.ranks();
  const std::int64_t prompt = std::max<std::int64_t>(1, engine.token_budget / ranks);
  const StepParts& full = table.at({Phase::prefill, ranks, prompt, 0});
  Bytes near = table.at({Phase::decode, ranks, 1, kNear}).memory.cache;
  Bytes far = table.at({Phase::decode, ranks, 1, kFar}).memory.cache;
  capacity.device = kStackBytes * full.capacity;
  capacity.taken = full.memory.total() - full.memory.cache;
  if (draft != nullptr) {
    const StepParts& one = draft->at({Phase::decode, ranks, 1, kNear});
    capacity.taken += one.memory.weights;
    near += one.memory.cache;
    far += draft->at({Phase::decode, ranks, 1, kFar}).memory.cache;
  }
  capacity.cache_token = (far - near) / static_cast<double>(kFar - kNear);
  const std::int64_t shares = devices / ranks;
  capacity.cache_whole = static_cast<double>(shares) * capacity.cache_token;
  capacity.state = near - static_cast<double>(kNear) * capacity.cache_token;
  const Bytes room = engine.memory_share * capacity.device - capacity.taken;
  const auto block = static_cast<double>(engine.block_tokens);
  if (room > Bytes{} && capacity.cache_token > Bytes{}) {
    const Bytes block_bytes = block * capacity.cache_token;
    capacity.pool.blocks = ranks * whole(room / block_bytes);
    capacity.pool.state_blocks =
        std::max<std::int64_t>(0, std::llround(capacity.state / block_bytes));
    capacity.tokens = capacity.pool.blocks * engine.block_tokens;
  }
  return capacity;
}

Engine on_ranks(Engine engine, std::int64_t ranks) {
  engine.token_budget *= ranks;
  engine.max_sequences *= ranks;
  return engine;
}

void add_decode_facts(StepTable& table, double context, Capacity& capacity) {
  const std::int64_t ranks = table.ranks();
  const auto past = static_cast<std::int64_t>(context);
  for (std::int64_t n = ranks; n <= kMostSequences && !capacity.compute_bound; n *= 2) {
    const StepParts& step = table.at({Phase::decode, n, 1, past});
    if (step.compute_bound > 0.5 * step.step) capacity.compute_bound = n;
  }
  const StepParts& one = table.at({Phase::decode, ranks, 1, past});
  capacity.step = one.step;
  capacity.speed_of_light = one.speed_of_light;
}

}  // namespace fastpath
