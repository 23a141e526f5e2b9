#include "base/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

/// One unit is `times / divisor` base units; both are exact doubles.
struct UnitScale {
  double times = 1;
  double divisor = 1;
};

struct NamedUnit {
  std::string_view name;
  Dimension dimension;
  UnitScale scale;
};

constexpr Dimension kTime{.time = 1};
constexpr Dimension kData{.data = 1};
constexpr Dimension kWork{.work = 1};
constexpr Dimension kEnergy{.energy = 1};
constexpr Dimension kMoney{.money = 1};
constexpr Dimension kPower{.time = -1, .energy = 1};
constexpr Dimension kFrequency{.time = -1};

// Decimal prefixes as in the SI, binary ones as in IEC 80000-13. Bits are an eighth of a byte.
// clang-format off
constexpr std::array kUnits = std::to_array<NamedUnit>({
    {"s", kTime, {1, 1}},      {"ms", kTime, {1, 1e3}},   {"us", kTime, {1, 1e6}},
    {"\u00b5s", kTime, {1, 1e6}}, {"\u03bcs", kTime, {1, 1e6}},
    {"ns", kTime, {1, 1e9}},   {"ps", kTime, {1, 1e12}},  {"min", kTime, {60, 1}},
    {"h", kTime, {3600, 1}},   {"day", kTime, {86400, 1}},
    {"B", kData, {1, 1}},      {"kB", kData, {1e3, 1}},   {"MB", kData, {1e6, 1}},
    {"GB", kData, {1e9, 1}},   {"TB", kData, {1e12, 1}},  {"PB", kData, {1e15, 1}},
    {"EB", kData, {1e18, 1}},
    {"KiB", kData, {0x1p10, 1}}, {"MiB", kData, {0x1p20, 1}}, {"GiB", kData, {0x1p30, 1}},
    {"TiB", kData, {0x1p40, 1}}, {"PiB", kData, {0x1p50, 1}}, {"EiB", kData, {0x1p60, 1}},
    {"b", kData, {1, 8}},      {"kb", kData, {1e3, 8}},   {"Mb", kData, {1e6, 8}},
    {"Gb", kData, {1e9, 8}},   {"Tb", kData, {1e12, 8}},  {"Pb", kData, {1e15, 8}},
    {"bit", kData, {1, 8}},    {"kbit", kData, {1e3, 8}}, {"Mbit", kData, {1e6, 8}},
    {"Gbit", kData, {1e9, 8}}, {"Tbit", kData, {1e12, 8}},
    {"FLOP", kWork, {1, 1}},   {"kFLOP", kWork, {1e3, 1}},  {"MFLOP", kWork, {1e6, 1}},
    {"GFLOP", kWork, {1e9, 1}},  {"TFLOP", kWork, {1e12, 1}}, {"PFLOP", kWork, {1e15, 1}},
    {"EFLOP", kWork, {1e18, 1}}, {"ZFLOP", kWork, {1e21, 1}},
    {"OP", kWork, {1, 1}},     {"kOP", kWork, {1e3, 1}},  {"MOP", kWork, {1e6, 1}},
    {"GOP", kWork, {1e9, 1}},  {"TOP", kWork, {1e12, 1}}, {"POP", kWork, {1e15, 1}},
    {"EOP", kWork, {1e18, 1}},
    {"J", kEnergy, {1, 1}},    {"mJ", kEnergy, {1, 1e3}}, {"uJ", kEnergy, {1, 1e6}},
    {"nJ", kEnergy, {1, 1e9}}, {"pJ", kEnergy, {1, 1e12}}, {"kJ", kEnergy, {1e3, 1}},
    {"MJ", kEnergy, {1e6, 1}}, {"GJ", kEnergy, {1e9, 1}},
    {"Wh", kEnergy, {3600, 1}}, {"kWh", kEnergy, {3.6e6, 1}}, {"MWh", kEnergy, {3.6e9, 1}},
    {"GWh", kEnergy, {3.6e12, 1}},
    {"W", kPower, {1, 1}},     {"mW", kPower, {1, 1e3}},  {"kW", kPower, {1e3, 1}},
    {"MW", kPower, {1e6, 1}},  {"GW", kPower, {1e9, 1}},
    {"USD", kMoney, {1, 1}},
    {"Hz", kFrequency, {1, 1}}, {"kHz", kFrequency, {1e3, 1}}, {"MHz", kFrequency, {1e6, 1}},
    {"GHz", kFrequency, {1e9, 1}},
});
// clang-format on

