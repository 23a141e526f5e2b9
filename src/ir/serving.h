/// Serving: engines, streams of requests, and what becomes of each request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/system.h"

namespace fastpath {

/// How an engine fills an iteration.
enum class Batching : std::uint8_t {
  mixed,          ///< running sequences first, then pieces of prompts, up to the token budget
  prefill_first,  ///< prompts alone while any fits, else all running sequences
  whole_prompts,  ///< as mixed, but a prompt is never cut
};

/// Parts of an iteration that an engine runs faster or slower than the same kernels alone.
/// Operators are parted into what they take at data-sheet rates, which no engine beats, and what is
/// above it.
enum class EnginePart : std::uint8_t {
  light,              ///< work and bytes of all operators at data-sheet rates
  matmul_bytes,       ///< above it: dense contractions that wait for memory
  matmul_work,        ///< dense contractions that arithmetic limits
  prefill_attention,  ///< of more than one query a sequence
  decode_attention,
  latent_attention,  ///< decode over a cache of latents (MLA)
  maps,              ///< norms, activations, rotary positions, cache writes, scans
  expert_bytes,      ///< routed contractions and routing that wait for memory
  expert_work,       ///< those that arithmetic limits
  launch,            ///< starts of kernels: fewer where an engine fuses more
  network,
};
inline constexpr std::size_t kEngineParts = 11;

/// Time of an iteration by part, as `predict` has it; sums to the step.
using PartTimes = std::array<Seconds, kEngineParts>;

/// Tokens that are proposed and checked in one step. Acceptance of each is independent of where it
/// stands: a step emits (1 - accept^(length + 1)) / (1 - accept) tokens in the mean (Leviathan et
/// al., arXiv 2211.17192, equation 1).
struct Speculation {
  int length = 0;     ///< proposed tokens of a step; 0 = none
  double accept = 0;  ///< probability that one is accepted where those before it were; below 1

  double tokens() const;
};

/// LoRA adapters that requests ask for beside one model.
struct AdapterSlots {
  std::int64_t slots = 0;  ///< adapters in a device's memory at one time; 0 = none are served
  Seconds load;            ///< of one from the host's memory; the iteration that needs it waits
};

/// Which request comes first.
enum class QueueOrder : std::uint8_t {
  arrival,
  priority,  ///< the class's, smaller first; then by arrival. What runs is not interrupted for it
};

/// A serving engine: its policy, and how its iterations compare with `predict`.
struct Engine {
  std::string id;       ///< "vllm"
  std::string version;  ///< that was measured; empty = several
  Batching batching = Batching::mixed;
  std::int64_t token_budget = 8192;  ///< of an iteration: prompt and output tokens
  std::int64_t max_sequences = 256;  ///< running at one time, of a replica
  std::int64_t block_tokens = 16;    ///< of a block of the KV pool
  double memory_share = 0.9;         ///< of the device's memory that the engine takes
  double reserve = 0;                ///< of a request's output for which it takes blocks at once
  bool prefix_caching = true;
  std::array<Fitted, kEngineParts> factors{};  ///< on PartTimes
  Figure<Seconds> step;      ///< of an iteration: scheduler, sampling, start of the graph
  Figure<Seconds> sequence;  ///< of an iteration, for each of its sequences
  Figure<Seconds> request;   ///< of a request, once: tokeniser, queues, transport
  Figure<Seconds> client;    ///< of a request, for each other one that is there when it comes
  std::size_t rows = 0;      ///< measured configurations it was fitted on
  Speculation speculation;
  AdapterSlots adapters;
  QueueOrder order = QueueOrder::arrival;
};

/// A request, and what its prompt shares with others.
struct Request {
  Seconds arrival;          ///< ignored where `after` or a closed loop says when
  std::int64_t input = 1;   ///< tokens of the prompt
  std::int64_t output = 1;  ///< tokens to generate
  std::int64_t after =
      -1;  ///< index of the request whose end, and `think`, it waits for; -1 = none
  Seconds think;
  /// Names of the contents of the prompt's leading chunks, each of the stream's `chunk` tokens.
  std::vector<std::uint64_t> prefix;
  std::size_t service_class = 0;  ///< index in RequestStream::classes, where there are any
  std::int32_t adapter = -1;      ///< that it asks for; -1 = the model alone
};

/// Limits of a request that counts as good; 0 = none.
struct ServiceObjective {
  Seconds first_token;
  Seconds per_token;
  Seconds total;
};

/// Lengths are uniform in [least, most]; equal bounds are a fixed length.
struct Lengths {
  std::int64_t least = 1;
  std::int64_t most = 1;
};

/// Requests of one kind, with limits of their own.
struct ServiceClass {
  std::string name;
  double share = 1;  ///< of requests
  ServiceObjective limits;
  std::int64_t priority = 0;           ///< smaller = sooner, where the engine heeds it
  std::optional<Lengths> input = {};   ///< instead of the load's
  std::optional<Lengths> output = {};  ///< instead of the load's
};

/// Streams of requests: open and closed loops, conversations.
struct Load {
  std::int64_t count = 1;        ///< requests, or conversations where `turns` > 1
  double rate = 0;               ///< arrivals a second, of an open loop; above 0 there
  double variation = 1;          ///< of the gaps between arrivals: 1 = Poisson, else Gamma
  std::int64_t concurrency = 0;  ///< of a closed loop; 0 = open
  Lengths input;                 ///< of a prompt, or of what a turn adds to it
  Lengths output;
  std::int64_t turns = 1;  ///< of a conversation, each behind all before it
  Seconds think;           ///< from an answer to the next turn
  std::uint64_t seed = 1;
};

struct RequestStream {
  std::vector<Request> requests;      ///< by arrival
  std::int64_t chunk = 512;           ///< tokens of a named chunk
  std::int64_t concurrency = 0;       ///< closed loop: that many requests at one time; 0 = open
  std::vector<ServiceClass> classes;  ///< empty: all are of one kind
};

enum class Routing : std::uint8_t { round_robin, least_loaded, prefix_aware };

/// What became of a request. Times are from the stream's start.
struct RequestOutcome {
  Seconds arrival;
  Seconds scheduled;  ///< first in an iteration
  Seconds first_token;
  Seconds finish;
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t generated = 0;  ///< tokens emitted; equals `output` of a request that was served
  std::int64_t cached = 0;     ///< prompt tokens found in the prefix cache
  std::int64_t preemptions = 0;
  std::int32_t replica = -1;  ///< -1: its sequence fits no replica, or it was not admitted

