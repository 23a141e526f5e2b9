#include "analyze/recorded_findings.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <tuple>

#include <fmt/format.h>

#include "ir/names.h"

namespace fastpath {
namespace {

constexpr std::array<std::string_view, kTimeSources> kSources{
    "shape",    "counts of work and bytes", "bytes of its tensors", "link",
    "measured", "nothing to go by"};

constexpr Seconds kRounding{2e-12};

std::string_view name_of_source(TimeSource source) {
  return kSources[static_cast<std::size_t>(source)];
}

/// Calls `on_task` with the rank's and the task's index.
template <class OnTask>
void for_each_task(const RecordedProgram& recorded, OnTask on_task) {
  for (std::size_t r = 0; r < recorded.ranks.size(); ++r) {
    for (std::size_t i = 0; i < recorded.ranks[r].tasks.size(); ++i)
      on_task(r, i);
  }
}

Table summary_of(const RecordedProgram& recorded, const RecordedRun& run, const System& system) {
  Table table{"summary",
              "Summary",
              {{"trace", Unit::none},
               {"system", Unit::none},
               {"ranks", Unit::count},
               {"nodes", Unit::count},
               {"tasks", Unit::count},
               {"step_time", Unit::seconds},
               {"step_time_undisturbed", Unit::seconds}},
              {}};
  std::size_t tasks = 0;
  for (const RecordedRank& rank : recorded.ranks)
    tasks += rank.tasks.size();
  table.rows.push_back({recorded.program.workload, system.id.empty() ? system.name : system.id,
                        static_cast<double>(recorded.ranks.size()),
                        static_cast<double>(recorded.nodes), static_cast<double>(tasks),
                        run.simulation.step.base(), run.simulation.undisturbed.base()});
  return table;
}

/// Waiting: from a rank's coming to a collective to the last one's.
Table rank_table(const RecordedProgram& recorded, const RecordedRun& run) {
  Table table{"ranks",
              "Ranks",
              {{"rank", Unit::count},
               {"finish", Unit::seconds},
               {"computing", Unit::seconds},
               {"communicating", Unit::seconds},
               {"waiting_for_ranks", Unit::seconds},
               {"host", Unit::seconds}},
              {}};
  for (std::size_t r = 0; r < recorded.ranks.size(); ++r) {
    Seconds waiting;
    Seconds host;
    for (std::size_t i = 0; i < run.times[r].size(); ++i) {
      const RecordedTime& time = run.times[r][i];
      const RecordedLane lane = recorded.ranks[r].tasks[i].lane;
      const Seconds waited = time.end - time.start - time.transfer;
      if (lane == RecordedLane::network && waited > kRounding) waiting += waited;
      if (lane == RecordedLane::host) host += time.end - time.start;
    }
    const RoleTime& role = run.simulation.roles[r];
    table.rows.push_back({static_cast<double>(recorded.ranks[r].rank), role.finish.base(),
                          role.computing.base(), role.communicating.base(), waiting.base(),
                          host.base()});
  }
  return table;
}

struct Sum {
  double count = 0;
  Seconds time;
  Seconds measured;
  Bytes payload;
};

using Row = std::vector<Cell>;

void keep_longest(Table& table, std::size_t column, std::size_t top) {
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const Row& a, const Row& b) {
    return std::get<double>(a[column]) > std::get<double>(b[column]);
  });
  if (top > 0 && table.rows.size() > top) table.rows.resize(top);
}

const std::string& name_of_task(const RecordedProgram& recorded, std::size_t r, std::size_t i) {
  return recorded.program.op_names[r][recorded.program.blocks[r].forward[i].op];
}

/// Cells of times that no trace stated are empty.
Cell seconds_or_nothing(Seconds time) { return time > Seconds{} ? Cell{time.base()} : Cell{}; }

Table operator_table(const RecordedProgram& recorded, const RecordedRun& run, std::size_t top) {
  std::map<std::pair<std::string, TimeSource>, Sum> sums;
  Seconds all;
  for_each_task(recorded, [&](std::size_t r, std::size_t i) {
    const RecordedTask& task = recorded.ranks[r].tasks[i];
    if (task.lane == RecordedLane::joint || task.lane == RecordedLane::network) return;
    Sum& sum = sums[{name_of_task(recorded, r, i), task.source}];
    const Seconds time = run.times[r][i].end - run.times[r][i].start;
    ++sum.count;
    sum.time += time;
    sum.measured += task.measured;
    all += time;
  });
  Table table{"operators",
              "Longest operators, of all ranks",
              {{"operator", Unit::none},
               {"time_from", Unit::none},
               {"count", Unit::count},
               {"time", Unit::seconds},
               {"share", Unit::ratio},
               {"recorded", Unit::seconds}},
              {}};
  for (const auto& [key, sum] : sums) {
    table.rows.push_back({key.first, std::string(name_of_source(key.second)), sum.count,
                          sum.time.base(), all > Seconds{} ? sum.time / all : 0.0,
                          seconds_or_nothing(sum.measured)});
  }
  keep_longest(table, 3, top);
  return table;
}

