#include "import/yaml/system.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/units.h"
#include "import/yaml/runtime.h"
#include "ir/names.h"
#include "ir/system.h"

namespace fastpath {
namespace {

constexpr std::int64_t kMostMembers = 1'000'000'000;
constexpr double kMostShare = 1.25;

/// Reads figures with the source of their file, unless they name their own.
class FigureReader {
 public:
  FigureReader(YamlReader& reader, Source source) : reader_(reader), source_(std::move(source)) {}

  YamlReader& reader() { return reader_; }
  void set_source(Source source) { source_ = std::move(source); }

  template <class Q>
  std::optional<Figure<Q>> figure(const YamlNode& node) {
    if (!node.is_map()) {
      const auto value = reader_.quantity<Q>(node);
      if (!value) return std::nullopt;
      return Figure<Q>{*value, *value, *value, source_};
    }
    YamlMap map(reader_, node, "a figure");
    const auto value = map.quantity<Q>("value", Need::required);
    const auto low = map.quantity<Q>("low");
    const auto high = map.quantity<Q>("high");
    const Source source = source_of(map);
    map.finish();
    if (!value) return std::nullopt;
    return Figure<Q>{*value, low.value_or(*value), high.value_or(*value), source};
  }

  template <class Q>
  std::optional<Figure<Q>> figure(YamlMap& map, std::string_view key, Need need = Need::optional) {
    const YamlNode* node = map.get(key, need);
    return node == nullptr ? std::nullopt : figure<Q>(*node);
  }

  /// Replaces `target` if the map has the key.
  template <class Q>
  void replace(YamlMap& map, std::string_view key, std::optional<Figure<Q>>& target) {
    if (auto read = figure<Q>(map, key)) target = std::move(read);
  }
  template <class Q>
  void replace(YamlMap& map, std::string_view key, Figure<Q>& target) {
    if (auto read = figure<Q>(map, key)) target = std::move(*read);
  }

  std::optional<Fitted> share(const YamlNode& node) {
    if (!node.is_map()) {
      const auto value = reader_.number(node, 0, kMostShare);
      if (!value) return std::nullopt;
      return Fitted{*value, 0, source_};
    }
    YamlMap map(reader_, node, "a share");
    const auto value = map.number("value", 0, kMostShare, Need::required);
    const auto spread = map.number("spread", 0, 100);
    const Source source = source_of(map);
    map.finish();
    if (!value) return std::nullopt;
    return Fitted{*value, spread.value_or(0), source};
  }

  void replace(YamlMap& map, std::string_view key, Fitted& target) {
    const YamlNode* node = map.get(key);
    if (node == nullptr) return;
    if (auto read = share(*node)) target = std::move(*read);
  }

 private:
  /// A source of its own stands alone; a date or place alone refines the file's.
  Source source_of(YamlMap& map) {
    const auto cite = map.string("source");
    const auto locator = map.string("locator");
    const auto date = map.string("date");
    const auto confidence = map.string("confidence");
    Source source = cite ? Source{*cite, {}, {}, {}} : source_;
    if (locator) source.locator = *locator;
    if (date) source.date = *date;
    if (confidence) source.confidence = *confidence;
    return source;
  }

  YamlReader& reader_;
  Source source_;
};

/// The source of a whole file: its own words, else the file itself.
Source read_source(YamlMap& map, const Source& otherwise) {
  const auto cite = map.string("source");
  Source source = cite ? Source{*cite, {}, {}, {}} : otherwise;
  source.locator = map.string("locator").value_or(source.locator);
  source.date = map.string("date").value_or(source.date);
  source.confidence = map.string("confidence").value_or(source.confidence);
  return source;
}

Source file_as_source(const std::string& file) { return {file, {}, {}, "user"}; }

void replace(YamlMap& map, std::string_view key, std::string& target) {
  if (const auto text = map.string(key)) target = *text;
}

bool good_id(std::string_view id) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !id.empty() && id.size() <= 100 && std::all_of(id.begin(), id.end(), good);
}

void read_id(YamlMap& map, std::string_view key, Need need, std::string& id) {
  const YamlNode* node = map.get(key, need);
  if (node == nullptr) return;
  const auto text = map.reader().string(*node);
  if (!text) return;
  if (!good_id(*text)) {
    map.reader().error(*node, fmt::format("'{}' is not an id", text->substr(0, 60)),
                       "use at most 100 lower-case letters, digits, '-', '_' and '.'");
  }
  id = *text;
}

/// Reads devices.
class DeviceReader {
 public:
  DeviceReader(FigureReader& figures, SystemParts& parts) : figures_(figures), parts_(parts) {}

