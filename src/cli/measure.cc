#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fastpath/framework.h"
#include "fastpath/system.h"

#include "cli/emit.h"
#include "cli/measure_copies.h"
#include "cli/measure_runtime.h"
#include "cli/runtime.h"
#include "cli/verbs.h"
#include "import/yaml/system.h"
#include "ir/names.h"
#include "measure/device_copy.h"
#include "measure/machine.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 5> kMeasureFlags{{
    {"quick", FlagKind::yes, "", "within 30 s: fewer and shorter repeats", "", false},
    {"name", FlagKind::text, "ID", "of the system (default: this-machine)", "", false},
    {"output", FlagKind::file, "FILE.yaml", "write the system there", "", false},
    {"threads", FlagKind::whole, "N", "of the runtime's operators (default: all cores)", "", false},
    kRuntimeFlag,
}};

template <class Q>
Figure<Q> figure(const Repeated& measured, const Source& source) {
  const double half = measured.median * measured.spread;
  return {Q{measured.median}, Q{std::max(measured.median - half, 0.0)}, Q{measured.median + half},
          source};
}

/// The fastest of a format: with all cores where that is faster.
const MeasuredMatmul* best(const MeasuredMachine& machine, NumberFormat format) {
  const MeasuredMatmul* found = nullptr;
  for (const MeasuredMatmul& one : machine.matmuls) {
    if (one.format != format) continue;
    if (found == nullptr || one.rate.median > found->rate.median) found = &one;
  }
  return found;
}

void add_memories(Device& device, const MeasuredMachine& machine, const Source& source) {
  for (auto level = machine.levels.rbegin(); level != machine.levels.rend(); ++level) {
    Memory memory;
    const std::ptrdiff_t depth = machine.levels.rend() - level;
    memory.name = level->main_memory ? "main memory" : fmt::format("cache {}", depth);
    memory.capacity = Figure<Bytes>{level->capacity, level->capacity, level->capacity, source};
    const Repeated& bandwidth = level->main_memory ? machine.memory_by_all : level->bandwidth;
    memory.bandwidth = figure<BytesPerSecond>(bandwidth, source);
    device.memories.push_back(std::move(memory));
  }
}

/// What was measured is what is reached: shares of peaks are 1, but for matmuls of other sizes.
System system_of(const MeasuredMachine& machine, const std::string& name) {
  const Source source{
      .cite = "fastpath measure",
      .locator = fmt::format("{}, load average {:.1f}", machine.library, machine.load),
      .date = machine.date,
      .confidence = "measured"};
  System system;
  system.id = name;
  system.name = machine.cpu;
  Device& device = system.device;
  device.id = name + "-cpu";
  device.name = machine.cpu;
  device.kind = "cpu";
  device.units = fmt::format("{} cores", machine.cores);
  for (const NumberFormat format :
       {NumberFormat::fp32, NumberFormat::bf16, NumberFormat::fp16, NumberFormat::int8}) {
    if (const MeasuredMatmul* one = best(machine, format)) {
      device.peaks.push_back({format, figure<FlopsPerSecond>(one->rate, source), std::nullopt});
    }
  }
  add_memories(device, machine, source);
  device.achieved.matmul = {.value = 1, .relative_spread = 0.05, .source = source};
  device.achieved.memory = {.value = 1, .relative_spread = 0.05, .source = source};
  device.achieved.launch = figure<Seconds>(machine.call, source);
  device.achieved.graph_launch = device.achieved.launch;
  return system;
}

Table level_table(const MeasuredMachine& machine) {
  Table table{"memory",
              "Levels of memory, one thread",
              {{"level"},
               {"capacity", Unit::bytes},
               {"latency", Unit::seconds},
               {"bandwidth", Unit::bytes_per_second},
               {"spread", Unit::ratio},
               {"discarded", Unit::count}},
              {}};
  std::size_t depth = 0;
  for (const MeasuredLevel& level : machine.levels) {
    const std::string name = level.main_memory ? "main memory" : fmt::format("cache {}", ++depth);
    table.rows.push_back({name, level.capacity.base(), level.latency.base(), level.bandwidth.median,
                          level.bandwidth.spread, static_cast<double>(level.bandwidth.discarded)});
  }
  const Repeated& all = machine.memory_by_all;
  table.rows.push_back({fmt::format("main memory, {} threads", machine.cores), Cell{}, Cell{},
                        all.median, all.spread, static_cast<double>(all.discarded)});
  return table;
}

Table matmul_table(const MeasuredMachine& machine) {
  Table table{"matmuls",
              "Matmuls of square matrices",
              {{"format"},
               {"threads", Unit::count},
               {"size", Unit::count},
               {"rate", Unit::flops_per_second},
               {"spread", Unit::ratio},
               {"repeats", Unit::count},
               {"discarded", Unit::count}},
              {}};
  for (const MeasuredMatmul& one : machine.matmuls) {
    table.rows.push_back({std::string(name_of(one.format)), static_cast<double>(one.threads),
                          static_cast<double>(one.size), one.rate.median, one.rate.spread,
                          static_cast<double>(one.rate.kept),
                          static_cast<double>(one.rate.discarded)});
  }
  return table;
}

