#include "whatif/kernel_scales.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "ir/operator_shape.h"

namespace fastpath {
namespace {

bool contracts(std::string_view kernel_class) {
  return kernel_class == "gemm" || kernel_class == "convolution" || kernel_class == "attention";
}

bool contracts(OpKind kind) {
  return kind == OpKind::matmul || kind == OpKind::convolution || kind == OpKind::attention;
}

/// An operator of a class whose size is `size`: what a kernel without known shapes is taken for.
OpShape stand_in(std::string_view kernel_class, double size) {
  constexpr double kBytes = 2;
  OpShape shape;
  if (kernel_class == "attention") {
    constexpr double kHeadDim = 128;
    constexpr double kHeads = 16;
    shape.kind = OpKind::attention;
    shape.m = shape.n = size;
    shape.k = kHeadDim;
    shape.batch = kHeads;
    shape.work = Flops{4 * kHeads * size * size * kHeadDim};
    shape.read = Bytes{3 * kBytes * kHeads * size * kHeadDim};
    shape.write = Bytes{kBytes * kHeads * size * kHeadDim};
  } else if (contracts(kernel_class)) {
    shape.kind = OpKind::matmul;
    shape.m = shape.n = shape.k = size;
    shape.work = Flops{2 * size * size * size};
    shape.read = Bytes{2 * kBytes * size * size};
    shape.write = Bytes{kBytes * size * size};
  } else {
    shape.kind = OpKind::elementwise;
    shape.m = size;
    shape.work = Flops{size * size};
    shape.read = Bytes{kBytes * size * size};
    shape.write = Bytes{kBytes * size * size};
  }
  return shape;
}

/// The stand-in that takes `time` on the device.
OpShape stand_in_of_time(std::string_view kernel_class, Seconds time, const DeviceModel& device) {
  double low = std::log(16.0);
  double high = std::log(65536.0);
  constexpr int kHalvings = 24;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    const bool longer = device.cost(stand_in(kernel_class, std::exp(middle))).time > time;
    (longer ? high : low) = middle;
  }
  return stand_in(kernel_class, std::exp(low));
}

OpShape in_format(OpShape shape, NumberFormat format) {
  if (!contracts(shape.kind)) return shape;
  shape.read *= bytes_per_element(format).base() / bytes_per_element(shape.compute_format).base();
  shape.compute_format = format;
  return shape;
}

RelativeInterval of_ratio(const RelativeInterval& above, const RelativeInterval& below) {
  const auto half = [](double a, double b) {
    return std::sqrt(std::pow(std::log(a), 2) + std::pow(std::log(b), 2));
  };
  // A ratio is high where what stands below is low.
  return {std::exp(-half(above.low, below.high)), std::exp(half(above.high, below.low)),
          std::min(above.rows, below.rows), above.extrapolating || below.extrapolating};
}

struct Change {
  double factor = 1;
  RelativeInterval interval{1, 1, 0, false};
};

/// Cost functions of the device of the trace and of the one asked for.
class SwapModels {
 public:
  SwapModels(const Edits& edits, const SwapDevices& devices)
      : edits_(edits),
        from_(*devices.from, Execution::graph),
        to_(*devices.to, Execution::graph),
        same_(devices.from == devices.to) {}

  Change change(const OpShape& shape) const {
    const OpShape after = edits_.format ? in_format(shape, *edits_.format) : shape;
    const bool formats = edits_.format && contracts(shape.kind);
    if (same_ && !formats) return {};
    const RelativeInterval above = to_.relative_interval(after);
    const RelativeInterval below = from_.relative_interval(shape);
    return {to_.cost(after).time / from_.cost(shape).time, of_ratio(above, below)};
  }

  Change change_of_class(const std::string& kernel_class, Picoseconds duration) {
    // Durations within 5 % share a stand-in.
    const auto bin =
        static_cast<int>(std::log(std::max<double>(1, static_cast<double>(duration))) * 20);
    const auto [found, added] = by_class_.try_emplace({kernel_class, bin});
    if (added) {
      const Seconds time{static_cast<double>(duration) * 1e-12};
      found->second = change(stand_in_of_time(kernel_class, time, from_));
    }
    return found->second;
  }