  /// `inherited` is the device of a base system, for a mapping inside a system.
  std::optional<Device> read(YamlMap& map, std::string_view id_key, const Device* inherited) {
    Device device = inherited == nullptr ? Device{} : *inherited;
    bool based = inherited != nullptr;
    if (const YamlNode* base = map.get("base")) {
      const auto name = figures_.reader().string(*base);
      if (!name) return std::nullopt;
      auto found = parts_.device(*name, figures_.reader().place(*base));
      if (!found) {
        figures_.reader().errors(found.error());
        based = true;  // one mistake is enough: do not ask for what the base would have had
      } else {
        device = std::move(*found);
        based = true;
      }
    }
    const std::string base_id = device.id;
    read_id(map, id_key, based ? Need::optional : Need::required, device.id);
    if (device.id != base_id) device.name = device.id;  // not the base's: it is another device
    read_identity(map, device, based);
    read_figures(map, device);
    map.finish();
    return device;
  }

  bool names_link_share() const { return names_link_share_; }

 private:
  void read_identity(YamlMap& map, Device& device, bool based) {
    replace(map, "name", device.name);
    replace(map, "vendor", device.vendor);
    replace(map, "units", device.units);
    replace(map, "notes", device.notes);
    if (const auto year = map.integer("year", 1940, 2100)) device.year = static_cast<int>(*year);
    const std::string kind_before = device.kind;
    replace(map, "kind", device.kind);
    // Another kind is another engine: the peaks of the base are not its own.
    if (device.kind != kind_before) device.peaks.clear();
    const auto family = map.string("family");
    read_peaks(map, device);
    if (!based || family || device.kind != kind_before) {
      parts_.set_achieved(device, family.value_or(""));
    }
  }

  void read_peaks(YamlMap& map, Device& device) {
    const YamlNode* node = map.get("peaks");
    if (node == nullptr) return;
    const YamlMap peaks(figures_.reader(), *node, "peaks");
    if (!peaks.valid()) return;
    for (std::size_t i = 0; i < node->keys.size(); ++i) {
      const auto format = figures_.reader().name<NumberFormat>(node->keys[i], "a number format");
      auto rate = figures_.figure<FlopsPerSecond>(node->items[i]);
      if (!format || !rate) continue;
      peak_of(device, *format).rate = std::move(*rate);
    }
  }

  static Peak& peak_of(Device& device, NumberFormat format) {
    for (Peak& peak : device.peaks) {
      if (peak.format == format) return peak;
    }
    device.peaks.push_back({format, {}, std::nullopt});
    return device.peaks.back();
  }

  void read_figures(YamlMap& map, Device& device) {
    figures_.replace(map, "clock", device.clock);
    figures_.replace(map, "power", device.power);
    figures_.replace(map, "price", device.price);
    figures_.replace(map, "rent", device.rent);
    if (const YamlNode* node = map.get("link")) {
      YamlMap link(figures_.reader(), *node, "link");
      replace(link, "name", device.link_name);
      figures_.replace(link, "bandwidth", device.link);
      link.finish();
    }
    if (const YamlNode* node = map.get("memory")) {
      if (device.memories.empty())
        device.memories.push_back({"memory", std::nullopt, std::nullopt});
      read_memory(*node, device.memories.front());
    }
    if (const YamlNode* node = map.get("caches")) read_caches(*node, device);
    if (const YamlNode* node = map.get("achieved")) read_achieved(*node, device);
    if (const YamlNode* node = map.get("kernels")) read_kernels(*node, device);
  }

