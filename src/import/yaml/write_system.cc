#include <algorithm>
#include <map>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include "fastpath/framework.h"

#include "base/units.h"
#include "import/yaml/located.h"
#include "import/yaml/runtime.h"
#include "import/yaml/system.h"
#include "ir/names.h"

namespace fastpath {
namespace {

using SourceKey = std::tuple<std::string, std::string, std::string, std::string>;

SourceKey key_of(const Source& source) {
  return {source.cite, source.locator, source.date, source.confidence};
}

/// Text that needs no key where it is empty.
std::string pair(std::string_view key, std::string_view text) {
  return fmt::format("{}: {}", key, yaml_scalar(text));
}

/// Writes figures; those with the file's source do not repeat it.
class Writer {
 public:
  explicit Writer(Source source) : source_(std::move(source)) {}

  const std::string& text() const { return text_; }

  void line(int indent, const std::string& content) {
    text_.append(static_cast<std::size_t>(indent) * 2, ' ').append(content).push_back('\n');
  }

  void text_line(int indent, std::string_view key, std::string_view value) {
    line(indent, pair(key, value));
  }

  template <class T>
  void figure(int indent, std::string_view key, const Figure<T>& figure) {
    line(indent, fmt::format("{}: {}", key, inline_figure(figure)));
  }
  template <class T>
  void figure(int indent, std::string_view key, const std::optional<Figure<T>>& optional) {
    if (optional) figure(indent, key, *optional);
  }

  void share(int indent, std::string_view key, const Fitted& fitted) {
    line(indent, fmt::format("{}: {{value: {}, spread: {}{}}}", key, fitted.value,
                             fitted.relative_spread, source_fields(fitted.source)));
  }

  void source_lines() {
    text_line(0, "source", source_.cite);
    text_line(0, "locator", source_.locator);
    text_line(0, "date", source_.date);
    text_line(0, "confidence", source_.confidence);
  }

 private:
  template <class T>
  std::string inline_figure(const Figure<T>& figure) {
    const std::string source = source_fields(figure.source);
    std::string value = write_quantity(figure.value);
    const bool exact = figure.low == figure.value && figure.high == figure.value;
    if (exact && source.empty()) return value;
    std::string result = "{value: " + value;
    if (!exact) {
      result += ", low: " + write_quantity(figure.low) + ", high: " + write_quantity(figure.high);
    }
    return result + source + "}";
  }

  std::string source_fields(const Source& source) {
    if (key_of(source) == key_of(source_)) return {};
    return fmt::format(", {}, {}, {}, {}", pair("source", source.cite),
                       pair("locator", source.locator), pair("date", source.date),
                       pair("confidence", source.confidence));
  }

