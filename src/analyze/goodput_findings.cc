#include "analyze/goodput_findings.h"

namespace fastpath {

Findings explain_goodput(const Goodput& run, const std::string& title) {
  Findings findings;
  findings.title = title;
  const auto cell = [](const auto& figure) { return figure ? Cell{figure->base()} : Cell{}; };
  Table summary{"summary",
                "Summary",
                {{"run_time", Unit::seconds},
                 {"goodput", Unit::ratio},
                 {"step_time", Unit::seconds},
                 {"step_time_low", Unit::seconds},
                 {"step_time_high", Unit::seconds},
                 {"steps", Unit::count},
                 {"interruptions", Unit::count},
                 {"time_between_interruptions", Unit::seconds},
                 {"energy", Unit::joules},
                 {"cost", Unit::dollars}},
                {}};
  summary.rows.push_back({run.run.base(), run.goodput, run.step.base(), run.step_low.base(),
                          run.step_high.base(), run.steps, run.interruptions, run.mtbf.base(),
                          cell(run.energy), cell(run.cost)});
  Table time{"time",
             "Where the time of the run goes",
             {{"part", Unit::none}, {"time", Unit::seconds}, {"share", Unit::ratio}},
             {}};
  const std::pair<const char*, double> parts[] = {{"training", run.goodput},
                                                  {"writing checkpoints", run.checkpointing},
                                                  {"lost and done again", run.lost},
                                                  {"restarting", run.restarting}};
  for (const auto& [name, share] : parts)
    time.rows.push_back({std::string(name), share * run.run.base(), share});
  Table checkpoints{"checkpoints",
                    "Checkpoints",
                    {{"size", Unit::bytes},
                     {"write_time", Unit::seconds},
                     {"interval", Unit::seconds},
                     {"interval_by_young", Unit::seconds},
                     {"interval_by_daly", Unit::seconds},
                     {"restart_time", Unit::seconds}},
                    {}};
  checkpoints.rows.push_back({run.checkpoint.base(), run.checkpoint_time.base(),
                              run.interval.base(), run.young.base(), run.daly.base(),
                              run.restart.base()});
  findings.tables = {std::move(summary), std::move(time), std::move(checkpoints)};
  return findings;
}

}  // namespace fastpath
