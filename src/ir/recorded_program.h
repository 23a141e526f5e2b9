/// What ranks executed, as an execution trace recorded it: a Program and what only a trace knows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fastpath/program.h"
#include "fastpath/simulation.h"

namespace fastpath {

/// Where the time of a recorded task comes from.
enum class TimeSource : std::uint8_t {
  shape,     ///< the cost function of an operator of that shape
  counts,    ///< the floating-point operations and bytes that the trace states
  traffic,   ///< the bytes of its inputs and outputs: no shape of a known operator
  link,      ///< the cost functions of collectives, or of copies between device and host
  measured,  ///< as long as it took where it was recorded
  none,      ///< takes no time: the trace says nothing to go by
};
inline constexpr std::size_t kTimeSources = 6;

/// Tasks of a lane run one after the other, in their order. Joints are on none.
enum class RecordedLane : std::uint8_t { operators, network, from_host, to_host, host, joint };

struct RecordedTask {
  RecordedLane lane = RecordedLane::operators;
  TimeSource source = TimeSource::none;
  Seconds measured;                   ///< 0 = the trace does not say
  std::string group;                  ///< of a collective: names its ranks
  std::vector<std::int64_t> members;  ///< the ranks; empty = the trace does not list them
  std::int64_t group_size = 0;        ///< 0 = the trace does not say
  bool per_rank = false;              ///< Task::payload is what one rank gives to a gather
  std::int64_t peer = -1;             ///< of a send or receive: the other rank
  std::int64_t tag = 0;
  bool sends = false;  ///< of a pair: this rank sends
};

/// Operators that no cost function knows, or whose tasks take no time.
struct UncertainOperator {
  std::string name;
  TimeSource source = TimeSource::none;
  std::int64_t count = 0;
};

struct RecordedRank {
  std::string title;
  std::int64_t rank = 0;
  std::vector<RecordedTask> tasks;  ///< parallel to the forward of the rank's block
};

/// Stage and block `i` of the program are the rank `ranks[i]`, all in its forward.
struct RecordedProgram {
  Program program;
  std::vector<RecordedRank> ranks;           ///< by rank
  std::int64_t nodes = 0;                    ///< of all files
  std::int64_t folded = 0;                   ///< inside an operator that has a cost of its own
  std::int64_t on_host = 0;                  ///< operators on the host's tensors, left out
  std::vector<UncertainOperator> uncertain;  ///< most frequent first
};

struct RecordedTime {
  Seconds start;  ///< of a collective: when this rank came to it
  Seconds end;
  Seconds transfer;  ///< of a collective: without waiting for other ranks
};

/// A run of a RecordedProgram on a system.
struct RecordedRun {
  Simulation simulation;
  std::vector<std::vector<RecordedTime>> times;  ///< [rank][task]
  bool host_link_known = true;                   ///< of the system
  std::int64_t unmatched = 0;  ///< collectives that not all recorded ranks of their group show
};

}  // namespace fastpath