  /// The file's entries come before those that the device inherits.
  void read_kernels(const YamlNode& node, Device& device) {
    if (!node.is_list()) {
      figures_.reader().error(node, "kernels must be a list", "as `fastpath calibrate` writes it");
      return;
    }
    std::vector<KernelEntry> entries;
    for (const YamlNode& item : node.items) {
      if (auto entry = read_kernel(item)) entries.push_back(std::move(*entry));
    }
    device.kernels.insert(device.kernels.begin(), entries.begin(), entries.end());
  }

  std::optional<KernelEntry> read_kernel(const YamlNode& node) {
    YamlMap map(figures_.reader(), node, "a kernel's parameters");
    KernelEntry entry;
    const auto name = map.string("class", Need::required);
    const auto kernel_class = name ? parse_kernel_class(*name) : std::nullopt;
    if (name && !kernel_class)
      figures_.reader().error(node, "unknown class of kernels '" + *name + "'");
    entry.format = map.string("format").value_or("");
    entry.library = map.string("library").value_or("");
    entry.spread = map.number("spread", 0, 100).value_or(0);
    entry.rows = static_cast<std::uint32_t>(map.number("rows", 0, 1e9).value_or(0));
    entry.low = map.number("low", 0, 1000).value_or(0);
    entry.high = map.number("high", 0, 1000).value_or(0);
    if (entry.low > entry.high) figures_.reader().error(node, "low must not be above high");
    entry.shortest = map.quantity<Seconds>("shortest").value_or(Seconds{});
    entry.longest = map.quantity<Seconds>("longest").value_or(Seconds{});
    for (std::size_t i = 0; i < kKernelParameters; ++i) {
      const KernelParameterInfo& range = info(static_cast<KernelParameter>(i));
      double& value = entry.parameters.values[i];
      value = range.value;
      if (range.unit == "s") {
        const auto time = map.quantity<Seconds>(range.name);
        if (time) value = std::clamp(time->base(), range.low, range.high);
      } else {
        value = map.number(range.name, range.low * 0.999, range.high * 1.001).value_or(range.value);
      }
    }
    map.finish();
    if (!kernel_class) return std::nullopt;
    entry.kernel_class = *kernel_class;
    return entry;
  }

  void read_memory(const YamlNode& node, Memory& memory) {
    YamlMap map(figures_.reader(), node, "memory");
    replace(map, "name", memory.name);
    figures_.replace(map, "capacity", memory.capacity);
    figures_.replace(map, "bandwidth", memory.bandwidth);
    map.finish();
  }

  void read_caches(const YamlNode& node, Device& device) {
    if (!node.is_list()) {
      figures_.reader().error(node, "caches must be a list", "write [{name: L2, capacity: 50 MB}]");
      return;
    }
    if (device.memories.empty()) device.memories.push_back({"memory", std::nullopt, std::nullopt});
    device.memories.resize(1);
    for (const YamlNode& item : node.items) {
      device.memories.push_back({"cache", std::nullopt, std::nullopt});
      read_memory(item, device.memories.back());
    }
  }

  void read_achieved(const YamlNode& node, Device& device) {
    YamlMap map(figures_.reader(), node, "achieved");
    Achieved& achieved = device.achieved;
    figures_.replace(map, "matmul", achieved.matmul);
    figures_.replace(map, "attention", achieved.attention);
    figures_.replace(map, "vector", achieved.vector);
    figures_.replace(map, "memory", achieved.memory);
    figures_.replace(map, "link", achieved.link);
    figures_.replace(map, "launch", achieved.launch);
    figures_.replace(map, "graph_launch", achieved.graph_launch);
    names_link_share_ = map.get("link") != nullptr;
    if (const YamlNode* peaks = map.get("peaks")) read_peak_shares(*peaks, device);
    map.finish();
  }

  void read_peak_shares(const YamlNode& node, Device& device) {
    if (!YamlMap(figures_.reader(), node, "peaks").valid()) return;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const auto format = figures_.reader().name<NumberFormat>(node.keys[i], "a number format");
      auto share = figures_.share(node.items[i]);
      if (!format || !share) continue;
      const auto found = std::find_if(device.peaks.begin(), device.peaks.end(),
                                      [&](const Peak& peak) { return peak.format == *format; });
      if (found == device.peaks.end()) {
        figures_.reader().error(node.keys[i],
                                fmt::format("the device has no {} peak", name_of(*format)),
                                "give its rate under `peaks`");
      } else {
        found->achieved = std::move(*share);
      }
    }
  }

