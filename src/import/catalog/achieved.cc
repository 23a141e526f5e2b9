#include "import/catalog/achieved.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"

namespace fastpath {
namespace {

constexpr std::string_view kAssumed = "assumed: not measured on this device or one like it";

const std::vector<std::string>& parameters() {
  static const std::vector<std::string> all = {"matmul",      "matmul:fp8", "matmul:fp4",
                                               "matmul:int8", "attention",  "vector",
                                               "memory",      "launch",     "graph_launch"};
  return all;
}

std::string_view parameter_of(NumberFormat format) {
  switch (format) {
    case NumberFormat::fp8:
    case NumberFormat::mxfp8: return "matmul:fp8";
    case NumberFormat::fp4:
    case NumberFormat::mxfp4:
    case NumberFormat::nvfp4: return "matmul:fp4";
    case NumberFormat::int8: return "matmul:int8";
    default: return {};
  }
}

/// Launch times where nothing is measured: the range of the measured GPUs.
Figure<Seconds> assumed_time(double value, double low, double high) {
  return {Seconds{value}, Seconds{low}, Seconds{high}, {std::string(kAssumed), {}, {}, "assumed"}};
}

}  // namespace

Result<AchievedTable::Value> AchievedTable::read(const CatalogTable& table, std::size_t row) {
  Value value;
  Diagnostics errors;
  const std::string parameter(table.text(row, "parameter"));
  const Place place = table.place(row, "value");
  if (std::find(parameters().begin(), parameters().end(), parameter) == parameters().end()) {
    return failure(table.place(row, "parameter"), fmt::format("unknown parameter '{}'", parameter),
                   did_you_mean(parameter, parameters()));
  }
  if (parameter.ends_with("launch")) {
    const auto time = parse_quantity<Seconds>(table.text(row, "value"), place);
    if (!time) return failure(time.error());
    value.value = time->base();
  } else if (const auto share = table.range(row, "value", errors)) {
    value.value = share->at(0);
    if (value.value <= 0 || value.value > 1.25) {
      errors.push_back({place, "achieved is a share: it must lie between 0 and 1.25", {}});
    }
  }
  if (const auto spread = table.range(row, "spread", errors)) value.spread = spread->at(0);
  if (!errors.empty()) return failure(std::move(errors));
  value.source = {std::string(table.text(row, "source")),
                  fmt::format("{}, {} rows, {}", table.text(row, "method"), table.text(row, "rows"),
                              table.text(row, "scope")),
                  std::string(table.text(row, "date")), "fitted"};
  return value;
}

Result<AchievedTable> AchievedTable::parse(std::string_view text, const std::string& file) {
  const auto table = CatalogTable::parse(
      text, file, {"scope", "parameter", "value", "spread", "rows", "source", "method", "date"});
  if (!table) return failure(table.error());
  AchievedTable achieved;
  Diagnostics errors;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    auto value = read(*table, row);
    if (!value) {
      errors.insert(errors.end(), value.error().begin(), value.error().end());
      continue;
    }
    achieved.values_[{std::string(table->text(row, "scope")),
                      std::string(table->text(row, "parameter"))}] = std::move(*value);
  }
  if (!errors.empty()) return failure(std::move(errors));
  return achieved;
}

void AchievedTable::add(const AchievedTable& later) {
  for (const auto& [key, value] : later.values_)
    values_[key] = value;
}

const AchievedTable::Value* AchievedTable::find(const std::vector<std::string>& scopes,
                                                std::string_view parameter) const {
  for (const std::string& scope : scopes) {
    const auto found = values_.find({scope, std::string(parameter)});
    if (found != values_.end()) return &found->second;
  }
  return nullptr;
}

void AchievedTable::apply(Device& device, std::string_view family) const {
  device.family = family;
  std::vector<std::string> scopes = {device.id};
  if (!family.empty()) scopes.push_back(fmt::format("family:{}", family));
  // Phones' accelerators are nothing like the data centre's.
  if (family != "npu") scopes.push_back("kind:" + device.kind);
  Achieved& achieved = device.achieved;
  const std::array<std::pair<std::string_view, Fitted*>, 4> shares = {
      {{"matmul", &achieved.matmul},
       {"attention", &achieved.attention},
       {"vector", &achieved.vector},
       {"memory", &achieved.memory}}};
  for (const auto& [name, share] : shares) {
    const Value* value = find(scopes, name);
    if (value != nullptr) {
      *share = {value->value, value->spread, value->source};
    } else if (share->source.cite.empty()) {
      share->source = {std::string(kAssumed), {}, {}, "assumed"};
    }
  }
  for (Peak& peak : device.peaks) {
    const std::string_view name = parameter_of(peak.format);
    const Value* value = name.empty() ? nullptr : find(scopes, name);
    if (value != nullptr) peak.achieved = Fitted{value->value, value->spread, value->source};
  }
  const auto time = [&](std::string_view name, Figure<Seconds> otherwise) -> Figure<Seconds> {
    const Value* value = find(scopes, name);
    if (value == nullptr) return otherwise;
    const Seconds t{value->value};
    return {t, t * std::max(1 - value->spread, 0.0), t * (1 + value->spread), value->source};
  };
  achieved.launch = time("launch", assumed_time(5e-6, 1e-6, 10e-6));
  achieved.graph_launch = time("graph_launch", assumed_time(2e-6, 1e-6, 3e-6));
}

}  // namespace fastpath
