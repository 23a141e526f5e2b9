/// Collectives message by message, on the links of a system.
#pragma once

#include <optional>
#include <vector>

#include "fastpath/simulation.h"
#include "fastpath/system.h"

#include "engine/simulate/fabric.h"
#include "engine/simulate/task_graph.h"

namespace fastpath {

/// The messages of a collective in phases. In a phase each rank sends what it may; a rank begins
/// its next phase when what it sent and what was sent to it has arrived.
struct MessagePhases {
  std::int64_t ranks = 1;
  std::int64_t phases = 0;
  std::int64_t messages = 0;  ///< of a rank in a phase, at most
};

struct Message {
  std::int64_t to = 0;  ///< place in the group
  Bytes size;
};

/// Nothing where the algorithm does not run the collective message by message: in-switch reduction,
/// pipelined trees, halving of ranks that are no power of two.
std::optional<MessagePhases> phases_of(CollectiveAlgorithm algorithm, Collective collective,
                                       std::int64_t ranks);

/// The `index`-th message that `rank` sends in `phase`; nothing if it sends none.
std::optional<Message> message_of(const CollectiveJob& job, const MessagePhases& phases,
                                  std::int64_t phase, std::int64_t rank, std::int64_t index);

/// Adds a job's messages; returns the task that ends with it.
TaskId add_messages(const CollectiveJob& job, const Fabric& fabric, TaskGraph& graph,
                    SimulatedCollective& totals);

}  // namespace fastpath