  Source source_;
  std::string text_;
};

/// The source of most peaks and memories: the file's own.
Source usual_source(const Device& device) {
  std::map<SourceKey, int> seen;
  Source best;
  int most = 0;
  const auto count = [&](const Source& source) {
    const int times = ++seen[key_of(source)];
    if (times > most) {
      most = times;
      best = source;
    }
  };
  for (const Peak& peak : device.peaks)
    count(peak.rate.source);
  for (const Memory& memory : device.memories) {
    if (memory.bandwidth) count(memory.bandwidth->source);
    if (memory.capacity) count(memory.capacity->source);
  }
  return best;
}

void write_memory(Writer& writer, int indent, const Memory& memory) {
  writer.text_line(indent, "name", memory.name);
  writer.figure(indent, "capacity", memory.capacity);
  writer.figure(indent, "bandwidth", memory.bandwidth);
}

void write_memories(Writer& writer, const Device& device) {
  if (device.memories.empty()) return;
  writer.line(1, "memory:");
  write_memory(writer, 2, device.memories.front());
  if (device.memories.size() == 1) return;
  writer.line(1, "caches:");
  for (std::size_t i = 1; i < device.memories.size(); ++i) {
    writer.line(2, "-");
    write_memory(writer, 3, device.memories[i]);
  }
}

void write_achieved(Writer& writer, const Device& device) {
  const Achieved& achieved = device.achieved;
  writer.line(1, "achieved:");
  writer.share(2, "matmul", achieved.matmul);
  writer.share(2, "attention", achieved.attention);
  writer.share(2, "vector", achieved.vector);
  writer.share(2, "memory", achieved.memory);
  writer.share(2, "link", achieved.link);
  writer.figure(2, "launch", achieved.launch);
  writer.figure(2, "graph_launch", achieved.graph_launch);
  const auto fitted = [](const Peak& peak) { return peak.achieved.has_value(); };
  if (std::none_of(device.peaks.begin(), device.peaks.end(), fitted)) return;
  writer.line(2, "peaks:");
  for (const Peak& peak : device.peaks) {
    if (peak.achieved) writer.share(3, name_of(peak.format), *peak.achieved);
  }
}

void write_kernels(Writer& writer, std::span<const KernelEntry> kernels, int indent) {
  if (kernels.empty()) return;
  writer.line(indent, "kernels:");
  for (const KernelEntry& entry : kernels)
    writer.line(indent + 1, "- " + kernel_yaml(entry));
}

void write_device(Writer& writer, const Device& device) {
  writer.line(0, "device:");
  writer.text_line(1, "id", device.id);
  writer.text_line(1, "name", device.name);
  writer.text_line(1, "vendor", device.vendor);
  writer.text_line(1, "kind", device.kind);
  if (device.year) writer.line(1, fmt::format("year: {}", *device.year));
  if (!device.peaks.empty()) writer.line(1, "peaks:");
  for (const Peak& peak : device.peaks)
    writer.figure(2, name_of(peak.format), peak.rate);
  write_memories(writer, device);
  write_kernels(writer, device.kernels, 1);
  if (device.link || !device.link_name.empty()) {
    writer.line(1, "link:");
    writer.text_line(2, "name", device.link_name);
    writer.figure(2, "bandwidth", device.link);
  }
  writer.figure(1, "clock", device.clock);
  writer.figure(1, "power", device.power);
  writer.figure(1, "price", device.price);
  writer.figure(1, "rent", device.rent);
  writer.text_line(1, "units", device.units);
  writer.text_line(1, "notes", device.notes);
  write_achieved(writer, device);
}

void write_level(Writer& writer, const Level& level) {
  writer.line(1, "- " + pair("name", level.name));
  writer.line(2, fmt::format("count: {}", level.count));
  writer.line(2, fmt::format("topology: {}", name_of(level.topology)));
  if (!level.torus.empty()) {
    std::string extents;
    for (const std::int64_t extent : level.torus)
      extents += fmt::format("{}{}", extents.empty() ? "" : ", ", extent);
    writer.line(2, "torus: [" + extents + "]");
  }
  if (!level.link_name.empty()) writer.text_line(2, "link", level.link_name);
  writer.figure(2, "bandwidth", level.bandwidth);
  writer.figure(2, "latency", level.latency);
  writer.figure(2, "setup", level.setup);
  writer.share(2, "achieved", level.achieved);
  if (level.oversubscription != 1) {
    writer.line(2, fmt::format("oversubscription: {}", level.oversubscription));
  }
}

void write_host(Writer& writer, const Host& host) {
  writer.line(0, "host:");
  writer.text_line(1, "cpu", host.cpu);
  writer.line(1, fmt::format("sockets: {}", host.sockets));
  writer.figure(1, "memory", host.memory);
  writer.figure(1, "link", host.link);
  writer.figure(1, "power", host.power);
}

}  // namespace

std::string kernel_yaml(const KernelEntry& entry) {
  std::string text = fmt::format("{{class: {}, format: \"{}\", library: \"{}\"",
                                 name_of(entry.kernel_class), entry.format, entry.library);
  for (std::size_t i = 0; i < kKernelParameters; ++i) {
    const KernelParameterInfo& parameter = info(static_cast<KernelParameter>(i));
    const double value = entry.parameters.values[i];
    text += fmt::format(
        ", {}: {}", parameter.name,
        parameter.unit == "s" ? write_quantity(Seconds{value}) : fmt::format("{}", value));
  }
  text += fmt::format(", spread: {}, rows: {}", entry.spread, entry.rows);
  if (entry.high > 0) text += fmt::format(", low: {}, high: {}", entry.low, entry.high);
  if (entry.longest > Seconds{}) {
    text += fmt::format(", shortest: {:.6g} us, longest: {:.6g} us", entry.shortest.base() * 1e6,
                        entry.longest.base() * 1e6);
  }
  return text + '}';
}

std::string write_system_yaml(const System& system) {
  Writer writer(usual_source(system.device));
  writer.text_line(0, "system", system.id);
  writer.text_line(0, "name", system.name);
  writer.source_lines();
  write_device(writer, system.device);
  if (!system.levels.empty()) writer.line(0, "levels:");
  for (const Level& level : system.levels)
    write_level(writer, level);
  write_host(writer, system.host);
  if (!system.storage.empty()) writer.line(0, "storage:");
  for (const Storage& storage : system.storage) {
    writer.line(1, "- " + pair("name", storage.name));
    writer.figure(2, "capacity", storage.capacity);
    writer.figure(2, "read", storage.read);
    writer.figure(2, "write", storage.write);
  }
  writer.figure(0, "rent", system.rent);
  if (system.power_overhead != 1) {
    writer.line(0, fmt::format("power_overhead: {}", system.power_overhead));
  }
  writer.text_line(0, "notes", system.notes);
  if (system.framework && system.framework->runtime) {
    for (const std::string& line : runtime_lines(*system.framework->runtime))
      writer.line(0, line);
  }
  return writer.text();
}

}  // namespace fastpath