/// What a dimension is called, and what its quantities are written in: `written` in ascending
/// order but the base unit first, `accepted` as the hint lists them.
struct Kind {
  Dimension dimension;
  std::string_view name;
  std::string_view example;
  std::string_view accepted;
  std::vector<std::string_view> written;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {kTime, "a time", "3.5 us", "ps, ns, us, ms, s, min, h, day", {"s", "ps", "ns", "us", "ms"}},
      {kData,
       "a size",
       "80 GB",
       "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB (bits: kb, Mb, Gb, Tb)",
       {"B", "kB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB"}},
      {kWork,
       "a count of operations",
       "4.1 GFLOP",
       "FLOP, MFLOP, GFLOP, TFLOP, PFLOP, EFLOP (integer ones: OP, GOP, TOP)",
       {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP"}},
      {kEnergy,
       "an energy",
       "3.9 pJ",
       "pJ, nJ, uJ, mJ, J, kJ, MJ, Wh, kWh, MWh",
       {"J", "pJ", "nJ", "uJ", "mJ", "kJ", "MJ", "GJ"}},
      {kMoney, "an amount of money", "25000 USD", "USD", {"USD"}},
      {kData + (-kTime),
       "a bandwidth",
       "450 GB/s",
       "B/s, kB/s, MB/s, GB/s, TB/s, MiB/s, GiB/s (bits: Mb/s, Gb/s, Tb/s)",
       {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s", "GiB/s"}},
      {kWork + (-kTime),
       "a rate of operations",
       "989.4 TFLOP/s",
       "MFLOP/s, GFLOP/s, TFLOP/s, PFLOP/s, EFLOP/s (integer ones: GOP/s, TOP/s)",
       {"FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s", "EFLOP/s"}},
      {kPower, "a power", "700 W", "mW, W, kW, MW", {"W", "mW", "kW", "MW", "GW"}},
      {kMoney + (-kTime), "a price per time", "2.1 USD/h", "USD/h, USD/s", {"USD/s", "USD/h"}},
      {kFrequency, "a frequency", "1.98 GHz", "Hz, kHz, MHz, GHz", {"Hz", "kHz", "MHz", "GHz"}},
  };
  return all;
}

const Kind* kind_of(Dimension dimension) {
  for (const Kind& kind : kinds()) {
    if (kind.dimension == dimension) return &kind;
  }
  return nullptr;
}

std::optional<NamedUnit> find_atom(std::string_view name) {
  for (const NamedUnit& unit : kUnits) {
    if (unit.name == name) return unit;
  }
  return std::nullopt;
}

/// A unit of the table, or one of them per time: "GB/s", "USD/h".
std::optional<NamedUnit> find_unit(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return find_atom(name);
  const auto above = find_atom(trim(name.substr(0, slash)));
  const auto below = find_atom(trim(name.substr(slash + 1)));
  if (!above || !below || below->dimension != kTime) return std::nullopt;
  // times / divisor stays exact: a time's `times` or `divisor` is 1.
  const UnitScale scale{above->scale.times * below->scale.divisor,
                        above->scale.divisor * below->scale.times};
  return NamedUnit{name, above->dimension + (-kTime), scale};
}

/// k where a unit is 10^k base units.
std::optional<int> power_of_ten(UnitScale scale) {
  if (scale.times != 1 && scale.divisor != 1) return std::nullopt;
  double rest = std::max(scale.times, scale.divisor);
  int power = 0;
  while (rest >= 10) {
    rest /= 10;
    ++power;
  }
  if (rest != 1) return std::nullopt;
  return scale.times == 1 ? -power : power;
}

/// `number` x 10^`power`, rounded once: the decimal point moves in the text. So "4.1 GFLOP" is the
/// same double as 4.1e9, which 4.1 * 1e9 is not.
double shift_decimal(double number, int power) {
  const std::string text = fmt::format("{}", number);
  const std::size_t exponent = text.find('e');
  int total = power;
  if (exponent != std::string::npos) {
    const char* digits = text.data() + exponent + 1;
    int own = 0;
    std::from_chars(*digits == '+' ? digits + 1 : digits, text.data() + text.size(), own);
    total += own;
  }
  const std::string shifted = fmt::format("{}e{}", text.substr(0, exponent), total);
  double value = 0;
  const auto result = std::from_chars(shifted.data(), shifted.data() + shifted.size(), value);
  if (result.ec == std::errc{}) return value;
  return total > 0 ? HUGE_VAL : 0;
}

double to_base(double number, UnitScale scale) {
  if (const auto power = power_of_ten(scale)) return shift_decimal(number, *power);
  return number * scale.times / scale.divisor;
}

double from_base(double base, UnitScale scale) {
  if (const auto power = power_of_ten(scale)) return shift_decimal(base, -*power);
  return base * scale.divisor / scale.times;
}

/// All names, for "did you mean"; rates per second, money also per hour.
std::vector<std::string> all_unit_names() {
  std::vector<std::string> names;
  for (const NamedUnit& unit : kUnits) {
    names.emplace_back(unit.name);
    const bool flows = unit.dimension == kData || unit.dimension == kWork;
    if (flows || unit.dimension == kMoney) names.push_back(std::string(unit.name) + "/s");
    if (unit.dimension == kMoney) names.push_back(std::string(unit.name) + "/h");
  }
  return names;
}

/// "Gbps" for "Gb/s", "TFLOPS" for "TFLOP/s": the end is a way to write "per second".
std::optional<std::string> spelled_rate(std::string_view unit) {
  for (const std::string_view ending : {"ps", "PS", "S", "s"}) {
    if (!unit.ends_with(ending)) continue;
    const std::string rate = std::string(unit.substr(0, unit.size() - ending.size())) + "/s";
    if (find_unit(rate)) return rate;
  }
  return std::nullopt;
}

std::string hint_for_unit(std::string_view unit, const Kind& kind) {
  std::string accepted = fmt::format("accepted here: {}", kind.accepted);
  if (const auto rate = spelled_rate(unit)) {
    return fmt::format("write '{}' for a rate; {}", *rate, accepted);
  }
  if (unit.starts_with(',')) return "write a number without thousands separators";
  if (unit.find('$') != std::string_view::npos) return "write USD for US dollars; " + accepted;
  // Case is significant: Gb is bits, GB is bytes, mW is not MW.
  std::vector<std::string> same;
  std::vector<std::string> fitting;
  for (std::string& name : all_unit_names()) {
    if (find_unit(name)->dimension != kind.dimension) continue;
    if (equals_ignoring_case(name, unit)) same.push_back("'" + name + "'");
    fitting.push_back(std::move(name));
  }
  if (!same.empty()) {
    return fmt::format("upper and lower case matter: write {}; {}", fmt::join(same, " or "),
                       accepted);
  }
  if (const auto near = nearest(unit, fitting)) {
    return fmt::format("did you mean '{}'? {}", *near, accepted);
  }
  return accepted;
}

/// A number and what follows it.
struct Parts {
  double number = 0;
  std::string_view unit;
};

Result<Parts> split_number(std::string_view text, const Kind& kind, const Place& place) {
  const std::string example = fmt::format("write {} such as '{}'", kind.name, kind.example);
  if (text.empty()) return failure(place, fmt::format("expected {}", kind.name), example);
  double number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  const bool starts_number = text.find_first_of("0123456789.") == (text[0] == '-' ? 1 : 0);
  if (error == std::errc::invalid_argument || !starts_number) {
    return failure(place, fmt::format("{} does not start with a number", in_quotes(text)), example);
  }
  if (error != std::errc{}) {
    return failure(place, fmt::format("{} is out of range", in_quotes(text)), example);
  }
  return Parts{number, trim({end, static_cast<std::size_t>(last - end)})};
}

Result<double> parse_in(Dimension dimension, std::string_view full, const Place& place) {
  const Kind& kind = *kind_of(dimension);
  const std::string_view text = trim(full);
  const auto parts = split_number(text, kind, place);
  if (!parts) return failure(parts.error());
  if (parts->unit.empty()) {
    return failure(place, fmt::format("{} has no unit", in_quotes(text)),
                   fmt::format("write {} such as '{}'; accepted here: {}", kind.name, kind.example,
                               kind.accepted));
  }
  const auto unit = find_unit(parts->unit);
  if (!unit) {
    return failure(place, fmt::format("unknown unit {}", in_quotes(parts->unit)),
                   hint_for_unit(parts->unit, kind));
  }
  if (unit->dimension != dimension) {
    const Kind* found = kind_of(unit->dimension);
    return failure(place,
                   fmt::format("{} is {}, not {}", in_quotes(text),
                               found == nullptr ? "of another kind" : found->name, kind.name),
                   fmt::format("accepted here: {}", kind.accepted));
  }
  const double base = to_base(parts->number, unit->scale);
  if (!std::isfinite(base)) {
    return failure(place, fmt::format("{} is out of range", in_quotes(text)));
  }
  if (std::signbit(base) && base != 0) {
    return failure(place, fmt::format("{} is negative", in_quotes(text)),
                   fmt::format("{} cannot be below zero", kind.name));
  }
  return base + 0.0;  // no negative zero
}

/// A way to write a quantity; better ones sort first.
struct Spelling {
  std::string text;
  bool readable = false;  ///< the number is from 1 to below 1000
};

std::string write_in(Dimension dimension, double base) {
  std::optional<Spelling> best;
  for (const std::string_view name : kind_of(dimension)->written) {
    const NamedUnit unit = *find_unit(name);
    const double number = from_base(base, unit.scale);
    const std::string digits = fmt::format("{}", number);
    if (to_base(number, unit.scale) != base) continue;
    const Spelling found{digits + " " + std::string(name), number >= 1 && number < 1000};
    const auto length = [](const Spelling& s) { return s.text.find(' '); };
    const bool better = !best || length(found) < length(*best) ||
                        (length(found) == length(*best) && found.readable && !best->readable);
    if (better) best = found;
  }
  // The base unit is always exact, unless the value is not a number at all.
  if (!best) return fmt::format("{} {}", base, kind_of(dimension)->written.front());
  return best->text;
}

/// Rounded to `digits` significant digits.
double rounded(double value, int digits) {
  return parse_number(fmt::format("{:.{}e}", value, std::max(digits, 1) - 1)).value_or(value);
}

/// The largest unit of `names` (ascending) in which the rounded value is at least 1.
std::string scaled(double base, std::span<const std::string_view> names, int digits) {
  const double value = rounded(base, digits);
  NamedUnit chosen = *find_unit(names.front());
  for (const std::string_view name : names) {
    const NamedUnit unit = *find_unit(name);
    // One unit of the ladder is reached from below by rounding: 999.96 us with 4 digits is 1 ms.
    if (std::abs(rounded(from_base(value, unit.scale), digits)) >= 1) chosen = unit;
  }
  const double number = value == 0 ? 0 : from_base(base, chosen.scale);
  return fmt::format("{} {}", format_number(number, digits), chosen.name);
}

std::string thousands(std::string digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

template <class Q>
struct DimensionOf;
template <Dimension D>
struct DimensionOf<Quantity<D>> {
  static constexpr Dimension kValue = D;
};

using Names = std::vector<std::string_view>;

}  // namespace

template <class Q>
Result<Q> parse_quantity(std::string_view text, const Place& place) {
  return parse_in(DimensionOf<Q>::kValue, text, place).map([](double base) { return Q{base}; });
}

template <class Q>
std::string write_quantity(Q value) {
  return write_in(DimensionOf<Q>::kValue, value.base());
}

template Result<Seconds> parse_quantity(std::string_view, const Place&);
template Result<Bytes> parse_quantity(std::string_view, const Place&);
template Result<Flops> parse_quantity(std::string_view, const Place&);
template Result<Joules> parse_quantity(std::string_view, const Place&);
template Result<Dollars> parse_quantity(std::string_view, const Place&);
template Result<BytesPerSecond> parse_quantity(std::string_view, const Place&);
template Result<FlopsPerSecond> parse_quantity(std::string_view, const Place&);
template Result<Watts> parse_quantity(std::string_view, const Place&);
template Result<DollarsPerSecond> parse_quantity(std::string_view, const Place&);
template Result<Hertz> parse_quantity(std::string_view, const Place&);

template std::string write_quantity(Seconds);
template std::string write_quantity(Bytes);
template std::string write_quantity(Flops);
template std::string write_quantity(Joules);
template std::string write_quantity(Dollars);
template std::string write_quantity(BytesPerSecond);
template std::string write_quantity(FlopsPerSecond);
template std::string write_quantity(Watts);
template std::string write_quantity(DollarsPerSecond);
template std::string write_quantity(Hertz);

std::string format_quantity(Seconds value, int digits) {
  const double size = std::abs(value.base());
  if (size >= 120) return scaled(value.base(), Names{"min", "h", "day"}, digits);
  return scaled(value.base(), Names{"ps", "ns", "us", "ms", "s"}, digits);
}

std::string format_quantity(Bytes value, int digits) {
  return scaled(value.base(), Names{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}, digits);
}

std::string format_quantity(Flops value, int digits) {
  return scaled(value.base(),
                Names{"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP"},
                digits);
}

std::string format_quantity(Joules value, int digits) {
  return scaled(value.base(), Names{"pJ", "nJ", "uJ", "mJ", "J", "kJ", "kWh", "MWh", "GWh"},
                digits);
}

std::string format_quantity(Dollars value, int digits) {
  return scaled(value.base(), Names{"USD"}, digits);
}

std::string format_quantity(BytesPerSecond value, int digits) {
  return scaled(value.base(), Names{"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"}, digits);
}

std::string format_quantity(FlopsPerSecond value, int digits) {
  return scaled(value.base(),
                Names{"FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s", "EFLOP/s"},
                digits);
}

std::string format_quantity(Watts value, int digits) {
  return scaled(value.base(), Names{"mW", "W", "kW", "MW", "GW"}, digits);
}

std::string format_quantity(DollarsPerSecond value, int digits) {
  return scaled(value.base(), Names{"USD/h"}, digits);
}

std::string format_quantity(Hertz value, int digits) {
  return scaled(value.base(), Names{"Hz", "kHz", "MHz", "GHz"}, digits);
}

std::string format_number(double value, int digits) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  const double size = std::abs(value);
  if (size >= 1e15) return fmt::format("{:.{}g}", value, std::max(digits, 1));
  if (value == std::round(value)) return thousands(fmt::format("{:.0f}", value));
  const double short_value = rounded(value, digits);
  if (short_value == std::round(short_value)) return thousands(fmt::format("{:.0f}", short_value));
  return fmt::format("{:.{}g}", value, std::max(digits, 1));
}

}  // namespace fastpath
