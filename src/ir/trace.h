/// Trace: what a profiler recorded of one process of a job, as a compact table of events.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// What an event is evidence of. The first three are work of a device.
enum class EventKind : std::uint8_t {
  kernel,
  copy,
  set,
  op,                 ///< operator of the framework, on the host
  runtime,            ///< call into the runtime or driver of a device: launches, copies, waits
  annotation,         ///< range of the user or the profiler, on the host
  device_annotation,  ///< the same drawn on a device by the profiler: derived, no work
  function,           ///< function of the interpreter
  sync,               ///< wait for an event, a stream or a device, as the device saw it
  overhead,           ///< of the profiler
  other,
};
inline constexpr int kEventKinds = 11;

constexpr bool is_device_work(EventKind kind) { return kind <= EventKind::set; }

/// Index that refers to nothing.
inline constexpr std::uint32_t kNone = UINT32_MAX;

/// One complete event. Of the ids, -1 is none.
struct TraceEvent {
  Picoseconds start = 0;  ///< since Trace::base
  Picoseconds duration = 0;
  std::int64_t correlation = -1;  ///< joins a runtime call and the device's work; of this process
  std::int64_t external = -1;     ///< joins an operator and what it called
  std::uint32_t name = 0;         ///< indexes Trace::names
  std::uint32_t lane = 0;         ///< indexes Trace::lanes
  std::uint32_t detail = kNone;   ///< indexes the table of details of its kind
  EventKind kind = EventKind::other;

  Picoseconds end() const { return start + duration; }
};

/// A thread of the host, or a stream of a device.
struct TraceLane {
  std::string process;       ///< "pid 25738", or the process's name
  std::string thread;        ///< "stream 7"
  std::int64_t device = -1;  ///< of device work
  std::int64_t stream = -1;  ///< of device work
};

/// Of an operator. Texts index Trace::names; kNone where the trace has none.
struct OpDetail {
  std::uint32_t shapes = kNone;  ///< "[[64, 1024], [1024]]"
  std::uint32_t types = kNone;   ///< of the same inputs
  std::uint32_t values =
      kNone;  ///< of inputs that are no tensors; of convolutions and attention only
  std::uint32_t collective = kNone;  ///< indexes Trace::collectives
  std::int64_t sequence = -1;        ///< joins forward and backward
  std::int64_t forward_thread = -1;
};

/// Of a kernel.
struct KernelDetail {
  std::array<std::int32_t, 3> grid{};
  std::array<std::int32_t, 3> block{};
  double occupancy_share = -1;       ///< as the profiler estimated it; below 0 = unknown
  std::uint32_t collective = kNone;  ///< indexes Trace::collectives
};

/// Of a copy or set.
struct CopyDetail {
  Bytes bytes;               ///< 0 = unknown
  BytesPerSecond bandwidth;  ///< as the profiler states it; 0 = unknown
};

/// What a collective says about itself. Texts index Trace::names.
struct CollectiveDetail {
  std::uint32_t name = kNone;  ///< "allreduce", "_allgather_base"
  std::uint32_t type = kNone;  ///< "Float", "BFloat16"
  std::uint32_t group = kNone;
  std::uint32_t ranks = kNone;  ///< "[0, 1]"
  std::int64_t elements_in = 0;
  std::int64_t elements_out = 0;
  std::int64_t group_size = 0;
};

enum class SyncKind : std::uint8_t { unknown, stream_waits_event, stream, event, device };

/// Of a wait.
struct SyncDetail {
  SyncKind kind = SyncKind::unknown;
  std::int64_t stream = -1;
  std::int64_t waits_on_stream = -1;
  std::int64_t record_correlation = -1;  ///< of the call that recorded the event waited for
};

/// Memory of one device after an allocation or release.
struct MemoryEvent {
  Picoseconds time = 0;
  Bytes change;              ///< below 0: released
  Bytes allocated;           ///< in all; below 0 = the trace does not say
  Bytes reserved;            ///< the same, by the framework's allocator
  std::int64_t device = -1;  ///< -1 = the host
};

/// What an importer repaired, left out or guessed. All zero: the trace is as it should be.
struct TraceRepairs {
  std::int64_t skipped_events = 0;       ///< not valid JSON, or without a time
  std::int64_t skipped_bytes = 0;        ///< of text that could not be read
  std::int64_t absurd_durations = 0;     ///< negative, or above 7 days: taken as 0
  std::int64_t absurd_times = 0;         ///< out of the range of a timeline: left out
  std::int64_t unmatched_begin_end = 0;  ///< "B" without "E", or the reverse: left out
  std::int64_t control_characters = 0;   ///< in strings: blanks now
  std::int64_t invalid_utf8 = 0;         ///< bytes: question marks now
  std::int64_t ignored_events = 0;  ///< derived ones ("Trace", "Spans") and phases without time
  bool cut_off = false;             ///< the file ends within its array of events
};

/// One process of a job. Events are in the order of the file.
struct Trace {
  std::string title;                  ///< file name
  std::int64_t rank = -1;             ///< -1 = the trace does not say
  std::int64_t world_size = -1;       ///< ranks of the job
  std::string device_name;            ///< of the devices that it ran on: "NVIDIA H100 80GB HBM3"
  std::int64_t base_nanoseconds = 0;  ///< since the epoch (or the clock's start), of time 0
  bool epoch_base = false;            ///< base_nanoseconds counts from 1970
  bool predicted = false;             ///< written by FastPath, of a prediction or simulation
  std::vector<std::string> names;
  std::vector<TraceLane> lanes;
  std::vector<TraceEvent> events;
  std::vector<OpDetail> ops;
  std::vector<KernelDetail> kernels;
  std::vector<CopyDetail> copies;
  std::vector<CollectiveDetail> collectives;
  std::vector<SyncDetail> syncs;
  std::vector<MemoryEvent> memory;
  std::int64_t text_bytes = 0;   ///< of JSON that was read
  std::int64_t json_events = 0;  ///< of all phases
  std::int64_t functions = 0;    ///< calls of the interpreter's functions, kept or not
  TraceRepairs repairs;
};

}  // namespace fastpath
