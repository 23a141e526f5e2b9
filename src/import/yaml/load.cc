#include "import/yaml/load.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "import/yaml/located.h"

namespace fastpath {
namespace {

constexpr double kMostRate = 1e9;
constexpr std::int64_t kMostTokens = 1'000'000'000;
constexpr std::int64_t kMostRequests = 100'000'000;
constexpr std::int64_t kMostPriority = 1'000'000;
constexpr double kShareError = 1e-6;

/// A time above 0: a limit of 0 would mean none.
std::optional<Seconds> time_above_zero(YamlMap& map, std::string_view key) {
  const YamlNode* node = map.get(key);
  if (node == nullptr) return std::nullopt;
  const auto time = map.reader().quantity<Seconds>(*node);
  if (!time || *time > Seconds{}) return time;
  map.reader().error(*node, fmt::format("{} is not above 0", key), "leave it out for no limit");
  return std::nullopt;
}

class LoadReader {
 public:
  LoadReader(YamlReader& reader, const YamlNode& root)
      : reader_(reader), map_(reader, root, "a load") {}

  LoadFile read() {
    read_arrivals();
    load_.count = map_.integer("count", 1, kMostRequests);
    load_.input = map_.integer("isl", 1, kMostTokens);
    load_.output = map_.integer("osl", 1, kMostTokens);
    load_.spread = map_.number("length_spread", 0, 1);
    load_.turns = map_.integer("turns", 1, kMostRequests);
    load_.think = map_.quantity<Seconds>("think");
    load_.seed = map_.integer("seed", 1);
    if (const YamlNode* classes = map_.get("classes")) read_classes(*classes);
    map_.finish();
    return std::move(load_);
  }

 private:
  void read_arrivals() {
    load_.requests = map_.string("requests");
    load_.rate = map_.number("rate", 1e-9, kMostRate);
    load_.concurrency = map_.integer("concurrency", 1, kMostRequests);
    load_.variation = map_.number("variation", 0, 100);
    load_.speed_up = map_.number("speed_up", 1e-6, 1e6);
    const YamlNode* first = nullptr;
    for (const char* key : {"requests", "rate", "concurrency"}) {
      const YamlNode* node = map_.get(key);
      if (node != nullptr && first != nullptr)
        reader_.error(*node, "more than one load", "give one of requests, rate and concurrency");
      if (node != nullptr) first = node;
    }
    if (map_.get("requests") == nullptr) return;
    for (const char* key : {"isl", "osl", "length_spread", "turns", "think", "variation"}) {
      if (const YamlNode* node = map_.get(key))
        reader_.error(*node, fmt::format("{} beside a trace", key), "the trace has its own");
    }
  }

  void read_classes(const YamlNode& node) {
    if (!node.is_list() || node.items.empty()) {
      reader_.error(node, "classes must be a list",
                    "- {name: chat, share: 0.7, max_ttft: 500 ms, max_tpot: 30 ms}");
      return;
    }
    const std::size_t before = reader_.error_count();
    double sum = 0;
    for (const YamlNode& item : node.items) {
      if (reader_.full()) return;
      load_.classes.push_back(read_class(item));
      sum += load_.classes.back().share;
    }
    if (reader_.error_count() == before && std::abs(sum - 1) > kShareError)
      reader_.error(node, fmt::format("the shares of classes add up to {:g}, not to 1", sum));
  }

  ServiceClass read_class(const YamlNode& node) {
    YamlMap map(reader_, node, "a class");
    ServiceClass one;
    one.name = map.string("name", Need::required).value_or("");
    if (const YamlNode* name = map.get("name"); name != nullptr && !names_.insert(one.name).second)
      reader_.error(*name, fmt::format("class '{}' is given twice", one.name));
    one.share = map.number("share", 1e-9, 1, Need::required).value_or(1);
    one.priority = map.integer("priority", -kMostPriority, kMostPriority).value_or(0);
    one.limits.first_token = time_above_zero(map, "max_ttft").value_or(Seconds{});
    one.limits.per_token = time_above_zero(map, "max_tpot").value_or(Seconds{});
    one.limits.total = time_above_zero(map, "max_latency").value_or(Seconds{});
    const double spread = map.number("length_spread", 0, 1).value_or(load_.spread.value_or(0));
    const auto lengths = [&](const char* key) -> std::optional<Lengths> {
      const auto mean = map.integer(key, 1, kMostTokens);
      if (mean && load_.requests)
        reader_.error(*map.get(key), fmt::format("{} beside a trace", key),
                      "the trace has its own");
      return mean ? std::optional(lengths_around(*mean, spread)) : std::nullopt;
    };
    one.input = lengths("isl");
    one.output = lengths("osl");
    map.finish();
    return one;
  }

  YamlReader& reader_;
  YamlMap map_;
  LoadFile load_;
  std::set<std::string> names_;
};

}  // namespace

Lengths lengths_around(std::int64_t mean, double spread) {
  const auto middle = static_cast<double>(mean);
  const auto least = static_cast<std::int64_t>(std::ceil(middle * (1 - spread)));
  const auto most = static_cast<std::int64_t>(std::floor(middle * (1 + spread)));
  return {std::max<std::int64_t>(1, least), std::max<std::int64_t>(1, most)};
}

Result<LoadFile> read_load(std::string_view text, const std::string& file) {
  const auto root = parse_yaml(text, file);
  if (!root) return failure(root.error());
  YamlReader reader(file);
  LoadFile load = LoadReader(reader, *root).read();
  if (reader.failed()) return failure(reader.take_errors());
  return load;
}

}  // namespace fastpath