Table summary_table(const MeasuredMachine& machine) {
  return {"summary",
          "Summary",
          {{"cpu"},
           {"cores", Unit::count},
           {"library"},
           {"call", Unit::seconds},
           {"wall_time", Unit::seconds},
           {"cpu_time", Unit::seconds},
           {"others", Unit::none},
           {"load_average", Unit::none}},
          {{machine.cpu, static_cast<double>(machine.cores), machine.library, machine.call.median,
            machine.wall.base(), machine.cpu_time.base(), fmt::format("{:.2f}", machine.others),
            fmt::format("{:.1f}", machine.load)}}};
}

/// Figures of which most repeats were disturbed.
std::size_t disturbed(const MeasuredMachine& machine) {
  const auto levels = std::count_if(machine.levels.begin(), machine.levels.end(),
                                    [](const MeasuredLevel& l) { return l.bandwidth.noisy; });
  const auto matmuls = std::count_if(machine.matmuls.begin(), machine.matmuls.end(),
                                     [](const MeasuredMatmul& m) { return m.rate.noisy; });
  return static_cast<std::size_t>(levels + matmuls) + (machine.memory_by_all.noisy ? 1 : 0) +
         (machine.call.noisy ? 1 : 0);
}

void add_notes(Findings& findings, const MeasuredMachine& machine) {
  constexpr double kBusy = 0.1;  // cores' worth, as of a single repeat
  const std::size_t figures = disturbed(machine);
  if (machine.others > kBusy || figures > 0) {
    findings.notes.push_back(fmt::format(
        "Others used {:.2f} cores in all, and more than a tenth of a core during too many repeats "
        "of {} figures (load average {:.1f} as it began): these are figures of a busy machine. "
        "Measure again when it is quiet.",
        machine.others, figures, machine.load));
  }
  findings.notes.emplace_back(
      "Levels are where a dependent load takes half as long again; a peak is the fastest matmul of "
      "its format.");
}

/// Nothing where there is no runtime and the user named none. Rounds of the machine's figures and
/// of copies go between its parts.
Result<std::optional<Runtime>> runtime_of(Session& session, const Arguments& arguments,
                                          MachineRounds& machine, CopyRounds& copies) {
  const Result<OnnxRuntime> library = find_runtime(session, arguments);
  if (!library) {
    if (arguments.has("runtime")) return failure(library.error());
    return std::optional<Runtime>();
  }
  const auto threads = static_cast<int>(arguments.whole_or("threads", machine.cores()));
  auto measured = measure_runtime(*library, threads, arguments.has("quick"),
                                  {[&](std::string_view what) { session.progress(what); },
                                   [&] {
                                     machine.measure();
                                     copies.measure();
                                   }});
  if (!measured) return failure(measured.error());
  return std::optional<Runtime>(std::move(*measured));
}

}  // namespace

std::span<const Flag> measure_flags() { return kMeasureFlags; }

int run_measure(Session& session, const Arguments& arguments) {
  const auto tell = [&](std::string_view what) { session.progress(what); };
  MachineRounds rounds({.quick = arguments.has("quick")}, tell);
  CopyRounds copy_rounds(copy_options(arguments.has("quick")), tell);
  rounds.measure();
  copy_rounds.measure();
  const Result<std::optional<Runtime>> runtime =
      runtime_of(session, arguments, rounds, copy_rounds);
  if (!runtime) {
    session.progress("");
    return session.fail(runtime.error());
  }
  const MeasuredCopies copies = copy_rounds.finish();
  const MeasuredMachine machine = rounds.finish();
  session.progress("");
  if (const auto file = arguments.text("output")) {
    System system = system_of(machine, arguments.text_or("name", "this-machine"));
    if (*runtime) {
      auto framework = std::make_shared<Framework>();
      framework->runtime = std::make_shared<const Runtime>(**runtime);
      system.framework = std::move(framework);
    }
    if (const auto wrong = write_file(*file, write_system_yaml(system))) {
      return session.fail({*wrong});
    }
  }
  Findings findings;
  findings.title = "This machine";
  findings.tables = {summary_table(machine), level_table(machine), matmul_table(machine)};
  if (*runtime) findings.tables.push_back(runtime_table(**runtime));
  add_notes(findings, machine);
  add_copies(findings, copies, machine.date);
  session.warn(copies.failures);
  if (!*runtime) {
    findings.notes.emplace_back(
        "ONNX Runtime was not found: its operators were not measured (tools/setup.sh runtime).");
  }
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
