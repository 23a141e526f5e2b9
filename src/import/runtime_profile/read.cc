#include "import/runtime_profile/read.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fastpath {
namespace {

using nlohmann::json;

constexpr double kMicrosecond = 1e-6;
constexpr double kMostMicroseconds = 1e15;  // 30 years

/// A finite number that is a time; nothing otherwise.
std::optional<double> time_of(const json& event, const char* key) {
  const auto found = event.find(key);
  if (found == event.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  if (!std::isfinite(value) || value < 0 || value > kMostMicroseconds) return std::nullopt;
  return value;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// [{"float": [1, 3, 224, 224]}, ...] as "1x3x224x224, ..."; "scalar" for no axes.
std::string shapes_of(const json& args, const char* key) {
  std::string text;
  const auto list = args.find(key);
  if (list == args.end() || !list->is_array()) return text;
  for (const json& one : *list) {
    if (!one.is_object() || one.empty() || !one.begin()->is_array()) continue;
    if (!text.empty()) text += ", ";
    std::string shape;
    for (const json& size : *one.begin()) {
      if (!shape.empty()) shape += "x";
      shape += size.is_number_integer() ? std::to_string(size.get<std::int64_t>()) : "?";
    }
    text += shape.empty() ? "scalar" : shape;
  }
  return text;
}

/// Start and end of an execution of the model, in microseconds.
struct Window {
  double start = 0;
  double end = 0;
};

std::vector<Window> windows_of(const json& events) {
  std::vector<Window> windows;
  for (const json& event : events) {
    if (!event.is_object() || text_of(event, "cat") != "Session") continue;
    if (text_of(event, "name") != "model_run") continue;
    const auto start = time_of(event, "ts");
    const auto length = time_of(event, "dur");
    if (start && length) windows.push_back({*start, *start + *length});
  }
  std::sort(windows.begin(), windows.end(),
            [](const Window& a, const Window& b) { return a.start < b.start; });
  return windows;
}

/// The execution that holds `time`; nothing between two.
std::optional<std::size_t> window_at(const std::vector<Window>& windows, double time) {
  const auto after = std::upper_bound(windows.begin(), windows.end(), time,
                                      [](double t, const Window& w) { return t < w.start; });
  if (after == windows.begin()) return std::nullopt;
  const auto found = after - 1;
  if (time > found->end) return std::nullopt;
  return static_cast<std::size_t>(found - windows.begin());
}

std::optional<RuntimeEvent> event_of(const json& event) {
  constexpr std::string_view kEnding = "_kernel_time";
  if (!event.is_object() || text_of(event, "cat") != "Node") return std::nullopt;
  RuntimeEvent one;
  one.name = text_of(event, "name");
  if (!one.name.ends_with(kEnding)) return std::nullopt;
  one.name.resize(one.name.size() - kEnding.size());
  const auto start = time_of(event, "ts");
  const auto length = time_of(event, "dur");
  const auto args = event.find("args");
  if (!start || !length || args == event.end() || !args->is_object()) return std::nullopt;
  one.op_type = text_of(*args, "op_name");
  one.shapes = fmt::format("{} -> {}", shapes_of(*args, "input_type_shape"),
                           shapes_of(*args, "output_type_shape"));
  one.start = Seconds{*start * kMicrosecond};
  one.duration = Seconds{(*length + 0.5) * kMicrosecond};
  return one;
}

}  // namespace

Result<Imported<std::vector<RuntimeEvent>>> read_runtime_profile(std::string_view text,
                                                                 std::string_view file) {
  const Place place{std::string(file), 0, 0};
  const json events = json::parse(text, nullptr, false);
  if (!events.is_array()) {
    return failure(place, "this is not a profile of ONNX Runtime: no list of events",
                   "the file may be cut off: end the session before reading it");
  }
  const std::vector<Window> windows = windows_of(events);
  Imported<std::vector<RuntimeEvent>> result;
  std::size_t lost = 0;
  for (const json& event : events) {
    std::optional<RuntimeEvent> one = event_of(event);
    if (!one) continue;
    const auto run = window_at(windows, one->start.base() / kMicrosecond);
    if (!run) {
      ++lost;
      continue;
    }
    one->run = *run;
    result.value.push_back(std::move(*one));
  }
  if (result.value.empty()) {
    return failure(place, "the profile has no operators of an execution of the model",
                   "was the model run while it was profiled?");
  }
  if (lost > 0) {
    result.warnings.push_back(
        {place, fmt::format("{} operators outside of executions were left out", lost), {}});
  }
  std::stable_sort(result.value.begin(), result.value.end(),
                   [](const RuntimeEvent& a, const RuntimeEvent& b) { return a.start < b.start; });
  return result;
}

}  // namespace fastpath