  FigureReader& figures_;
  SystemParts& parts_;
  bool names_link_share_ = false;
};

/// Reads systems.
class SystemReader {
 public:
  SystemReader(YamlReader& reader, SystemParts& parts)
      : reader_(reader), figures_(reader, file_as_source(reader.file())), parts_(parts) {}

  std::optional<System> read_system(const YamlNode& root) {
    YamlMap map(reader_, root, "a system");
    System system;
    bool based = false;
    if (const YamlNode* base = map.get("base")) {
      based = true;
      if (auto found = base_system(*base)) system = std::move(*found);
    }
    figures_.set_source(read_source(map, file_as_source(reader_.file())));
    read_id(map, "system", Need::required, system.id);
    system.name = system.id;  // not the base's: it is another system
    replace(map, "name", system.name);
    replace(map, "notes", system.notes);
    read_device(map, system, based);
    if (const YamlNode* levels = map.get("levels")) read_levels(*levels, system);
    if (const YamlNode* host = map.get("host")) read_host(*host, system.host);
    if (const YamlNode* storage = map.get("storage")) read_storage(*storage, system);
    if (const YamlNode* runtime = map.get("runtime")) {
      system.framework = fastpath::read_runtime(reader_, *runtime);
    }
    figures_.replace(map, "rent", system.rent);
    if (const auto overhead = map.number("power_overhead", 1, 10)) {
      system.power_overhead = *overhead;
    }
    map.finish();
    report(root, mistakes_in(system));
    return system;
  }

  std::optional<Device> read_device_file(const YamlNode& root) {
    YamlMap map(reader_, root, "a device");
    figures_.set_source(read_source(map, file_as_source(reader_.file())));
    auto device = DeviceReader(figures_, parts_).read(map, "device", nullptr);
    if (device) report(root, mistakes_in(*device));
    return device;
  }

 private:
  /// Physical mistakes have no place of their own. They are told only when the text has none, of
  /// which they would be consequences.
  void report(const YamlNode& root, const std::vector<std::string>& mistakes) {
    if (reader_.failed()) return;
    for (const std::string& mistake : mistakes)
      reader_.error(root, mistake);
  }

  std::optional<System> base_system(const YamlNode& node) {
    const auto name = reader_.string(node);
    if (!name) return std::nullopt;
    auto found = parts_.system(*name, reader_.place(node));
    if (found) return std::move(*found);
    reader_.errors(found.error());
    return std::nullopt;
  }

  void read_device(YamlMap& map, System& system, bool based) {
    const YamlNode* node = map.get("device", based ? Need::optional : Need::required);
    if (node == nullptr) return;
    if (node->is_map()) {
      DeviceReader device_reader(figures_, parts_);
      YamlMap fields(reader_, *node, "a device");
      const Device* inherited = based ? &system.device : nullptr;
      if (auto device = device_reader.read(fields, "id", inherited)) {
        system.device = std::move(*device);
      }
      names_link_share_ = device_reader.names_link_share();
      return;
    }
    const auto name = reader_.string(*node);
    if (!name) return;
    auto found = parts_.device(*name, reader_.place(*node));
    if (!found) {
      reader_.errors(found.error());
      return;
    }
    const Fitted link = system.device.achieved.link;
    system.device = std::move(*found);
    if (based) system.device.achieved.link = link;
  }

  void read_levels(const YamlNode& node, System& system) {
    if (!node.is_list()) {
      reader_.error(node, "levels must be a list",
                    "write - {name: node, count: 8, link: nvlink4}, innermost first");
      return;
    }
    system.levels.clear();
    for (const YamlNode& item : node.items) {
      Level level;
      read_level(item, level);
      system.levels.push_back(std::move(level));
    }
    if (!system.levels.empty() && !names_link_share_) {
      system.device.achieved.link = system.levels.front().achieved;
    }
  }

