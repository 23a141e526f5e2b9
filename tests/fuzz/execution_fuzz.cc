// The readers of execution traces and the runs of what they read take any bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "analyze/recorded_findings.h"
#include "engine/simulate/recorded.h"
#include "import/execution/read.h"
#include "report/data_report.h"
#include "require.h"

namespace {

/// Two devices with a link between them.
fastpath::System two_devices() {
  fastpath::System system;
  system.id = system.device.id = "two";
  system.device.peaks.resize(1);
  system.device.peaks[0].format = fastpath::NumberFormat::bf16;
  system.device.peaks[0].rate.value = fastpath::FlopsPerSecond{1e15};

  system.device.memories.resize(1);
  system.device.memories[0].bandwidth.emplace();
  system.device.memories[0].bandwidth->value = fastpath::BytesPerSecond{3e12};
  fastpath::Level node;
  node.name = "node";
  node.count = 2;
  node.bandwidth.value = fastpath::BytesPerSecond{4e11};
  node.latency.value = fastpath::Seconds{1e-6};
  system.levels = {node};
  return system;
}

void check(const fastpath::RecordedProgram& recorded) {
  for (std::size_t r = 0; r < recorded.ranks.size(); ++r) {
    const auto& tasks = recorded.program.blocks[r].forward;
    require(tasks.size() == recorded.ranks[r].tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      require(tasks[i].op < recorded.program.op_names[r].size());
      for (const std::uint32_t before : tasks[i].after)
        require(before < i);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto file = fastpath::parse_execution_trace(bytes, "fuzz.0.et");
  if (!file) return 0;
  fastpath::ExecutionFile second = file->value;
  second.rank = 1;
  fastpath::Diagnostics warnings;
  const fastpath::RecordedProgram recorded =
      fastpath::recorded_program({std::move(file->value), std::move(second)}, warnings);
  check(recorded);
  const fastpath::System system = two_devices();
  const auto run = fastpath::simulate_recorded(recorded, system, {.timeline = true});
  if (!run) return 0;
  require(run->simulation.step >= fastpath::Seconds{});
  for (const auto& rank : run->times) {
    for (const fastpath::RecordedTime& time : rank)
      require(time.start >= fastpath::Seconds{} && time.end >= time.start);
  }
  require(!fastpath::json_report(fastpath::explain_recorded(recorded, *run, system, 5)).empty());
  return 0;
}
