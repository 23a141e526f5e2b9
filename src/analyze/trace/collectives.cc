#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <unordered_map>

#include "analyze/trace/rank_analysis.h"

namespace fastpath {
namespace {

struct Spelling {
  std::string_view text;  ///< lower case, without '_'
  std::string_view name;
};

/// In this order: "reduce" is in "allreduce" too.
constexpr std::array<Spelling, 14> kSpellings{{
    {"allreduce", "all_reduce"},
    {"allgather", "all_gather"},
    {"reducescatter", "reduce_scatter"},
    {"alltoall", "all_to_all"},
    {"sendrecv", "send_recv"},
    {"broadcast", "broadcast"},
    {"dispatch", "dispatch"},
    {"combine", "combine"},
    {"crossdevicereduce", "all_reduce"},
    {"quickreduce", "all_reduce"},
    {"barrier", "barrier"},
    {"reduce", "reduce"},
    {"send", "send"},
    {"recv", "recv"},
}};

std::string canonical_name(std::string_view text) {
  std::string lower;
  for (const char c : text) {
    if (c != '_') lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const Spelling& spelling : kSpellings) {
    if (lower.find(spelling.text) != std::string::npos) return std::string(spelling.name);
  }
  return "unknown";
}

/// Names of torch's types, and NCCL's.
double bytes_of_type(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, double>, 16> kTypes{{
      {"Float", 4},
      {"BFloat16", 2},
      {"Half", 2},
      {"Double", 8},
      {"Long", 8},
      {"Int", 4},
      {"Short", 2},
      {"Char", 1},
      {"Byte", 1},
      {"Bool", 1},
      {"Float8_e4m3fn", 1},
      {"Float8_e5m2", 1},
      {"float", 4},
      {"half", 2},
      {"double", 8},
      {"Float8_e4m3fnuz", 1},
  }};
  for (const auto& [name, bytes] : kTypes) {
    if (name == type) return bytes;
  }
  return 0;
}

/// What nccl-tests print as size: the larger buffer of gathers and scatters.
Bytes payload_of(const Trace& trace, const CollectiveDetail& detail) {
  if (detail.type == kNone) return {};
  const auto elements = static_cast<double>(std::max(detail.elements_in, detail.elements_out));
  return Bytes{elements * bytes_of_type(trace.names[detail.type])};
}

class CollectiveFinder {
 public:
  explicit CollectiveFinder(const TraceIndex& index) : index_(index), trace_(*index.trace) {}

  std::vector<CollectiveRun> run() {
    std::vector<CollectiveRun> runs;
    for (const Work& work : index_.work) {
      if (work.kind != WorkClass::communication) continue;
      const TraceEvent& event = index_.event(work.event);
      CollectiveRun run;
      run.device = trace_.lanes[event.lane].device;
      run.stream = trace_.lanes[event.lane].stream;
      run.start = event.start;
      run.duration = event.duration;
      run.name = canonical_name(index_.name(work.event));
      if (const CollectiveDetail* detail = detail_of(work)) describe(*detail, run);
      runs.push_back(std::move(run));
    }
    return runs;
  }

 private:
  /// On the kernel itself, else on the operators around its launch.
  const CollectiveDetail* detail_of(const Work& work) const {
    const TraceEvent& event = index_.event(work.event);
    if (event.kind == EventKind::kernel && event.detail != kNone &&
        trace_.kernels[event.detail].collective != kNone) {
      return &trace_.collectives[trace_.kernels[event.detail].collective];
    }
    if (work.launch == kNone || trace_.collectives.empty()) return nullptr;
    for (std::uint32_t i = index_.parent[work.launch]; i != kNone; i = index_.parent[i]) {
      const TraceEvent& host = index_.event(i);
      if (host.kind != EventKind::op || host.detail == kNone) continue;
      const std::uint32_t collective = trace_.ops[host.detail].collective;
      if (collective != kNone) return &trace_.collectives[collective];
    }
    return nullptr;
  }

  void describe(const CollectiveDetail& detail, CollectiveRun& run) const {
    if (detail.name != kNone) {
      const std::string name = canonical_name(trace_.names[detail.name]);
      if (name != "unknown") run.name = name;
    }
    run.payload = payload_of(trace_, detail);
    run.ranks = detail.group_size;
    const std::uint32_t group = detail.ranks != kNone ? detail.ranks : detail.group;
    if (group != kNone) run.group = trace_.names[group];
  }

  const TraceIndex& index_;
  const Trace& trace_;
};

}  // namespace

std::vector<CollectiveRun> find_collectives(const TraceIndex& index) {
  return CollectiveFinder(index).run();
}

}  // namespace fastpath
