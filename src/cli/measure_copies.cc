#include "cli/measure_copies.h"

#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "base/units.h"

namespace fastpath::cli {
namespace {

Table copy_table(const MeasuredCopies& measured) {
  Table table{"copies",
              "Copies between host and device",
              {{"device"},
               {"bus"},
               {"memory"},
               {"direction"},
               {"size", Unit::bytes},
               {"time", Unit::seconds},
               {"rate", Unit::bytes_per_second},
               {"spread", Unit::ratio},
               {"discarded", Unit::count}},
              {}};
  for (const MeasuredCopy& one : measured.copies) {
    const double ways = one.direction == CopyDirection::both ? 2 : 1;
    const double rate = one.rate.median;
    table.rows.push_back({one.device, one.bus, std::string(name_of(one.memory)),
                          std::string(name_of(one.direction)), one.size.base(),
                          rate > 0 ? Cell{ways * one.size.base() / rate} : Cell{}, rate,
                          one.rate.spread, static_cast<double>(one.rate.discarded)});
  }
  return table;
}

/// The link of a system's host, as that system's file has it.
std::string host_line(const MeasuredCopy& copy, const std::string& date) {
  const Repeated& rate = copy.rate;
  const auto write = [](double value) { return format_quantity(BytesPerSecond{value}); };
  const double half = rate.median * rate.spread;
  return fmt::format(
      "host: {{link: {{value: {}, low: {}, high: {}, source: fastpath measure, date: \"{}\", "
      "confidence: measured}}}}",
      write(rate.median), write(std::max(rate.median - half, 0.0)), write(rate.median + half),
      date);
}

/// Of devices of one name the first one's largest copy from pinned memory, which is what a data
/// sheet's rate is of.
std::map<std::string_view, const MeasuredCopy*> links_of(const MeasuredCopies& measured) {
  std::map<std::string_view, const MeasuredCopy*> links;
  for (const MeasuredCopy& one : measured.copies) {
    if (one.memory != HostMemory::pinned || one.direction != CopyDirection::to_device) continue;
    const MeasuredCopy*& link = links[one.device];
    if (link == nullptr || (one.bus == link->bus && one.size > link->size)) link = &one;
  }
  return links;
}

}  // namespace

void add_copies(Findings& findings, const MeasuredCopies& measured, const std::string& date) {
  if (!measured.copies.empty()) findings.tables.push_back(copy_table(measured));
  // The written system's device is the CPU, to which nothing is copied: a link of its host would
  // slow predictions of input pipelines and adapters by copies that do not happen.
  for (const auto& [device, copy] : links_of(measured)) {
    findings.notes.push_back(fmt::format("In a system whose devices are {} the host's link is: {}",
                                         device, host_line(*copy, date)));
  }
  const auto disturbed = std::count_if(measured.copies.begin(), measured.copies.end(),
                                       [](const MeasuredCopy& one) { return one.rate.noisy; });
  if (disturbed > 0) {
    findings.notes.push_back(fmt::format(
        "Others kept the copying thread from a core during too many repeats of {} copies.",
        disturbed));
  }
  if (measured.alike > 0) {
    findings.notes.push_back(fmt::format(
        "--quick: of devices of a name one is measured, {} are left out.", measured.alike));
  }
  if (measured.copies.empty() && measured.failures.empty()) {
    findings.notes.emplace_back("No GPU was found: copies to one were not measured.");
  }
}

}  // namespace fastpath::cli