  Seconds ttft() const { return first_token - arrival; }
  Seconds latency() const { return finish - arrival; }
  /// Mean over the tokens after the first; 0 where there is none.
  Seconds tpot() const {
    return output > 1 ? (finish - first_token) / static_cast<double>(output - 1) : Seconds{};
  }
};

/// One replica, or one worker of a disaggregated pool.
struct ReplicaStats {
  std::int64_t iterations = 0;
  Seconds busy;
  std::int64_t preemptions = 0;
  std::int64_t prompt_tokens = 0;  ///< computed, again after preemptions included
  std::int64_t cached_tokens = 0;
  std::int64_t capacity_blocks = 0;
  std::int64_t peak_blocks = 0;  ///< held by running sequences
  double mean_occupancy = 0;     ///< of the KV pool, over busy time
  double mean_sequences = 0;     ///< running, over busy time
  std::int64_t adapter_loads = 0;
};

struct ServeResult {
  std::vector<RequestOutcome> requests;  ///< in the order of the stream
  std::vector<ReplicaStats> replicas;    ///< prefill workers first, where they are apart
  Seconds duration;                      ///< until the last token
  std::vector<std::pair<Seconds, double>> token_gaps;  ///< gap between tokens, how many: ascending
  std::int64_t rejected = 0;                           ///< requests that fit no replica
  std::int64_t refused = 0;                            ///< that admission turned away
  Seconds replica_time;  ///< sum over serving replicas of the time that they were up or starting
  std::vector<std::pair<Seconds, std::int64_t>> scaling;  ///< when, replicas up or starting
};

/// A run of equal iterations of one replica.
struct IterationRecord {
  std::int32_t replica = 0;
  Seconds start;
  Seconds end;
  std::int64_t steps = 1;
  std::int64_t decoding = 0;       ///< sequences
  std::int64_t prompt_tokens = 0;  ///< of each step
  std::int64_t waiting = 0;        ///< requests in the queue at its end
  std::int64_t used_blocks = 0;    ///< at its end
  std::int64_t capacity_blocks = 0;
};

}  // namespace fastpath
