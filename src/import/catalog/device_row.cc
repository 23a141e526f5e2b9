#include "import/catalog/device_row.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ir/names.h"
#include "ir/system.h"

namespace fastpath {
namespace {

struct NamedCache {
  std::string_view column;
  std::string_view name;
};

/// From main memory inwards.
constexpr std::array<NamedCache, 5> kCaches = {{{"llc", "LLC"},
                                                {"l3", "L3"},
                                                {"l2", "L2"},
                                                {"sram", "SRAM"},
                                                {"l1 per core", "L1 of a core"}}};

void read_peaks(const CatalogTable& table, std::size_t row, const Source& source, Device& device,
                Diagnostics& errors) {
  for (const auto& [name, format] : kNumberFormatNames) {
    if (auto rate = table.figure<FlopsPerSecond>(row, name, source, errors)) {
      device.peaks.push_back({format, std::move(*rate), std::nullopt});
    }
  }
}

/// The rate of another part of the chip, as its only peak.
void read_part_peak(const CatalogTable& table, std::size_t row, ChipPart part, Device& device,
                    Diagnostics& errors) {
  const bool gpu = part == ChipPart::gpu;
  const Source source = table.source(row);
  if (auto rate =
          table.figure<FlopsPerSecond>(row, gpu ? "gpu fp32" : "npu int8", source, errors)) {
    device.peaks.push_back(
        {gpu ? NumberFormat::fp32 : NumberFormat::int8, std::move(*rate), std::nullopt});
  }
  device.kind = gpu ? "gpu" : "asic";
  device.id += gpu ? ".gpu" : ".npu";
  const std::string_view gpu_name = table.text(row, "gpu");
  device.units.clear();
  device.name += gpu ? (gpu_name.empty() ? " GPU" : fmt::format(" {}", gpu_name)) : " NPU";
  device.clock.reset();  // the CPU's
}

void read_memories(const CatalogTable& table, std::size_t row, const Source& source, ChipPart part,
                   Device& device, Diagnostics& errors) {
  Memory main;
  main.name = std::string(table.text(row, "memory"));
  main.capacity = table.figure<Bytes>(row, "capacity", source, errors);
  main.bandwidth = table.figure<BytesPerSecond>(row, "bandwidth", source, errors);
  if (main.name.empty()) main.name = "memory";
  device.memories.push_back(std::move(main));
  if (part != ChipPart::own) return;  // the caches are the CPU's
  for (const NamedCache& cache : kCaches) {
    if (auto capacity = table.figure<Bytes>(row, cache.column, source, errors)) {
      device.memories.push_back({std::string(cache.name), std::move(capacity), std::nullopt});
    }
  }
}

std::string units_of(const CatalogTable& table, std::size_t row) {
  const std::string_view cores = table.text(row, "cores");
  return std::string(cores.empty() ? table.text(row, "units") : cores);
}

/// The physical mistakes of what was read, at the row's id.
template <class T>
Result<T> checked(T value, const std::vector<std::string>& mistakes, const Place& place,
                  Diagnostics errors) {
  if (errors.empty()) {
    for (const std::string& mistake : mistakes)
      errors.push_back({place, mistake, {}});
  }
  if (!errors.empty()) return failure(std::move(errors));
  return value;
}

}  // namespace

const std::vector<std::string>& device_columns() {
  static const std::vector<std::string> columns = [] {
    std::vector<std::string> all = {
        "id",       "name",      "vendor", "kind",  "family",   "year",           "memory",
        "capacity", "bandwidth", "llc",    "l3",    "l2",       "sram",           "l1 per core",
        "units",    "cores",     "isa",    "clock", "link",     "link bandwidth", "host link",
        "power",    "price",     "rent",   "gpu",   "gpu fp32", "npu int8",       "confidence",
        "source",   "locator",   "date",   "notes"};
    for (const auto& [name, format] : kNumberFormatNames)
      all.emplace_back(name);
    return all;
  }();
  return columns;
}

const std::vector<std::string>& link_columns() {
  static const std::vector<std::string> columns = {"id",     "name",     "bandwidth", "latency",
                                                   "setup",  "achieved", "spread",    "confidence",
                                                   "source", "locator",  "date",      "notes"};
  return columns;
}

const std::vector<std::string>& storage_columns() {
  static const std::vector<std::string> columns = {
      "id",        "name",       "kind",  "capacity",     "read",         "write",
      "read rate", "write rate", "jobs",  "block",        "confidence",   "source",
      "locator",   "date",       "notes", "read latency", "write latency"};
  return columns;
}

bool has_part(const CatalogTable& table, std::size_t row, ChipPart part) {
  if (part == ChipPart::own) return true;
  return !table.text(row, part == ChipPart::gpu ? "gpu fp32" : "npu int8").empty();
}

Result<Device> read_device_row(const CatalogTable& table, std::size_t row, ChipPart part) {
  Diagnostics errors;
  const Source source = table.source(row);
  Device device;
  device.id = std::string(table.text(row, "id"));
  device.name = std::string(table.text(row, "name"));
  device.vendor = std::string(table.text(row, "vendor"));
  device.kind = std::string(table.text(row, "kind"));
  device.units = units_of(table, row);
  device.notes = std::string(table.text(row, "notes"));
  if (const auto year = table.range(row, "year", errors))
    device.year = static_cast<int>(year->at(0));
  device.clock = table.figure<Hertz>(row, "clock", source, errors);
  device.power = table.figure<Watts>(row, "power", source, errors);
  device.price = table.figure<Dollars>(row, "price", source, errors);
  device.rent = table.figure<DollarsPerSecond>(row, "rent", source, errors);
  if (part == ChipPart::own) {
    read_peaks(table, row, source, device, errors);
    device.link_name = std::string(table.text(row, "link"));
    device.link = table.figure<BytesPerSecond>(row, "link bandwidth", source, errors);
  } else {
    read_part_peak(table, row, part, device, errors);
  }
  read_memories(table, row, source, part, device, errors);
  const std::vector<std::string> mistakes = mistakes_in(device);
  return checked(std::move(device), mistakes, table.place(row, "id"), std::move(errors));
}

std::string family_of_row(const CatalogTable& table, std::size_t row, ChipPart part) {
  if (part == ChipPart::own) return std::string(table.text(row, "family"));
  if (part == ChipPart::npu) return "npu";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kFamilies = {
      {{"Mali", "mali"},
       {"Immortalis", "mali"},
       {"Adreno", "adreno"},
       {"PowerVR", "powervr"},
       {"Apple", "apple"},
       {"UHD", "intel-gen"},
       {"HD Graphics", "intel-gen"},
       {"Radeon", "gcn5"}}};
  const std::string_view gpu = table.text(row, "gpu");
  for (const auto& [word, family] : kFamilies) {
    if (gpu.find(word) != std::string_view::npos) return std::string(family);
  }
  return {};
}

Result<Link> read_link_row(const CatalogTable& table, std::size_t row) {
  Diagnostics errors;
  const Source source = table.source(row);
  Link link;
  link.id = std::string(table.text(row, "id"));
  link.name = std::string(table.text(row, "name"));
  const auto bandwidth = table.figure<BytesPerSecond>(row, "bandwidth", source, errors);
  link.bandwidth = bandwidth.value_or(Figure<BytesPerSecond>{});
  link.latency = table.figure<Seconds>(row, "latency", source, errors).value_or(Figure<Seconds>{});
  link.setup = table.figure<Seconds>(row, "setup", source, errors).value_or(Figure<Seconds>{});
  const auto achieved = table.range(row, "achieved", errors);
  const auto spread = table.range(row, "spread", errors);
  link.achieved.source = {source.cite, std::string(table.text(row, "notes")), source.date,
                          "fitted"};
  if (achieved) link.achieved.value = achieved->at(0);
  if (spread) link.achieved.relative_spread = spread->at(0);
  std::vector<std::string> mistakes;
  if (!bandwidth || bandwidth->value.base() <= 0) mistakes.emplace_back("a link needs a bandwidth");
  if (link.achieved.value <= 0 || link.achieved.value > 1.25) {
    mistakes.emplace_back("achieved is a share: it must lie between 0 and 1.25");
  }
  return checked(std::move(link), mistakes, table.place(row, "id"), std::move(errors));
}

Result<Storage> read_storage_row(const CatalogTable& table, std::size_t row) {
  Diagnostics errors;
  const Source source = table.source(row);
  Storage storage;
  storage.name = std::string(table.text(row, "name"));
  storage.capacity = table.figure<Bytes>(row, "capacity", source, errors);
  storage.read = table.figure<BytesPerSecond>(row, "read", source, errors);
  storage.write = table.figure<BytesPerSecond>(row, "write", source, errors);
  return checked(std::move(storage), {}, table.place(row, "id"), std::move(errors));
}

}  // namespace fastpath
