#include "analyze/simulation_findings.h"

#include <fmt/format.h>

#include "analyze/prediction_findings.h"
#include "ir/names.h"

namespace fastpath {
namespace {

Table summary_table(const SimulatedCase& c) {
  const Simulation& s = c.simulation;
  Table table{"summary",
              "Summary",
              {{"model", Unit::none},
               {"phase", Unit::none},
               {"system", Unit::none},
               {"plan", Unit::none},
               {"devices", Unit::count},
               {"step_time", Unit::seconds},
               {"step_time_undisturbed", Unit::seconds},
               {"step_time_predicted", Unit::seconds},
               {"slowed_by_disturbances", Unit::ratio},
               {"slowed_by_shared_links", Unit::ratio},
               {"replicas", Unit::count},
               {"replicas_simulated", Unit::count},
               {"tasks", Unit::count}},
              {}};
  const auto more = [](Seconds time, Seconds than) -> Cell {
    return than > Seconds{} ? Cell{time / than - 1} : Cell{};
  };
  table.rows.push_back({c.workload.name, std::string(name_of(s.phase)),
                        c.system.id.empty() ? c.system.name : c.system.id, c.plan_text,
                        static_cast<double>(s.devices), s.step.base(), s.undisturbed.base(),
                        s.alone.base(), more(s.step, s.undisturbed), more(s.undisturbed, s.alone),
                        static_cast<double>(s.expansion.replicas),
                        static_cast<double>(s.expansion.simulated), static_cast<double>(s.tasks)});
  return table;
}

bool same_times(const RoleTime& a, const RoleTime& b) {
  return a.finish == b.finish && a.passes_end == b.passes_end && a.computing == b.computing &&
         a.communicating == b.communicating && a.slowed == b.slowed;
}

Table role_table(const Simulation& simulation) {
  Table table{"roles",
              "Pipeline ranks",
              {{"pipeline_rank", Unit::none},
               {"finish", Unit::seconds},
               {"passes_end", Unit::seconds},
               {"computing", Unit::seconds},
               {"communicating", Unit::seconds},
               {"slowed_by_sharing", Unit::seconds}},
              {}};
  const std::vector<RoleTime>& roles = simulation.roles;
  for (std::size_t i = 0; i < roles.size();) {
    std::size_t end = i + 1;
    while (end < roles.size() && same_times(roles[i], roles[end]))
      ++end;
    const RoleTime& role = roles[i];
    table.rows.push_back({end - i == 1 ? fmt::format("{}", i) : fmt::format("{} to {}", i, end - 1),
                          role.finish.base(), role.passes_end.base(), role.computing.base(),
                          role.communicating.base(), role.slowed.base()});
    i = end;
  }
  return table;
}

Table link_table(const Simulation& simulation) {
  Table table{"links",
              "Links, of the ranks that stand for all",
              {{"level", Unit::none},
               {"busiest_port", Unit::ratio},
               {"transfers", Unit::count},
               {"slowed", Unit::count},
               {"added", Unit::seconds}},
              {}};
  for (const LevelTraffic& level : simulation.levels) {
    if (level.transfers == 0) continue;
    table.rows.push_back({level.level, level.busy, static_cast<double>(level.transfers),
                          static_cast<double>(level.slowed), level.added.base()});
  }
  return table;
}

}  // namespace

Findings explain_simulation(const SimulatedCase& simulated) {
  const Simulation& s = simulated.simulation;
  Findings findings;
  findings.title = fmt::format("{}, {} on {}, simulated", simulated.workload.name,
                               words_for(s.phase), simulated.system.name);
  findings.tables.push_back(summary_table(simulated));
  findings.tables.push_back(role_table(s));
  Table links = link_table(s);
  if (!links.rows.empty()) findings.tables.push_back(std::move(links));
  findings.notes.push_back(fmt::format("Replicas: {}.", s.expansion.reason));
  if (s.step != s.undisturbed) {
    findings.notes.emplace_back(
        "Computing, communicating and sharing are those of the undisturbed ranks.");
  }
  return findings;
}

}  // namespace fastpath
