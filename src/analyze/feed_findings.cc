#include "analyze/feed_findings.h"

#include <cmath>

#include <fmt/format.h>

#include "ir/input_names.h"

namespace fastpath {
namespace {

Table epoch_table(const Feed& feed) {
  Table table{"epochs",
              "Epochs",
              {{"epoch"},
               {"samples", Unit::per_second},
               {"utilisation", Unit::ratio},
               {"limit"},
               {"from_cache", Unit::ratio},
               {"time", Unit::seconds}},
              {}};
  for (const auto& [name, epoch] :
       {std::pair("first", &feed.first), std::pair("later", &feed.later)}) {
    table.rows.push_back({std::string(name), epoch->rate.base(), epoch->utilisation,
                          std::string(name_of(epoch->limit)), epoch->cache_hits,
                          epoch->time.base()});
  }
  return table;
}

/// Infinite: nothing limits them.
Cell count(double accelerators) {
  return std::isfinite(accelerators) ? Cell{accelerators} : Cell{};
}

}  // namespace

Table input_stage_table(const Feed& feed) {
  Table table{"stages",
              "Samples a second of each stage alone",
              {{"stage"}, {"first_epoch", Unit::per_second}, {"later_epochs", Unit::per_second}},
              {}};
  for (const StageRate& first : feed.first.stages) {
    Cell later;
    for (const StageRate& stage : feed.later.stages) {
      if (stage.stage == first.stage) later = stage.rate.base();
    }
    table.rows.push_back({std::string(name_of(first.stage)), first.rate.base(), later});
  }
  return table;
}

Findings explain_feed(const InputPipeline& pipeline, const Feed& feed, const std::string& title) {
  Findings findings;
  findings.title = title;
  Table summary{"summary",
                "Summary",
                {{"accelerators_fed", Unit::count},
                 {"accelerators_fed_later", Unit::count},
                 {"accelerators", Unit::count},
                 {"utilisation", Unit::ratio},
                 {"limit"},
                 {"store_delivers", Unit::bytes_per_second},
                 {"store_must_deliver", Unit::bytes_per_second},
                 {"workers", Unit::count},
                 {"workers_needed", Unit::count}},
                {}};
  const auto needed = static_cast<double>(feed.needed_workers);
  summary.rows.push_back({count(feed.most_accelerators), count(feed.later_accelerators),
                          static_cast<double>(pipeline.accelerators), feed.first.utilisation,
                          std::string(name_of(feed.first.limit)), feed.delivered.base(),
                          feed.needed.base(), static_cast<double>(pipeline.workers),
                          count(needed > 0 ? needed : HUGE_VAL)});
  findings.tables = {std::move(summary), epoch_table(feed), input_stage_table(feed)};
  findings.notes.push_back(
      fmt::format("An accelerator is fed when it computes for {:.0f} % of the time.",
                  100 * pipeline.utilisation));
  if (feed.needed_workers == 0) {
    findings.notes.emplace_back(
        "No number of workers is enough: one process collects all batches. Collect in larger "
        "pieces, or run one loader for each accelerator.");
  }
  return findings;
}

}  // namespace fastpath
