#include "report/units.h"

#include <array>
#include <cmath>

namespace fastpath {
namespace {

constexpr std::array<Scale, 7> kSeconds{
    {{1e-12, "ps"}, {1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"}, {1, "s"}, {3600, "h"}, {86400, "d"}}};
constexpr std::array<Scale, 6> kBytes{{{1, "B"},
                                       {0x1p10, "KiB"},
                                       {0x1p20, "MiB"},
                                       {0x1p30, "GiB"},
                                       {0x1p40, "TiB"},
                                       {0x1p50, "PiB"}}};
constexpr std::array<Scale, 8> kFlops{{{1, "FLOP"},
                                       {1e3, "KFLOP"},
                                       {1e6, "MFLOP"},
                                       {1e9, "GFLOP"},
                                       {1e12, "TFLOP"},
                                       {1e15, "PFLOP"},
                                       {1e18, "EFLOP"},
                                       {1e21, "ZFLOP"}}};
constexpr std::array<Scale, 7> kJoules{
    {{1e-6, "uJ"}, {1e-3, "mJ"}, {1, "J"}, {1e3, "kJ"}, {1e6, "MJ"}, {1e9, "GJ"}, {1e12, "TJ"}}};
constexpr std::array<Scale, 1> kDollars{{{1, "USD"}}};
constexpr std::array<Scale, 6> kByteRates{
    {{1, "B/s"}, {1e3, "KB/s"}, {1e6, "MB/s"}, {1e9, "GB/s"}, {1e12, "TB/s"}, {1e15, "PB/s"}}};
constexpr std::array<Scale, 7> kFlopRates{{{1, "FLOP/s"},
                                           {1e3, "KFLOP/s"},
                                           {1e6, "MFLOP/s"},
                                           {1e9, "GFLOP/s"},
                                           {1e12, "TFLOP/s"},
                                           {1e15, "PFLOP/s"},
                                           {1e18, "EFLOP/s"}}};
constexpr std::array<Scale, 4> kWatts{{{1e-3, "mW"}, {1, "W"}, {1e3, "kW"}, {1e6, "MW"}}};
constexpr std::array<Scale, 1> kRents{{{1.0 / 3600, "USD/h"}}};

/// Times read as seconds until two hours, and as hours until two days.
bool large_enough(const Scale& scale, double largest) {
  const bool long_time = scale.name == "h" || scale.name == "d";
  return largest >= scale.factor * (long_time ? 2 : 1);
}

}  // namespace

std::string_view key_unit(Unit unit) {
  switch (unit) {
    case Unit::seconds: return "s";
    case Unit::bytes: return "B";
    case Unit::flops: return "FLOP";
    case Unit::joules: return "J";
    case Unit::dollars: return "USD";
    case Unit::bytes_per_second: return "B_per_s";
    case Unit::flops_per_second: return "FLOP_per_s";
    case Unit::watts: return "W";
    case Unit::dollars_per_second: return "USD_per_s";
    case Unit::per_second: return "per_s";
    case Unit::none:
    case Unit::ratio:
    case Unit::count: return "";
  }
  return "";
}

std::string key_of(const Column& column) {
  const std::string_view unit = key_unit(column.unit);
  return unit.empty() ? column.name : column.name + "_" + std::string(unit);
}

std::span<const Scale> scales_of(Unit unit) {
  switch (unit) {
    case Unit::seconds: return kSeconds;
    case Unit::bytes: return kBytes;
    case Unit::flops: return kFlops;
    case Unit::joules: return kJoules;
    case Unit::dollars: return kDollars;
    case Unit::bytes_per_second: return kByteRates;
    case Unit::flops_per_second: return kFlopRates;
    case Unit::watts: return kWatts;
    case Unit::dollars_per_second: return kRents;
    case Unit::per_second:
    case Unit::none:
    case Unit::ratio:
    case Unit::count: return {};
  }
  return {};
}

Scale scale_for(Unit unit, double largest) {
  if (unit == Unit::ratio) return {0.01, "%"};
  const std::span<const Scale> scales = scales_of(unit);
  if (scales.empty()) return {1, ""};
  if (!(largest > 0)) {  // zero, or nothing to show: the base unit
    for (const Scale& scale : scales) {
      if (scale.factor == 1) return scale;
    }
    return scales.front();
  }
  Scale best = scales.front();
  for (const Scale& scale : scales) {
    if (large_enough(scale, largest)) best = scale;
  }
  return best;
}

}  // namespace fastpath
