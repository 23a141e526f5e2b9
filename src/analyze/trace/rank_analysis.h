/// What one rank's trace says: figures only, so that the events can be forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "fastpath/quantity.h"

#include "analyze/trace/critical_path.h"
#include "analyze/trace/intervals.h"
#include "analyze/trace/trace_index.h"
#include "ir/trace.h"

namespace fastpath {

/// Time of one device. busy = compute + communication not hidden by compute + copies hidden by
/// neither; total = busy + idle.
struct TimeBreakdown {
  std::int64_t device = 0;
  Picoseconds start = 0;
  Picoseconds total = 0;  ///< from the first start to the last end of its work
  Picoseconds busy = 0;   ///< at least one piece of work runs
  Picoseconds compute = 0;
  Picoseconds communication = 0;  ///< hidden or not
  Picoseconds exposed_communication = 0;
  Picoseconds copies = 0;  ///< hidden or not
  Picoseconds exposed_copies = 0;

  Picoseconds idle() const { return total - busy; }
  Picoseconds hidden_communication() const { return communication - exposed_communication; }
};

/// Kernels of one name, or operators of one name and shape.
struct WorkRow {
  std::string name;
  std::string group;   ///< class of a kernel
  std::string shapes;  ///< of an operator's inputs, as the trace has them
  std::string types;
  std::string values;  ///< of inputs that are no tensors; of convolutions and attention only
  std::int64_t count = 0;
  Picoseconds time = 0;  ///< on the device, of all
  Picoseconds shortest = 0;
  Picoseconds longest = 0;
  std::int64_t kernels = 0;   ///< of an operator: how many it launched
  Picoseconds host_time = 0;  ///< of an operator: from its start to its end
};

/// Calls of one module (of PyTorch, or, without any, one range of the user) in one place of the
/// model; a block of a prediction.
struct ModuleRow {
  std::string name;              ///< "Linear_3": PyTorch numbers the modules of a class
  std::string path;              ///< "GPT_0/Block_2/Linear_3"
  std::uint32_t parent = kNone;  ///< indexes the list
  std::int64_t calls = 0;        ///< 0 = not known
  Picoseconds host_time = 0;
  Picoseconds time = 0;      ///< of devices, with the modules inside and their backwards
  Picoseconds self = 0;      ///< the same, without the modules inside
  Picoseconds backward = 0;  ///< of `time`
  std::int64_t kernels = 0;
};

/// Why a device stood still; the parts add up to TimeBreakdown::idle.
struct IdleCauses {
  std::int64_t device = 0;
  Picoseconds host = 0;        ///< the host had not called yet and worked on something else
  Picoseconds sync = 0;        ///< likewise, and it waited for a device
  Picoseconds input = 0;       ///< likewise, and it fetched the next batch
  Picoseconds call = 0;        ///< the launching call ran
  Picoseconds queue = 0;       ///< from the call's end to the work's start
  Picoseconds dependency = 0;  ///< launched before the device fell idle: waits for other work
  Picoseconds unknown = 0;     ///< work without a launch in the trace
};

/// Gaps between neighbours of one stream, as HTA names them.
struct StreamIdle {
  std::int64_t device = 0;
  std::int64_t stream = 0;
  Picoseconds host_wait = 0;    ///< launched after the previous one ended
  Picoseconds kernel_wait = 0;  ///< launched before, and the gap is shorter than 30 us
  Picoseconds other = 0;
};

/// Mean, deviation and quartiles of a sample.
struct Summary {
  std::int64_t count = 0;
  double mean = 0;
  double deviation = 0;  ///< of the sample (n - 1)
  double least = 0;
  double lower_quartile = 0;
  double median = 0;
  double upper_quartile = 0;
  double most = 0;
  double sum = 0;
};

struct QueueLength {
  std::int64_t device = 0;
  std::int64_t stream = 0;
  Summary length;  ///< after each launch and each start
};

/// Launches with work of a device; times in seconds.
struct LaunchStatistics {
  Summary call;
  Summary work;
  Summary delay;                    ///< from the call's end to the work's start, 0 if it is earlier
  std::int64_t short_work = 0;      ///< shorter than its launching call
  std::int64_t slow_calls = 0;      ///< above 50 us
  std::int64_t long_delays = 0;     ///< above 100 us
  std::int64_t graph_launches = 0;  ///< calls that launched more than one piece of work
};

/// Copies of one direction.
struct CopyRow {
  std::string name;
  std::int64_t count = 0;
  Picoseconds time = 0;
  Bytes bytes;
  Summary bandwidth;  ///< bytes/s, of those that state it
};

/// One collective on one rank.
struct CollectiveRun {
  std::string name;        ///< "all_reduce"
  std::string group;       ///< ranks or name of the process group; empty = unknown
  Bytes payload;           ///< as nccl-tests count it; 0 = unknown
  std::int64_t ranks = 0;  ///< 0 = unknown
  std::int64_t device = 0;
  std::int64_t stream = 0;
  Picoseconds start = 0;
  Picoseconds duration = 0;
};

struct MemoryPeak {
  std::int64_t device = -1;  ///< -1 = the host
  std::int64_t events = 0;
  Bytes allocated;  ///< at the peak
  Bytes reserved;   ///< at its own peak; 0 = the trace does not say
  Bytes last;       ///< allocated at the end
  Picoseconds peak_time = 0;
  bool relative = false;  ///< to what was allocated when the trace began
  std::vector<std::pair<Picoseconds, Bytes>> samples;  ///< the largest of each of 20 parts
};

struct StepRow {
  std::string name;
  Picoseconds start = 0;
  Picoseconds duration = 0;
  TimeBreakdown device;  ///< within the step's window on the host
};

struct RankAnalysis {
  std::string title;
  std::int64_t rank = -1;
  std::int64_t world_size = -1;
  std::string device_name;
  std::int64_t base_nanoseconds = 0;
  bool epoch_base = false;
  bool predicted = false;
  std::int64_t text_bytes = 0;
  std::int64_t json_events = 0;
  std::array<std::int64_t, kEventKinds> events{};  ///< by kind
  std::int64_t unlinked = 0;
  std::int64_t left_out = 0;
  std::int64_t overlaps = 0;
  std::int64_t nesting_violations = 0;
  std::vector<TimeBreakdown> devices;
  std::vector<WorkRow> kernels;    ///< longest first
  std::vector<WorkRow> operators;  ///< longest on the device first
  std::vector<ModuleRow> modules;  ///< in the order of their first calls
  std::vector<IdleCauses> idle;
  std::vector<StreamIdle> stream_idle;
  std::vector<QueueLength> queues;
  LaunchStatistics launches;
  std::vector<CopyRow> copies;
  std::vector<CollectiveRun> collectives;
  std::vector<MemoryPeak> memory;
  std::vector<StepRow> steps;
  CriticalPath path;
};

struct AnalyzeOptions {
  IndexOptions index;
  std::string window;         ///< name of the annotation that the critical path covers; empty = all
  std::int64_t instance = 0;  ///< which of several, from 0
};

RankAnalysis analyze_rank(const Trace& trace, const AnalyzeOptions& options = {});

/// The parts of analyze_rank, each from the index alone.
std::vector<TimeBreakdown> break_down_time(const TraceIndex& index);
TimeBreakdown break_down_window(const TraceIndex& index, std::int64_t device, TimeRange window);
std::vector<WorkRow> rank_kernels(const TraceIndex& index, const std::vector<KernelRule>& rules);
std::vector<WorkRow> rank_operators(const TraceIndex& index);
std::vector<ModuleRow> rank_modules(const TraceIndex& index);
std::vector<IdleCauses> explain_idle(const TraceIndex& index);
std::vector<StreamIdle> explain_stream_idle(const TraceIndex& index);
std::vector<QueueLength> queue_lengths(const TraceIndex& index);
LaunchStatistics launch_statistics(const TraceIndex& index);
std::vector<CopyRow> sum_copies(const TraceIndex& index);
std::vector<CollectiveRun> find_collectives(const TraceIndex& index);
std::vector<MemoryPeak> memory_peaks(const Trace& trace);
std::vector<StepRow> find_steps(const TraceIndex& index);

/// Quartiles between neighbours by linear interpolation.
Summary summary_of(std::vector<double> values);

}  // namespace fastpath
