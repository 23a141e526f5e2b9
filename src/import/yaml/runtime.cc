#include "import/yaml/runtime.h"

#include <fmt/format.h>

namespace fastpath {
namespace {

constexpr double kMostSize = 1e15;
constexpr std::int64_t kMostThreads = 65536;
constexpr double kMostFactor = 1000;

std::optional<RuntimePoint> read_point(YamlReader& reader, const YamlNode& node) {
  YamlMap map(reader, node, "a measured operator");
  const auto name = map.string("kernel", Need::required);
  const auto kernel = name ? parse_runtime_kernel(*name) : std::nullopt;
  if (name && !kernel) reader.error(node, "unknown kernel '" + *name + "'");
  RuntimePoint point;
  point.m = map.number("m", 1, kMostSize).value_or(1);
  point.n = map.number("n", 1, kMostSize).value_or(1);
  point.k = map.number("k", 1, kMostSize).value_or(1);
  const auto time = map.quantity<Seconds>("time", Need::required);
  map.finish();
  if (!kernel || !time) return std::nullopt;
  if (!(*time > Seconds{})) {
    reader.error(node, "the time of a measured operator must be above 0");
    return std::nullopt;
  }
  point.kernel = *kernel;
  point.time = *time;
  return point;
}

}  // namespace

std::shared_ptr<const Framework> read_runtime(YamlReader& reader, const YamlNode& node) {
  YamlMap map(reader, node, "a runtime");
  auto runtime = std::make_shared<Runtime>();
  runtime->id = map.string("id", Need::required).value_or("");
  runtime->version = map.string("version").value_or("");
  runtime->threads = static_cast<int>(map.integer("threads", 1, kMostThreads).value_or(1));
  runtime->node = map.quantity<Seconds>("node").value_or(Seconds{});
  runtime->low = map.number("low", 0, kMostFactor).value_or(0);
  runtime->high = map.number("high", 0, kMostFactor).value_or(0);
  if (const YamlNode* points = map.get("points", Need::required)) {
    if (!points->is_list()) {
      reader.error(*points, "points must be a list", "as `fastpath measure` writes it");
    }
    for (const YamlNode& item : points->items) {
      if (auto point = read_point(reader, item)) runtime->points.push_back(*point);
    }
  }
  map.finish();
  if (reader.failed()) return nullptr;
  auto framework = std::make_shared<Framework>();
  framework->id = runtime->id;
  framework->runtime = std::move(runtime);
  return framework;
}

std::vector<std::string> runtime_lines(const Runtime& runtime) {
  std::vector<std::string> lines{"runtime:", fmt::format("  id: {}", runtime.id),
                                 fmt::format("  version: \"{}\"", runtime.version),
                                 fmt::format("  threads: {}", runtime.threads),
                                 fmt::format("  node: {:.5g} us", runtime.node.base() * 1e6)};
  if (runtime.high > 0) {
    lines.push_back(fmt::format("  low: {:.4g}", runtime.low));
    lines.push_back(fmt::format("  high: {:.4g}", runtime.high));
  }
  lines.emplace_back("  points:");
  for (const RuntimePoint& point : runtime.points) {
    lines.push_back(fmt::format("    - {{kernel: {}, m: {}, n: {}, k: {}, time: {:.5g} us}}",
                                name_of(point.kernel), point.m, point.n, point.k,
                                point.time.base() * 1e6));
  }
  return lines;
}

}  // namespace fastpath
