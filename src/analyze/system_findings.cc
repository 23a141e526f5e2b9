#include "analyze/system_findings.h"

#include <string>

#include "analyze/sources.h"
#include "ir/names.h"

namespace fastpath {
namespace {

template <class Q>
Cell value_of(const std::optional<Figure<Q>>& figure) {
  return figure ? Cell{figure->value.base()} : Cell{};
}

template <class Q>
std::string source_of(SourceList& sources, const std::optional<Figure<Q>>& figure) {
  return figure ? sources.reference(figure->source) : "";
}

/// A figure with what the sources that disagree say: empty where they agree.
template <class Q>
void add_figure(std::vector<Cell>& row, const Figure<Q>& figure) {
  const bool spread = figure.low != figure.high;
  row.emplace_back(figure.value.base());
  row.push_back(spread ? Cell{figure.low.base()} : Cell{});
  row.push_back(spread ? Cell{figure.high.base()} : Cell{});
}

Table summary_table(const System& system) {
  Table table{"summary", "Summary", {}, {{}}};
  const auto add = [&](const char* name, Unit unit, Cell cell) {
    table.columns.push_back({name, unit});
    table.rows.front().push_back(std::move(cell));
  };
  const Device& device = system.device;
  if (!system.id.empty()) add("id", Unit::none, system.id);
  add("name", Unit::none, system.name);
  add("devices", Unit::count, static_cast<double>(system.device_count()));
  add("device", Unit::none, device.id.empty() ? device.name : device.id);
  add("vendor", Unit::none, device.vendor);
  add("kind", Unit::none, device.kind);
  if (device.year) add("year", Unit::none, std::to_string(*device.year));
  if (!device.units.empty()) add("units", Unit::none, device.units);
  add("device_power", Unit::watts, value_of(device.power));
  add("device_price", Unit::dollars, value_of(device.price));
  add("device_rent", Unit::dollars_per_second, value_of(system.rent ? system.rent : device.rent));
  if (!system.host.cpu.empty()) add("host", Unit::none, system.host.cpu);
  add("host_memory", Unit::bytes, value_of(system.host.memory));
  add("host_power", Unit::watts, value_of(system.host.power));
  for (const auto& [name, text] :
       {std::pair{"notes", system.notes}, {"device_notes", device.notes}})
    if (!text.empty()) add(name, Unit::none, text);
  return table;
}

Table peak_table(const Device& device, SourceList& sources) {
  Table table{"peaks",
              "Peak by number format (dense)",
              {{"format", Unit::none},
               {"peak", Unit::flops_per_second},
               {"lowest", Unit::flops_per_second},
               {"highest", Unit::flops_per_second},
               {"confidence", Unit::none},
               {"source", Unit::none}},
              {}};
  for (const Peak& peak : device.peaks) {
    std::vector<Cell> row{std::string(name_of(peak.format))};
    add_figure(row, peak.rate);
    row.emplace_back(peak.rate.source.confidence);
    row.emplace_back(sources.reference(peak.rate.source));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table memory_table(const Device& device, SourceList& sources) {
  Table table{"memories",
              "Memory levels, main memory first",
              {{"memory", Unit::none},
               {"capacity", Unit::bytes},
               {"bandwidth", Unit::bytes_per_second},
               {"source", Unit::none}},
              {}};
  for (const Memory& memory : device.memories) {
    table.rows.push_back({memory.name, value_of(memory.capacity), value_of(memory.bandwidth),
                          memory.bandwidth ? source_of(sources, memory.bandwidth)
                                           : source_of(sources, memory.capacity)});
  }
  return table;
}

Table level_table(const System& system, SourceList& sources) {
  Table table{"levels",
              "Links, innermost level first (bandwidth per device and direction)",
              {{"level", Unit::none},
               {"count", Unit::count},
               {"topology", Unit::none},
               {"link", Unit::none},
               {"bandwidth", Unit::bytes_per_second},
               {"latency", Unit::seconds},
               {"source", Unit::none}},
              {}};
  for (const Level& level : system.levels) {
    table.rows.push_back({level.name, static_cast<double>(level.count),
                          std::string(name_of(level.topology)), level.link_name,
                          level.bandwidth.value.base(), level.latency.value.base(),
                          sources.reference(level.bandwidth.source)});
  }
  return table;
}

Table achieved_table(const Achieved& achieved, SourceList& sources) {
  Table table{"achieved",
              "What kernels reach of the data sheet",
              {{"of", Unit::none},
               {"share_reached", Unit::ratio},
               {"spread", Unit::ratio},
               {"source", Unit::none}},
              {}};
  const auto add = [&](const char* name, const Fitted& fitted) {
    table.rows.push_back({std::string(name), fitted.value, fitted.relative_spread,
                          sources.reference(fitted.source)});
  };
  add("matmul peak", achieved.matmul);
  add("attention peak", achieved.attention);
  add("vector peak", achieved.vector);
  add("memory bandwidth", achieved.memory);
  add("link bandwidth", achieved.link);
  return table;
}

}  // namespace

Findings describe_system(const System& system) {
  Findings findings;
  findings.title = system.name.empty() ? system.id : system.name;
  SourceList sources;
  findings.tables.push_back(summary_table(system));
  findings.tables.push_back(peak_table(system.device, sources));
  findings.tables.push_back(memory_table(system.device, sources));
  if (!system.levels.empty()) findings.tables.push_back(level_table(system, sources));
  findings.tables.push_back(achieved_table(system.device.achieved, sources));
  findings.tables.push_back(sources.table());
  if (!system.device.has_data_sheet()) {
    findings.notes.emplace_back(
        "No data sheet: peak or memory bandwidth is not known, so nothing can be predicted on it.");
  }
  return findings;
}

}  // namespace fastpath
