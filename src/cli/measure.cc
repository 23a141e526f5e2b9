#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "fastpath/framework.h"
#include "fastpath/system.h"

#include "cli/emit.h"
#include "cli/machine_system.h"
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
    {"quick", FlagKind::yes, "", "in about 30 s: fewer and shorter repeats", "", false},
    {"name", FlagKind::text, "ID", "of the system (default: this-machine)", "", false},
    {"output", FlagKind::file, "FILE.yaml", "write the system there", "", false},
    {"threads", FlagKind::whole, "N", "of the runtime's operators (default: all cores)", "", false},
    kRuntimeFlag,
}};

std::vector<Cell> level_row(std::string name, Cell capacity, Cell latency,
                            const Bandwidths& bandwidths) {
  std::vector<Cell> row{std::move(name), std::move(capacity), std::move(latency)};
  double discarded = 0;
  for (const Repeated& one : bandwidths) {
    row.emplace_back(one.median);
    row.emplace_back(one.spread);
    discarded += static_cast<double>(one.discarded);
  }
  row.emplace_back(discarded);
  return row;
}

Table level_table(const MeasuredMachine& machine) {
  Table table{"memory",
              "Levels of memory, one thread",
              {{"level"}, {"capacity", Unit::bytes}, {"latency", Unit::seconds}},
              {}};
  for (const MemoryStream stream : kMemoryStreams) {
    const std::string name(name_of(stream));
    table.columns.push_back({name, Unit::bytes_per_second});
    table.columns.push_back({name + "_spread", Unit::ratio});
  }
  table.columns.push_back({"discarded", Unit::count});
  std::size_t depth = 0;
  for (const MeasuredLevel& level : machine.levels) {
    table.rows.push_back(
        level_row(level.main_memory ? "main memory" : fmt::format("cache {}", ++depth),
                  level.capacity.base(), level.latency.base(), level.bandwidths));
  }
  table.rows.push_back(level_row(fmt::format("main memory, {} threads", machine.cores), Cell{},
                                 Cell{}, machine.memory_by_all));
  return table;
}

Table kernel_table(std::string key, std::string title) {
  return {std::move(key),
          std::move(title),
          {{"format"},
           {"threads", Unit::count},
           {"size"},
           {"rate", Unit::flops_per_second},
           {"spread", Unit::ratio},
           {"repeats", Unit::count},
           {"discarded", Unit::count},
           {"implementation"}},
          {}};
}

/// Products, and convolutions.
std::array<Table, 2> kernel_tables(const MeasuredMachine& machine) {
  std::array<Table, 2> tables{
      kernel_table("matmuls", "Products of m x k by k x n"),
      kernel_table("convolutions", "Convolutions: image and channels, window and stride, filters")};
  for (const MeasuredKernel& one : machine.kernels) {
    const KernelSetting& setting = one.setting;
    tables[setting.size.index()].rows.push_back(
        {std::string(name_of(setting.format)), static_cast<double>(setting.threads),
         name_of(setting.size), one.rate.median, one.rate.spread,
         static_cast<double>(one.rate.kept), static_cast<double>(one.rate.discarded),
         one.implementation});
  }
  return tables;
}

/// How well the operator model's parameters describe the kernels, and shapes that they have not
/// seen.
Table entry_table(const Device& device) {
  Table table{
      "fitted",
      "The operator model, fitted to kernels by all threads; times over predicted less 1: half are "
      "within the median, 90 % of unseen shapes between low and high",
      {{"class"},
       {"format"},
       {"kernels", Unit::count},
       {"share_of_peak", Unit::ratio},
       {"median", Unit::ratio},
       {"unseen_low", Unit::ratio},
       {"unseen_high", Unit::ratio}},
      {}};
  for (const KernelEntry& entry : device.kernels) {
    table.rows.push_back({std::string(name_of(entry.kernel_class)), entry.format,
                          static_cast<double>(entry.rows),
                          entry.parameters[KernelParameter::compute], std::expm1(entry.spread),
                          entry.low - 1, entry.high - 1});
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

/// Figures, and those of which most repeats were disturbed.
struct Disturbed {
  std::size_t figures = 0;
  std::size_t disturbed = 0;

  void add(const Repeated& one) {
    ++figures;
    disturbed += one.noisy ? 1 : 0;
  }
};

Disturbed disturbed(const MeasuredMachine& machine) {
  Disturbed count;
  for (const Repeated& one : machine.memory_by_all)
    count.add(one);
  for (const MeasuredLevel& level : machine.levels) {
    for (const Repeated& one : level.bandwidths)
      count.add(one);
  }
  for (const MeasuredKernel& kernel : machine.kernels)
    count.add(kernel.rate);
  count.add(machine.call);
  return count;
}

void add_notes(Findings& findings, const MeasuredMachine& machine) {
  constexpr double kBusy = 0.1;     // cores' worth, as of a single repeat
  constexpr double kByChance = 20;  // of so many figures one is disturbed on a quiet machine, too
  const Disturbed count = disturbed(machine);
  const bool too_many =
      kByChance * static_cast<double>(count.disturbed) > static_cast<double>(count.figures);
  if (machine.others > kBusy || too_many) {
    findings.notes.push_back(fmt::format(
        "Others used {:.2f} cores in all, and more than a tenth of a core during too many repeats "
        "of {} of {} figures (load average {:.1f} as it began): these are figures of a busy "
        "machine. Measure again when it is quiet.",
        machine.others, count.disturbed, count.figures, machine.load));
  }
  findings.notes.emplace_back(
      "Levels are where a dependent load takes half as long again; a peak is the fastest kernel of "
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
  System system = system_of(machine, arguments.text_or("name", "this-machine"));
  if (*runtime) {
    auto framework = std::make_shared<Framework>();
    framework->runtime = std::make_shared<const Runtime>(**runtime);
    system.framework = std::move(framework);
  }
  if (const auto file = arguments.text("output")) {
    if (const auto wrong = write_file(*file, write_system_yaml(system))) {
      return session.fail({*wrong});
    }
  }
  Findings findings;
  findings.title = "This machine";
  findings.tables = {summary_table(machine), level_table(machine)};
  std::ranges::move(kernel_tables(machine), std::back_inserter(findings.tables));
  findings.tables.push_back(entry_table(system.device));
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