 private:
  const Edits& edits_;
  DeviceModel from_;
  DeviceModel to_;
  bool same_;
  std::map<std::pair<std::string, int>, Change> by_class_;
};

class ScaleFinder {
 public:
  ScaleFinder(const TraceIndex& index, const Edits& edits, const SwapDevices& devices,
              const std::vector<KernelRule>& rules)
      : index_(index), edits_(edits), rules_(rules) {
    if (edits.models()) models_.emplace(edits, devices);
    const std::size_t events = index.trace->events.size();
    scales_.times.work.assign(events, 1);
    scales_.times.fused.assign(events, false);
    scales_.times.launch = edits.launch;
    scales_.times.host = edits.host;
    scales_.times.no_sync = edits.no_sync;
    scales_.class_of.resize(events);
    scales_.interval.assign(events, {1, 1, 0, false});
    scales_.by_shape.assign(events, false);
    scales_.by_class.assign(events, false);
    used_.assign(edits.kernels.size(), false);
    for (const std::uint32_t i : index.host) {
      const TraceEvent& event = index.event(i);
      if (event.kind == EventKind::op && event.external >= 0) by_external_[event.external] = i;
    }
  }

  Result<KernelScales> run() {
    for (const Work& work : index_.work)
      scale(work);
    if (edits_.fuse) fuse();
    Diagnostics mistakes;
    for (const std::string& name : edits_.unwaited)
      remove_waits(name, mistakes);
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (used_[i] || edits_.kernels[i].name.empty()) continue;
      mistakes.push_back({{.file = "what-if"},
                          fmt::format("no kernel is of class or has {} in its name",
                                      in_quotes(edits_.kernels[i].name)),
                          did_you_mean(edits_.kernels[i].name, classes())});
    }
    if (!mistakes.empty()) return failure(std::move(mistakes));
    return std::move(scales_);
  }

 private:
  void scale(const Work& work) {
    const std::string_view name = index_.name(work.event);
    const std::string kernel_class(work.kind == WorkClass::compute ? kernel_class_of(name)
                                                                   : name_of(work.kind));
    double& factor = scales_.times.work[work.event];
    scales_.class_of[work.event] = kernel_class;
    if (work.kind == WorkClass::communication) factor *= edits_.communication;
    if (work.kind == WorkClass::copy) factor *= edits_.copies;
    if (work.kind == WorkClass::compute && models_) apply_models(work.event, kernel_class);
    for (std::size_t i = 0; i < edits_.kernels.size(); ++i) {
      const KernelEdit& edit = edits_.kernels[i];
      const bool all = edit.name.empty() && work.kind == WorkClass::compute;
      const bool named = !edit.name.empty() && (edit.name == kernel_class ||
                                                name.find(edit.name) != std::string_view::npos);
      if (!all && !named) continue;
      factor *= edit.factor;
      used_[i] = true;
    }
  }

  /// Of calls that have `name` in their name, or are inside of such an operator or range.
  void remove_waits(const std::string& name, Diagnostics& mistakes) {
    std::vector<bool>& unwaited = scales_.times.unwaited;
    unwaited.resize(index_.trace->events.size(), false);
    bool found = false;
    for (const std::uint32_t call : index_.host) {
      if (index_.event(call).kind != EventKind::runtime) continue;
      if (!waits_for_device(index_.name(call))) continue;
      for (std::uint32_t i = call; i != kNone; i = index_.parent[i]) {
        if (index_.name(i).find(name) == std::string_view::npos) continue;
        unwaited[call] = found = true;
        break;
      }
    }
    if (found) return;
    mistakes.push_back(
        {{.file = "what-if"},
         fmt::format("no call that waits for a device has {} in its name or around it",
                     in_quotes(name)),
         "such as sync:aten::item=off"});
  }

  std::string_view kernel_class_of(std::string_view name) const {
    return fastpath::kernel_class(name, rules_);
  }

