#include "ir/system.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fastpath {
namespace {

constexpr std::int64_t kMaxDevices = 1'000'000'000;

/// a x b, at most the largest count that can be held.
std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::numeric_limits<std::int64_t>::max();
  return result;
}

/// Collects mistakes, each with the name of what it is about.
class Check {
 public:
  void that(bool condition, std::string mistake) {
    if (!condition) mistakes_.push_back(std::move(mistake));
  }

  template <class T>
  void positive(const Figure<T>& figure, const std::string& name) {
    that(std::isfinite(figure.value.base()) && figure.value.base() > 0,
         fmt::format("{} must be positive", name));
    ordered(figure, name);
  }

  template <class T>
  void positive(const std::optional<Figure<T>>& figure, const std::string& name) {
    if (figure) positive(*figure, name);
  }

  /// A time may be zero.
  void time(const Figure<Seconds>& figure, const std::string& name) {
    that(std::isfinite(figure.value.base()) && figure.value.base() >= 0,
         fmt::format("{} must not be negative", name));
    ordered(figure, name);
  }

  void share(const Fitted& fitted, const std::string& name) {
    that(fitted.value > 0 && fitted.value <= 1.25,
         fmt::format("{} is a share: it must lie between 0 and 1.25", name));
    that(fitted.relative_spread >= 0 && std::isfinite(fitted.relative_spread),
         fmt::format("the spread of {} must not be negative", name));
  }

  std::vector<std::string> take() { return std::move(mistakes_); }

 private:
  template <class T>
  void ordered(const Figure<T>& figure, const std::string& name) {
    that(figure.low <= figure.value && figure.value <= figure.high &&
             std::isfinite(figure.high.base()),
         fmt::format("{} must lie between its low and high", name));
  }

  std::vector<std::string> mistakes_;
};

void check_peaks(const Device& device, Check& check) {
  for (std::size_t i = 0; i < device.peaks.size(); ++i) {
    const Peak& peak = device.peaks[i];
    const std::string name = fmt::format("peak {}", name_of(peak.format));
    check.positive(peak.rate, name);
    if (peak.achieved) check.share(*peak.achieved, name + " achieved");
    const auto same = [&](const Peak& other) { return other.format == peak.format; };
    check.that(
        std::none_of(device.peaks.begin(), device.peaks.begin() + static_cast<long>(i), same),
        fmt::format("{} is given twice", name));
  }
}

void check_memories(const Device& device, Check& check) {
  for (std::size_t i = 0; i < device.memories.size(); ++i) {
    const Memory& memory = device.memories[i];
    const std::string name = memory.name.empty() ? "memory" : "memory " + memory.name;
    check.positive(memory.capacity, name + " capacity");
    check.positive(memory.bandwidth, name + " bandwidth");
    const auto same = [&](const Memory& other) { return other.name == memory.name; };
    check.that(
        std::none_of(device.memories.begin(), device.memories.begin() + static_cast<long>(i), same),
        fmt::format("{} is given twice", name));
  }
}

void check_device(const Device& device, Check& check) {
  check.that(!device.id.empty(), "a device needs an id");
  check_peaks(device, check);
  check_memories(device, check);
  check.positive(device.link, "link bandwidth");
  check.positive(device.clock, "clock");
  check.positive(device.power, "power");
  check.positive(device.price, "price");
  check.positive(device.rent, "rent");
  const Achieved& achieved = device.achieved;
  check.share(achieved.matmul, "achieved matmul");
  check.share(achieved.attention, "achieved attention");
  check.share(achieved.vector, "achieved vector");
  check.share(achieved.memory, "achieved memory");
  check.share(achieved.link, "achieved link");
  check.time(achieved.launch, "launch");
  check.time(achieved.graph_launch, "graph launch");
}

void check_level(const Level& level, Check& check) {
  const std::string name = level.name.empty() ? "level" : "level " + level.name;
  check.that(!level.name.empty(), "a level needs a name");
  check.that(level.count >= 1 && level.count <= kMaxDevices,
             fmt::format("{} must have 1 to {} members", name, kMaxDevices));
  if (level.count > 1 || level.bandwidth.high.base() != 0) {
    check.positive(level.bandwidth, name + " bandwidth");
  }
  check.time(level.latency, name + " latency");
  check.time(level.setup, name + " setup");
  check.share(level.achieved, name + " achieved");
  check.that(std::isfinite(level.oversubscription) && level.oversubscription >= 1,
             fmt::format("{} oversubscription must be at least 1", name));
  if (level.topology != Topology::torus) {
    check.that(level.torus.empty(), fmt::format("{} has extents but is no torus", name));
    return;
  }
  std::int64_t members = level.torus.empty() ? 0 : 1;
  for (const std::int64_t extent : level.torus)
    members = extent >= 1 ? product(members, extent) : 0;
  check.that(members == level.count,
             fmt::format("{} is a torus of {} with {} members: the extents must multiply to the "
                         "count",
                         name, fmt::join(level.torus, " x "), level.count));
}

/// Extents of a slice with `count` members of a torus, as near to a cube as possible; empty if
/// there is none. Both are in ascending order.
class Slices {
 public:
  Slices(std::vector<std::int64_t> torus, std::int64_t count) : torus_(std::move(torus)) {
    std::sort(torus_.begin(), torus_.end());
    if (!torus_.empty()) fill(0, 1, count);
  }
  const std::vector<std::int64_t>& best() const { return best_; }

