#include "cli/machine_system.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ir/operator_shape.h"
#include "validate/catalog_entries.h"
#include "validate/cross_validate.h"

namespace fastpath::cli {
namespace {

/// More digits than a spread leaves meaning to are noise to a reader of the file.
double rounded(double value) {
  return value > 0 ? std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr) : 0;
}

template <class Q>
Figure<Q> figure(const Repeated& measured, const Source& source) {
  const double half = measured.median * measured.spread;
  return {Q{rounded(measured.median)}, Q{rounded(measured.median - half)},
          Q{rounded(measured.median + half)}, source};
}

bool is_product(const MeasuredKernel& kernel) {
  return std::holds_alternative<MatmulSize>(kernel.setting.size);
}

/// The fastest of a format, on as many threads as are fastest.
const MeasuredKernel* fastest(const MeasuredMachine& machine, NumberFormat format,
                              bool products_alone = false) {
  const MeasuredKernel* found = nullptr;
  for (const MeasuredKernel& one : machine.kernels) {
    if (one.setting.format != format || (products_alone && !is_product(one))) continue;
    if (found == nullptr || one.rate.median > found->rate.median) found = &one;
  }
  return found;
}

const Repeated& of(const Bandwidths& bandwidths, MemoryStream stream) {
  return bandwidths[static_cast<std::size_t>(stream)];
}

void add_memories(Device& device, const MeasuredMachine& machine, const Source& source) {
  for (auto level = machine.levels.rbegin(); level != machine.levels.rend(); ++level) {
    Memory memory;
    const std::ptrdiff_t depth = machine.levels.rend() - level;
    memory.name = level->main_memory ? "main memory" : fmt::format("cache {}", depth);
    memory.capacity = Figure<Bytes>{level->capacity, level->capacity, level->capacity, source};
    const Bandwidths& bandwidths = level->main_memory ? machine.memory_by_all : level->bandwidths;
    memory.bandwidth = figure<BytesPerSecond>(of(bandwidths, MemoryStream::read), source);
    device.memories.push_back(std::move(memory));
  }
}

/// Of the peak in fp32, what the fastest product reaches: for kernels without an entry.
Fitted product_share(const MeasuredMachine& machine, const Source& source) {
  const MeasuredKernel* const product = fastest(machine, NumberFormat::fp32, true);
  if (product == nullptr) return {.value = 1, .relative_spread = 1, .source = source};
  const Repeated& peak = fastest(machine, NumberFormat::fp32)->rate;
  return {.value = rounded(product->rate.median / peak.median),
          .relative_spread = rounded(std::hypot(product->rate.spread, peak.spread)),
          .source = source};
}

/// Of the bandwidth of reads, what is left where a kernel reads and writes.
Fitted memory_share(const MeasuredMachine& machine, const Source& source) {
  const Repeated& read = of(machine.memory_by_all, MemoryStream::read);
  const Repeated& triad = of(machine.memory_by_all, MemoryStream::triad);
  if (!(read.median > 0)) return {.value = 1, .relative_spread = 1, .source = source};
  return {.value = rounded(std::min(triad.median / read.median, 1.0)),
          .relative_spread = rounded(std::hypot(read.spread, triad.spread)),
          .source = source};
}

std::vector<double> list(std::initializer_list<std::int64_t> numbers) {
  return {numbers.begin(), numbers.end()};
}

/// As PyTorch would call it.
OperatorCall call_of(const MatmulSize& size, NumberFormat format) {
  return {"aten::mm", {list({size.m, size.k}), list({size.k, size.n})}, {}, format};
}

OperatorCall call_of(const ConvolutionSize& size, NumberFormat format) {
  const double window = static_cast<double>(size.window);
  const double stride = static_cast<double>(size.stride);
  const double padding = std::floor(window / 2);
  const double groups = static_cast<double>(size.groups);
  return {"aten::convolution",
          {list({1, size.channels, size.height, size.height}),
           list({size.filters, size.channels / size.groups, size.window, size.window})},
          {{}, {}, {}, {stride, stride}, {padding, padding}, {1, 1}, {0}, {0, 0}, {groups}},
          format};
}

std::optional<Measurement> measurement_of(const MeasuredKernel& kernel, const std::string& device) {
  const NumberFormat format = kernel.setting.format;
  auto shape = operator_shape(
      std::visit([&](const auto& size) { return call_of(size, format); }, kernel.setting.size));
  if (!shape || !(kernel.rate.median > 0)) return std::nullopt;
  shape->winograd = kernel.implementation.find("wino") != std::string::npos;
  const bool product = is_product(kernel);
  if (product && format == NumberFormat::int8) shape->write = 4 * shape->write;  // sums of 32 bits
  Measurement row;
  row.id = name_of(kernel.setting.size);
  row.device = device;
  row.kind = product ? "gemm" : "conv_fwd";
  row.format = format_key(format);
  row.library = "onednn";
  row.kernel_class = kernel_class_of(*shape);
  row.time = shape->work / FlopsPerSecond{kernel.rate.median};
  row.parts = {*shape};
  return row;
}

/// `device` has its peaks and memories.
std::vector<KernelEntry> entries_of(const MeasuredMachine& machine, const Device& device) {
  std::vector<Measurement> measurements;
  for (const MeasuredKernel& kernel : machine.kernels) {
    if (kernel.setting.threads != machine.cores) continue;
    if (auto row = measurement_of(kernel, device.id)) measurements.push_back(std::move(*row));
  }
  const DeviceTable devices{
      {device.id, {DeviceRates(device), device.id, device.family, device.kind}}};
  const Usable usable = usable_rows(measurements, devices);
  if (usable.rows.empty()) return {};
  std::vector<KernelEntry> entries;
  for (ScopedEntry& scoped : catalog_entries(usable.rows)) {
    if (scoped.scope == device.id) entries.push_back(std::move(scoped.entry));
  }
  for (KernelEntry& entry : entries) {
    for (double* value : {&entry.spread, &entry.low, &entry.high})
      *value = rounded(*value);
    for (double& value : entry.parameters.values)
      value = rounded(value);
  }
  return entries;
}

}  // namespace

System system_of(const MeasuredMachine& machine, const std::string& name) {
  const Source source{
      .cite = "fastpath measure",
      .locator = fmt::format("{}, load average {:.1f}", machine.library, machine.load),
      .date = machine.date,
      .confidence = "measured"};
  System system;
  system.id = name;
  system.name = machine.cpu;
  Device& device = system.device;
  device.id = name + "-cpu";
  device.name = machine.cpu;
  device.kind = "cpu";
  device.units = fmt::format("{} cores", machine.cores);
  for (const NumberFormat format :
       {NumberFormat::fp32, NumberFormat::bf16, NumberFormat::fp16, NumberFormat::int8}) {
    if (const MeasuredKernel* one = fastest(machine, format)) {
      device.peaks.push_back({format, figure<FlopsPerSecond>(one->rate, source), std::nullopt});
    }
  }
  add_memories(device, machine, source);
  device.achieved.matmul = product_share(machine, source);
  device.achieved.memory = memory_share(machine, source);
  device.achieved.launch = figure<Seconds>(machine.call, source);
  device.achieved.graph_launch = device.achieved.launch;
  device.kernels = entries_of(machine, device);
  return system;
}

}  // namespace fastpath::cli
