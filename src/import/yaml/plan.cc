#include "import/yaml/plan.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ir/plan_text.h"

namespace fastpath {
namespace {

/// A value as the plan's text has it; a list is joined by commas: `order: [tp, cp, ep, dp, pp]`,
/// and by bars where its items have commas themselves.
std::optional<std::string> value_text(YamlReader& reader, const YamlNode& node, int depth = 0) {
  constexpr int kDeepest = 2;
  if (!node.is_list() || depth == kDeepest) return reader.string(node);
  std::vector<std::string> parts;
  bool commas = false;
  for (const YamlNode& item : node.items) {
    auto part = value_text(reader, item, depth + 1);
    if (!part) return std::nullopt;
    commas = commas || part->find(',') != part->npos;
    parts.push_back(std::move(*part));
  }
  return fmt::format("{}", fmt::join(parts, commas ? "|" : ","));
}

std::vector<PlanWord> words_of_map(YamlReader& reader, const YamlNode& node) {
  std::vector<PlanWord> words;
  for (std::size_t i = 0; i < node.keys.size() && !reader.full(); ++i) {
    const Place key_place = reader.place(node.keys[i]);
    const Place value_place = reader.place(node.items[i]);
    const bool alone = node.items[i].kind == YamlNode::Kind::null;
    auto value = alone ? std::nullopt : value_text(reader, node.items[i]);
    if (value || alone) {
      words.push_back({node.keys[i].text, std::move(value), key_place, value_place});
    }
  }
  return words;
}

/// The value of a key, which the map then lacks.
std::optional<YamlNode> take(YamlNode& map, std::string_view key) {
  const auto found = std::find_if(map.keys.begin(), map.keys.end(),
                                  [&](const YamlNode& one) { return one.text == key; });
  if (found == map.keys.end()) return std::nullopt;
  const auto item = map.items.begin() + (found - map.keys.begin());
  YamlNode value = std::move(*item);
  map.items.erase(item);
  map.keys.erase(found);
  return value;
}

}  // namespace

std::optional<Plan> plan_of_node(YamlReader& reader, const YamlNode& node) {
  const std::size_t before = reader.error_count();
  Result<Plan> plan;
  if (node.is_map()) {
    plan = plan_of_words(words_of_map(reader, node));
  } else {
    const auto text = reader.string(node);
    Place place = reader.place(node);
    if (node.quoted) ++place.column;
    if (text) plan = parse_plan(*text, place);
  }
  if (!plan) reader.errors(plan.error());
  if (reader.error_count() != before) return std::nullopt;
  return *plan;
}

Result<PlanFile> read_plan_file(std::string_view text, const std::string& file) {
  auto root = parse_yaml(text, file);
  if (!root) return failure(root.error());
  YamlReader reader(file);
  PlanFile result;
  if (const auto input = root->is_map() ? take(*root, "input") : std::nullopt) {
    const auto name = reader.string(*input);
    if (name && name->empty()) reader.error(*input, "input is the file of an input pipeline");
    result.input = name.value_or("");
  }
  const bool wrapped = root->is_map() && root->keys.size() == 1 && root->keys[0].text == "plan";
  const auto plan = plan_of_node(reader, wrapped ? root->items[0] : *root);
  if (!plan || reader.failed()) return failure(reader.take_errors());
  result.plan = *plan;
  return result;
}

Result<Plan> read_plan(std::string_view text, const std::string& file) {
  auto result = read_plan_file(text, file);
  if (!result) return failure(std::move(result.error()));
  return result->plan;
}

Result<std::vector<PlanWord>> read_plan_words(std::string_view text, const std::string& file) {
  const auto root = parse_yaml(text, file);
  if (!root) return failure(root.error());
  YamlReader reader(file);
  std::vector<PlanWord> words;
  if (root->is_map()) {
    words = words_of_map(reader, *root);
  } else if (const auto line = reader.string(*root)) {
    words = words_of_text(*line, reader.place(*root));
  }
  Diagnostics mistakes = reader.take_errors();
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return words;
}

std::string write_plan_yaml(const Plan& plan) {
  std::string text;
  for (const auto& [key, value] : words_of_plan(plan))
    text += fmt::format("{}: {}\n", key, yaml_scalar(value));
  return text.empty() ? "{}\n" : text;
}

}  // namespace fastpath