 private:
  void fill(std::size_t axis, std::int64_t least, std::int64_t rest) {
    const std::size_t axes = torus_.size() - axis;
    if (axes == 1) {
      chosen_.push_back(rest);
      const bool fits = least <= rest && rest <= torus_[axis];
      if (fits && (best_.empty() || rest <= best_.back())) best_ = chosen_;
      chosen_.pop_back();
      return;
    }
    // All further extents are at least this one.
    const double most = std::pow(static_cast<double>(rest), 1.0 / static_cast<double>(axes)) + 1e-6;
    for (std::int64_t extent = least; extent <= torus_[axis] && static_cast<double>(extent) <= most;
         ++extent) {
      if (rest % extent != 0) continue;
      chosen_.push_back(extent);
      fill(axis + 1, extent, rest / extent);
      chosen_.pop_back();
    }
  }

  std::vector<std::int64_t> torus_;
  std::vector<std::int64_t> chosen_;
  std::vector<std::int64_t> best_;
};

/// Members of each level for `count` devices; empty if it cannot be.
std::vector<std::int64_t> counts_for(const System& system, std::int64_t count) {
  std::vector<std::int64_t> counts(system.levels.size(), 1);
  for (std::size_t i = 0; i < counts.size() && count > 1; ++i) {
    const Level& level = system.levels[i];
    const bool torus = level.topology == Topology::torus;
    const bool last = i + 1 == counts.size();
    if (count > level.count && (!last || torus)) {
      if (count % level.count != 0) return {};
      counts[i] = level.count;
      count /= level.count;
      continue;
    }
    if (torus && Slices(level.torus, count).best().empty()) return {};
    counts[i] = count;
    count = 1;
  }
  if (count > 1) return {};
  return counts;
}

std::string nearest_counts(const System& system, std::int64_t count) {
  constexpr std::int64_t kFarthest = 512;  // a search that always ends
  const auto found = [&](std::int64_t step) -> std::int64_t {
    for (std::int64_t n = count + step; n >= 1 && std::abs(n - count) <= kFarthest; n += step) {
      if (!counts_for(system, n).empty()) return n;
    }
    return 0;
  };
  const std::int64_t below = found(-1);
  const std::int64_t above = found(1);
  if (below != 0 && above != 0)
    return fmt::format("the nearest counts are {} and {}", below, above);
  if (below != 0) return fmt::format("the nearest count is {}", below);
  if (above != 0) return fmt::format("the nearest count is {}", above);
  return fmt::format("all of it are {}", system.device_count());
}

}  // namespace

bool Device::has_data_sheet() const {
  return !peaks.empty() && !memories.empty() && memories.front().bandwidth.has_value();
}

std::int64_t System::device_count() const {
  std::int64_t count = 1;
  for (const Level& level : levels)
    count = product(count, level.count);
  return count;
}

std::vector<std::string> mistakes_in(const Device& device) {
  Check check;
  check_device(device, check);
  return check.take();
}

std::vector<std::string> mistakes_in(const System& system) {
  Check check;
  check.that(!system.id.empty(), "a system needs an id");
  check_device(system.device, check);
  std::int64_t devices = 1;
  for (const Level& level : system.levels) {
    check_level(level, check);
    devices = product(devices, std::max<std::int64_t>(level.count, 1));
  }
  check.that(devices <= kMaxDevices, fmt::format("a system has at most {} devices", kMaxDevices));
  check.that(system.host.sockets >= 0, "host sockets must not be negative");
  check.positive(system.host.memory, "host memory");
  check.positive(system.host.link, "host link");
  check.positive(system.host.power, "host power");
  check.positive(system.rent, "rent");
  check.that(std::isfinite(system.power_overhead) && system.power_overhead >= 1,
             "power_overhead is facility over equipment power: at least 1");
  for (const Storage& storage : system.storage) {
    const std::string name = "storage " + storage.name;
    check.positive(storage.capacity, name + " capacity");
    check.positive(storage.read, name + " read");
    check.positive(storage.write, name + " write");
  }
  return check.take();
}

Result<System> with_device_count(System system, std::int64_t count) {
  const Place place{.file = system.id};
  if (count < 1 || count > kMaxDevices) {
    return failure(place, fmt::format("a system cannot have {} devices", count),
                   fmt::format("give a count from 1 to {}", kMaxDevices));
  }
  if (system.levels.empty() && count > 1) {
    return failure(place, fmt::format("{} is one device: it has no link to a second", system.id),
                   "describe a system with `levels` and a link in a YAML file");
  }
  const std::vector<std::int64_t> counts = counts_for(system, count);
  if (counts.size() != system.levels.size()) {
    return failure(place, fmt::format("{} cannot have {} devices", system.id, count),
                   nearest_counts(system, count));
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    Level& level = system.levels[i];
    if (level.topology == Topology::torus) level.torus = Slices(level.torus, counts[i]).best();
    level.count = counts[i];
  }
  return system;
}

System system_of(Device device) {
  System system;
  system.id = device.id;
  system.name = device.name.empty() ? device.id : device.name;
  system.notes = device.notes;
  system.device = std::move(device);
  return system;
}

}  // namespace fastpath