  void apply_models(std::uint32_t event, const std::string& kernel_class) {
    const std::optional<OpShape> shape = shape_of(event);
    // Kernels that convert layouts for an operator are none of its own.
    const bool fits = shape && contracts(shape->kind) == contracts(kernel_class);
    const Change change =
        fits ? models_->change(*shape)
             : models_->change_of_class(kernel_class, index_.event(event).duration);
    scales_.times.work[event] *= change.factor;
    scales_.interval[event] = change.interval;
    const bool changed = change.factor != 1;
    scales_.by_shape[event] = changed && fits;
    scales_.by_class[event] = changed && !fits;
  }

  std::uint32_t operator_of(std::uint32_t event) const {
    const std::uint32_t launch = launch_of_[event];
    const std::uint32_t owner = launch == kNone ? kNone : index_.operator_of(launch);
    if (owner != kNone) return owner;
    const auto found = by_external_.find(index_.event(event).external);
    return found == by_external_.end() ? kNone : found->second;
  }

  std::optional<OpShape> shape_of(std::uint32_t event) {
    if (launch_of_.empty()) {
      launch_of_.assign(index_.trace->events.size(), kNone);
      for (const Work& work : index_.work)
        launch_of_[work.event] = work.launch;
    }
    const std::uint32_t owner = operator_of(event);
    if (owner == kNone || index_.event(owner).detail == kNone) return std::nullopt;
    const OpDetail& detail = index_.trace->ops[index_.event(owner).detail];
    if (detail.shapes == kNone || detail.types == kNone) return std::nullopt;
    const std::array key{index_.event(owner).name, detail.shapes, detail.types, detail.values};
    const auto [found, added] = shapes_.try_emplace(key);
    if (added) {
      found->second = operator_shape(
          index_.name(owner), index_.trace->names[detail.shapes], index_.trace->names[detail.types],
          detail.values == kNone ? std::string_view() : index_.trace->names[detail.values]);
    }
    return found->second;
  }

  /// A run of neighbours takes as long as its longest: each reads and writes what the next does.
  void fuse() {
    std::map<std::uint32_t, std::uint32_t> head_of_lane;
    for (const Work& work : index_.work) {
      const std::uint32_t lane = index_.event(work.event).lane;
      const bool fits = scales_.class_of[work.event] == "elementwise";
      const auto head = head_of_lane.find(lane);
      if (!fits || head == head_of_lane.end()) {
        if (head != head_of_lane.end()) head_of_lane.erase(head);
        if (fits) head_of_lane[lane] = work.event;
        continue;
      }
      const std::uint32_t first = head->second;
      const auto first_time = static_cast<double>(index_.event(first).duration);
      const double own =
          scales_.times.work[work.event] * static_cast<double>(index_.event(work.event).duration);
      if (first_time > 0) {
        scales_.times.work[first] = std::max(scales_.times.work[first], own / first_time);
      }
      scales_.times.work[work.event] = 0;
      scales_.times.fused[work.event] = true;
    }
  }

  std::vector<std::string> classes() const {
    std::vector<std::string> names = scales_.class_of;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::erase(names, "");
    return names;
  }

  const TraceIndex& index_;
  const Edits& edits_;
  const std::vector<KernelRule>& rules_;
  std::optional<SwapModels> models_;
  KernelScales scales_;
  std::vector<bool> used_;
  std::vector<std::uint32_t> launch_of_;
  std::unordered_map<std::int64_t, std::uint32_t> by_external_;
  std::map<std::array<std::uint32_t, 4>, std::optional<OpShape>> shapes_;
};

}  // namespace

Result<KernelScales> kernel_scales(const TraceIndex& index, const Edits& edits,
                                   const SwapDevices& devices,
                                   const std::vector<KernelRule>& rules) {
  for (const Device* device : {devices.from, devices.to}) {
    if (!edits.models()) break;
    if (device == nullptr || !device->has_data_sheet()) {
      return failure({.file = "what-if"},
                     device == nullptr ? std::string("the device of the trace is not known")
                                       : fmt::format("'{}' has no data sheet", device->id),
                     "name one of the catalog: --device nvidia-h100-sxm-80gb");
    }
  }
  return ScaleFinder(index, edits, devices, rules).run();
}

}  // namespace fastpath