Table collective_table(const RecordedProgram& recorded, const RecordedRun& run, std::size_t top) {
  std::map<std::tuple<std::string, Collective, std::string>, Sum> sums;
  for_each_task(recorded, [&](std::size_t r, std::size_t i) {
    const RecordedTask& recorded_task = recorded.ranks[r].tasks[i];
    if (recorded_task.lane != RecordedLane::network) return;
    const Task& task = recorded.program.blocks[r].forward[i];
    Sum& sum = sums[{name_of_task(recorded, r, i), task.collective, recorded_task.group}];
    ++sum.count;
    sum.time += run.times[r][i].transfer;
    sum.measured += recorded_task.measured;
    sum.payload += task.payload;
  });
  Table table{"collectives",
              "Longest collectives, of all ranks, hidden or not",
              {{"operator", Unit::none},
               {"collective", Unit::none},
               {"group", Unit::none},
               {"count", Unit::count},
               {"payload", Unit::bytes},
               {"time", Unit::seconds},
               {"recorded", Unit::seconds}},
              {}};
  for (const auto& [key, sum] : sums) {
    const auto& [name, kind, group] = key;
    table.rows.push_back({name, std::string(name_of(kind)), group, sum.count, sum.payload.base(),
                          sum.time.base(), seconds_or_nothing(sum.measured)});
  }
  keep_longest(table, 5, top);
  return table;
}

Table uncertain_table(const RecordedProgram& recorded, std::size_t top) {
  Table table{"unknown_operators",
              "Operators that no cost function knows",
              {{"operator", Unit::none}, {"count", Unit::count}, {"time_from", Unit::none}},
              {}};
  for (const UncertainOperator& one : recorded.uncertain) {
    if (top > 0 && table.rows.size() == top) break;
    table.rows.push_back(
        {one.name, static_cast<double>(one.count), std::string(name_of_source(one.source))});
  }
  return table;
}

std::int64_t count_of(const RecordedProgram& recorded, TimeSource source) {
  std::int64_t count = 0;
  for (const UncertainOperator& one : recorded.uncertain)
    count += one.source == source ? one.count : 0;
  return count;
}

void add_notes(const RecordedProgram& recorded, const RecordedRun& run, Findings& findings) {
  std::vector<std::string>& notes = findings.notes;
  const auto note = [&](std::int64_t count, std::string_view text) {
    if (count > 0) notes.push_back(fmt::format("{} {}", count, text));
  };
  note(count_of(recorded, TimeSource::measured),
       "nodes of operators that no cost function knows keep the time that they took where they "
       "were recorded.");
  note(count_of(recorded, TimeSource::traffic),
       "nodes of unknown operators without a time take that of reading their inputs and writing "
       "their outputs.");
  note(count_of(recorded, TimeSource::none),
       "nodes take no time: they have neither a known shape, nor a time, nor tensors.");
  note(recorded.on_host, "operators on tensors of the host are left out.");
  note(run.unmatched,
       "collectives are not shown by all recorded ranks of their group: they do "
       "not wait for the others.");
  std::array<std::int64_t, 6> lanes{};
  for_each_task(recorded, [&](std::size_t r, std::size_t i) {
    ++lanes[static_cast<std::size_t>(recorded.ranks[r].tasks[i].lane)];
  });
  const auto tasks_on = [&](RecordedLane lane) { return lanes[static_cast<std::size_t>(lane)]; };
  const bool host = tasks_on(RecordedLane::host) > 0;
  if (!run.host_link_known) {
    note(tasks_on(RecordedLane::to_host) + tasks_on(RecordedLane::from_host),
         "copies between device and host keep their recorded times, if any: the system does not "
         "say how fast its host's link is.");
  }
  notes.emplace_back(host
                         ? "The host's nodes keep the time that they took where they were recorded."
                         : "The host takes no time: kernels follow each other.");
  if (tasks_on(RecordedLane::network) > 0) {
    notes.emplace_back(
        "Rank r runs on device r; transfers do not slow each other; ranks without a trace are in "
        "time.");
  }
}

}  // namespace

Findings explain_recorded(const RecordedProgram& recorded, const RecordedRun& run,
                          const System& system, std::size_t top) {
  Findings findings;
  findings.title = fmt::format("{} on {}, simulated", recorded.program.workload,
                               system.name.empty() ? system.id : system.name);
  findings.tables = {summary_of(recorded, run, system), rank_table(recorded, run)};
  for (Table table : {operator_table(recorded, run, top), collective_table(recorded, run, top),
                      uncertain_table(recorded, top)}) {
    if (!table.rows.empty()) findings.tables.push_back(std::move(table));
  }
  add_notes(recorded, run, findings);
  return findings;
}

}  // namespace fastpath
