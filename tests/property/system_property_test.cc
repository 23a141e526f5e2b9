// Laws of systems: what is written reads back the same, and devices are never lost by scaling.
#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.h"
#include "import/yaml/no_parts.h"
#include "import/yaml/system.h"
#include "ir/system.h"

namespace fastpath {
namespace {

std::string any_text() {
  // Printable, with the characters that YAML takes for its own.
  return *rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("abc XYZ019-_.:#{}[],&*!|>'\"%@`~?\\/=")));
}

std::string any_id() {
  constexpr std::size_t kLongest = 99;  // and the letter in front
  const std::string rest =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("abc019-_.")));
  return "x" + rest.substr(0, kLongest);
}

Source any_source() { return {any_text(), any_text(), any_text(), any_text()}; }

double any_positive() {
  // Any mantissa at scales that hardware has.
  const double mantissa = 1.0 + *rc::gen::inRange(0, 1'000'000'007) / 1e9;
  return std::ldexp(mantissa, *rc::gen::inRange(-40, 60));
}

template <class Q>
Figure<Q> any_figure() {
  const double value = any_positive();
  const bool exact = *rc::gen::arbitrary<bool>();
  return {Q{value}, Q{exact ? value : value * 0.875}, Q{exact ? value : value * 1.25},
          any_source()};
}

template <class Q>
std::optional<Figure<Q>> maybe_figure() {
  if (*rc::gen::arbitrary<bool>()) return std::nullopt;
  return any_figure<Q>();
}

Fitted any_share() {
  return {*rc::gen::inRange(1, 1250) / 1000.0, *rc::gen::inRange(0, 1000) / 1000.0, any_source()};
}

Device any_device() {
  Device device;
  device.id = any_id();
  device.name = any_text();
  device.vendor = any_text();
  device.kind = any_text();
  if (*rc::gen::arbitrary<bool>()) device.year = *rc::gen::inRange(1940, 2100);
  for (const auto& [name, format] : kNumberFormatNames) {
    if (!*rc::gen::arbitrary<bool>()) continue;
    device.peaks.push_back({format, any_figure<FlopsPerSecond>(), std::nullopt});
    if (*rc::gen::arbitrary<bool>()) device.peaks.back().achieved = any_share();
  }
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
    device.memories.push_back(
        {"m" + std::to_string(i), maybe_figure<Bytes>(), maybe_figure<BytesPerSecond>()});
  device.link = maybe_figure<BytesPerSecond>();
  device.link_name = any_text();
  device.clock = maybe_figure<Hertz>();
  device.power = maybe_figure<Watts>();
  device.price = maybe_figure<Dollars>();
  device.rent = maybe_figure<DollarsPerSecond>();
  device.units = any_text();
  device.notes = any_text();
  device.achieved = {any_share(), any_share(),           any_share(),          any_share(),
                     any_share(), any_figure<Seconds>(), any_figure<Seconds>()};
  return device;
}

Level any_level(int number) {
  Level level;
  level.name = "level" + std::to_string(number) + any_text();
  level.topology = *rc::gen::element(Topology::switched, Topology::mesh, Topology::ring,
                                     Topology::torus, Topology::bus);
  level.count = *rc::gen::inRange(1, 65);
  if (level.topology == Topology::torus) {
    level.torus = {*rc::gen::inRange<std::int64_t>(1, 9), *rc::gen::inRange<std::int64_t>(1, 9)};
    level.count = level.torus[0] * level.torus[1];
  }
  level.link_name = any_text();
  level.bandwidth = any_figure<BytesPerSecond>();
  level.latency = any_figure<Seconds>();
  level.setup = any_figure<Seconds>();
  level.achieved = any_share();
  level.oversubscription = 1 + *rc::gen::inRange(0, 16) / 8.0;
  return level;
}

System any_system() {
  System system;
  system.id = any_id();
  system.name = any_text();
  if (system.name.empty()) system.name = system.id;
  system.device = any_device();
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
    system.levels.push_back(any_level(i));
  system.host = {any_text(), *rc::gen::inRange(0, 9), maybe_figure<Bytes>(),
                 maybe_figure<BytesPerSecond>(), maybe_figure<Watts>()};
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i)
    system.storage.push_back({any_text(), maybe_figure<Bytes>(), maybe_figure<BytesPerSecond>(),
                              maybe_figure<BytesPerSecond>()});
  system.rent = maybe_figure<DollarsPerSecond>();
  system.power_overhead = 1 + *rc::gen::inRange(0, 9) / 8.0;
  system.notes = any_text();
  return system;
}

RC_GTEST_PROP(SystemYamlProperty, what_is_written_reads_back_the_same, ()) {
  const System system = any_system();
  RC_ASSERT(mistakes_in(system).empty());
  NoParts parts;
  const std::string text = write_system_yaml(system);
  const auto again = read_system_yaml(text, "again.yaml", parts);
  for (const Diagnostic& mistake : again ? Diagnostics{} : again.error())
    RC_LOG() << format_diagnostic(mistake, "error") << "\n";
  RC_ASSERT(again.has_value());
  RC_ASSERT(write_system_yaml(*again) == text);
  RC_ASSERT(again->device.notes == system.device.notes);
  RC_ASSERT(again->device.achieved.launch.source.cite == system.device.achieved.launch.source.cite);
  RC_ASSERT(again->levels.size() == system.levels.size());
}

RC_GTEST_PROP(SystemCountProperty, scaling_gives_the_devices_that_were_asked_for, ()) {
  System system = any_system();
  const auto count = *rc::gen::inRange<std::int64_t>(1, 5000);
  const auto scaled = with_device_count(system, count);
  if (!scaled) {
    RC_ASSERT(!scaled.error().front().hint.empty());
    return;
  }
  RC_ASSERT(scaled->device_count() == count);
  RC_ASSERT(mistakes_in(*scaled).empty());
}

RC_GTEST_PROP(SystemCountProperty, all_of_a_system_is_always_possible, ()) {
  const System system = any_system();
  const auto same = with_device_count(system, system.device_count());
  RC_ASSERT(same.has_value());
  RC_ASSERT(same->device_count() == system.device_count());
}

}  // namespace
}  // namespace fastpath
