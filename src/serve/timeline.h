/// A served stream as a timeline: a lane of iterations for each replica, and counters.
#pragma once

#include <span>

#include "fastpath/timeline.h"

#include "ir/serving.h"

namespace fastpath {

/// Spans are runs of equal iterations; counters are requests in the queue, sequences that decode
/// and the share of the KV pool in use, by replica. Beyond `most` spans the rest is left out, and
/// said. `prefill`: that many replicas come first and prefill for the others.
Timeline timeline_of(std::span<const IterationRecord> log, std::int64_t prefill,
                     std::size_t most = 200'000);

}  // namespace fastpath
