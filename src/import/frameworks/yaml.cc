#include <map>

#include <fmt/format.h>

#include "import/frameworks/settings.h"
#include "import/yaml/located.h"

namespace fastpath {
namespace {

constexpr int kMostReferences = 8;  ///< that follow each other

std::string text_of(const YamlNode& node) { return node.is_scalar() ? node.text : "null"; }

bool is_plain(const YamlNode& list) {
  for (const YamlNode& item : list.items) {
    if (item.is_map() || item.is_list()) return false;
  }
  return true;
}

void flatten(const YamlNode& node, const YamlNode& key, const std::string& path,
             const std::string& file, Settings& settings) {
  if (node.is_map()) {
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& name = node.keys[i].text;
      flatten(node.items[i], node.keys[i], path.empty() ? name : fmt::format("{}.{}", path, name),
              file, settings);
    }
    return;
  }
  if (node.is_list() && !is_plain(node)) {
    for (std::size_t i = 0; i < node.items.size(); ++i)
      flatten(node.items[i], node.items[i], fmt::format("{}.{}", path, i), file, settings);
    return;
  }
  std::string value = text_of(node);
  if (node.is_list()) {
    std::vector<std::string> parts;
    for (const YamlNode& item : node.items)
      parts.push_back(text_of(item));
    value = fmt::format("{}", fmt::join(parts, ","));
  }
  settings.push_back({path, std::move(value), Place{file, key.line, key.column},
                      Place{file, node.line, node.column}, false});
}

/// Values that are one reference, `${variables.max_seq_len}`, get what it stands for.
void resolve(Settings& settings) {
  std::map<std::string, std::string, std::less<>> values;
  for (const Setting& setting : settings)
    values[setting.key] = setting.value;
  for (Setting& setting : settings) {
    for (int i = 0; i < kMostReferences; ++i) {
      const std::string& value = setting.value;
      if (!value.starts_with("${") || !value.ends_with('}')) break;
      const auto found = values.find(std::string_view(value).substr(2, value.size() - 3));
      if (found == values.end()) break;
      setting.value = std::string(found->second);
    }
  }
}

}  // namespace

Result<Settings> settings_of_yaml(std::string_view text, const std::string& file) {
  const auto root = parse_yaml(text, file);
  if (!root) return failure(root.error());
  if (!root->is_map()) {
    return failure({file, 1, 1}, "is not a map of keys", "name a framework's configuration");
  }
  Settings settings;
  flatten(*root, *root, "", file, settings);
  resolve(settings);
  return settings;
}

}  // namespace fastpath
