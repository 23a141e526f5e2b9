/// A trace with its events in order and joined: what was launched by what.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analyze/trace/kernel_class.h"
#include "ir/trace.h"

namespace fastpath {

struct IndexOptions {
  std::vector<KernelRule> rules;
  /// Leave out the last of two or more profiler steps, and then the work of devices without a
  /// launch before it: what HTA does.
  bool complete_steps = false;
  /// Leave out work of devices whose launch the trace does not hold: what TraceLens does.
  bool linked_only = false;
  /// Count sets of memory as compute, as TraceLens does, not as copies.
  bool sets_compute = false;
};

/// One piece of a device's work.
struct Work {
  std::uint32_t event = 0;       ///< indexes Trace::events
  std::uint32_t launch = kNone;  ///< the call that launched it, likewise
  WorkClass kind = WorkClass::compute;
};

/// Refers to the trace, which must outlive it.
struct TraceIndex {
  const Trace* trace = nullptr;
  std::vector<Work> work;             ///< by start, those that start together by the file's order
  std::vector<std::uint32_t> host;    ///< operators, calls and annotations: by lane, then by start,
                                      ///< enclosing ones first
  std::vector<std::uint32_t> parent;  ///< of host, by event: the innermost operator or annotation
                                      ///< around it; kNone for others
  std::int64_t unlinked = 0;          ///< pieces of work without a launch in the trace
  std::int64_t left_out = 0;          ///< by the options
  std::int64_t overlaps = 0;  ///< pieces of work that start before their lane's last one ends
  std::int64_t nesting_violations = 0;  ///< host events that end after what they started in

  const TraceEvent& event(std::uint32_t i) const { return trace->events[i]; }
  std::string_view name(std::uint32_t i) const { return trace->names[trace->events[i].name]; }

  /// The innermost operator around a host event; kNone = none.
  std::uint32_t operator_of(std::uint32_t i) const;
};

TraceIndex index_trace(const Trace& trace, const IndexOptions& options = {});

}  // namespace fastpath
