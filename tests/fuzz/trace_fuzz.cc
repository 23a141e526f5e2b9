// The reader of traces and all analyses take any bytes, packed ones included.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "analyze/trace/job_analysis.h"
#include "analyze/trace/trace_findings.h"
#include "import/trace/trace.h"
#include "report/data_report.h"
#include "require.h"

namespace {

void check_table(const fastpath::Trace& trace) {
  for (const fastpath::TraceEvent& event : trace.events) {
    require(event.start >= 0 && event.duration >= 0);
    require(event.name < trace.names.size() && event.lane < trace.lanes.size());
  }
}

void check_analysis(const fastpath::RankAnalysis& rank) {
  for (std::size_t i = 0; i < rank.devices.size(); ++i) {
    const fastpath::TimeBreakdown& time = rank.devices[i];
    const fastpath::IdleCauses& idle = rank.idle[i];
    require(time.busy == time.compute + time.exposed_communication + time.exposed_copies);
    require(time.idle() >= 0);
    require(time.idle() == idle.host + idle.sync + idle.input + idle.call + idle.queue +
                               idle.dependency + idle.unknown);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto trace = fastpath::parse_trace(bytes, "fuzz rank 1");
  if (!trace) return 0;
  check_table(trace->value);
  const std::vector<fastpath::RankAnalysis> ranks(2, fastpath::analyze_rank(trace->value));
  check_analysis(ranks[0]);
  const fastpath::Findings findings =
      fastpath::describe_traces(ranks, fastpath::analyze_job(ranks), 5);
  require(!fastpath::json_report(findings).empty());
  return 0;
}