  void read_level(const YamlNode& node, Level& level) {
    YamlMap map(reader_, node, "a level");
    level.name = map.string("name", Need::required).value_or("");
    level.count = map.integer("count", 1, kMostMembers, Need::required).value_or(1);
    level.topology = map.name<Topology>("topology", "a topology").value_or(Topology::switched);
    read_link(map, level);
    figures_.replace(map, "latency", level.latency);
    figures_.replace(map, "setup", level.setup);
    figures_.replace(map, "achieved", level.achieved);
    level.oversubscription = map.number("oversubscription", 1, 1e6).value_or(1);
    if (const YamlNode* torus = map.get("torus")) read_torus(*torus, level);
    map.finish();
  }

  /// A link that the catalog does not know is only a name where the level has its own figures.
  void read_link(YamlMap& map, Level& level) {
    const YamlNode* bandwidth = map.get("bandwidth");
    const bool complete = bandwidth != nullptr && map.get("latency") != nullptr;
    const YamlNode* link = map.get("link", complete ? Need::optional : Need::required);
    if (link != nullptr) {
      level.link_name = reader_.string(*link).value_or("");
      auto found = parts_.link(level.link_name, reader_.place(*link));
      if (found) {
        level.bandwidth = found->bandwidth;
        level.latency = found->latency;
        level.setup = found->setup;
        level.achieved = found->achieved;
        level.tunings = found->tunings;
      } else if (!complete) {
        reader_.errors(found.error());
      }
    }
    figures_.replace(map, "bandwidth", level.bandwidth);
  }

  void read_torus(const YamlNode& node, Level& level) {
    if (!node.is_list() || node.items.size() > 6) {
      reader_.error(node, "torus must be a list of at most 6 extents", "write torus: [4, 4, 8]");
      return;
    }
    for (const YamlNode& item : node.items) {
      if (const auto extent = reader_.integer(item, 1, kMostMembers))
        level.torus.push_back(*extent);
    }
  }

  void read_host(const YamlNode& node, Host& host) {
    YamlMap map(reader_, node, "host");
    replace(map, "cpu", host.cpu);
    host.sockets = map.integer("sockets", 0, 4096).value_or(host.sockets);
    figures_.replace(map, "memory", host.memory);
    figures_.replace(map, "link", host.link);
    figures_.replace(map, "power", host.power);
    map.finish();
  }

  void read_storage(const YamlNode& node, System& system) {
    if (!node.is_list()) {
      reader_.error(node, "storage must be a list", "write - {name: nvme, read: 6 GB/s}");
      return;
    }
    system.storage.clear();
    for (const YamlNode& item : node.items) {
      YamlMap map(reader_, item, "a storage");
      Storage storage;
      if (const YamlNode* kind = map.get("kind")) {
        auto found = parts_.storage(reader_.string(*kind).value_or(""), reader_.place(*kind));
        if (found) {
          storage = std::move(*found);
        } else {
          reader_.errors(found.error());
        }
      }
      storage.name = map.string("name", Need::required).value_or("");
      figures_.replace(map, "capacity", storage.capacity);
      figures_.replace(map, "read", storage.read);
      figures_.replace(map, "write", storage.write);
      map.finish();
      system.storage.push_back(std::move(storage));
    }
  }

  YamlReader& reader_;
  FigureReader figures_;
  SystemParts& parts_;
  bool names_link_share_ = false;
};

}  // namespace

Result<System> read_system_yaml(std::string_view text, const std::string& file,
                                SystemParts& parts) {
  const auto root = parse_yaml(text, file);
  if (!root) return failure(root.error());
  YamlReader reader(file);
  SystemReader system_reader(reader, parts);
  if (root->is_map() && root->find("system") == nullptr && root->find("device") != nullptr &&
      root->find("levels") == nullptr) {
    auto device = system_reader.read_device_file(*root);
    if (reader.failed() || !device) return failure(reader.take_errors());
    return system_of(std::move(*device));
  }
  auto system = system_reader.read_system(*root);
  if (reader.failed() || !system) return failure(reader.take_errors());
  return std::move(*system);
}

Result<Device> read_device_yaml(std::string_view text, const std::string& file,
                                SystemParts& parts) {
  const auto root = parse_yaml(text, file);
  if (!root) return failure(root.error());
  YamlReader reader(file);
  auto device = SystemReader(reader, parts).read_device_file(*root);
  if (reader.failed() || !device) return failure(reader.take_errors());
  return std::move(*device);
}

}  // namespace fastpath
