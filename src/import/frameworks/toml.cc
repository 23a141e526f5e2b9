#include <algorithm>
#include <exception>
#include <sstream>

#include <fmt/format.h>
#include <toml.hpp>

#include "base/text.h"
#include "import/frameworks/settings.h"

namespace fastpath {
namespace {

constexpr std::size_t kMostBytes = 1U << 20U;
constexpr int kMostDepth = 32;  ///< the parser recurses into brackets

/// The deepest nesting of brackets, those inside strings counted too.
int depth_of(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == '\n' && deepest <= 2) depth = 0;  // tables stand on lines of their own
  }
  return deepest;
}

std::string text_of(const toml::value& value) {
  switch (value.type()) {
    case toml::value_t::boolean: return value.as_boolean() ? "true" : "false";
    case toml::value_t::integer: return fmt::format("{}", value.as_integer());
    case toml::value_t::floating: return fmt::format("{}", value.as_floating());
    case toml::value_t::string: return value.as_string().str;
    default: return "";
  }
}

void flatten(const toml::value& value, const std::string& path, const std::string& file,
             Settings& settings) {
  if (value.is_table()) {
    for (const auto& [key, item] : value.as_table())
      flatten(item, path.empty() ? key : fmt::format("{}.{}", path, key), file, settings);
    return;
  }
  std::string text = text_of(value);
  if (value.is_array()) {
    std::vector<std::string> parts;
    for (const toml::value& item : value.as_array())
      parts.push_back(text_of(item));
    text = fmt::format("{}", fmt::join(parts, ","));
  }
  const toml::source_location at = value.location();
  const Place place{file, static_cast<int>(at.line()), static_cast<int>(at.column())};
  settings.push_back({path, std::move(text), place, place, false});
}

}  // namespace

Result<Settings> settings_of_toml(std::string_view text, const std::string& file) {
  if (text.size() > kMostBytes) return failure({file, 0, 0}, "is larger than 1 MiB");
  if (const auto offset = first_non_text(text)) {
    return failure(place_at(text, *offset, file), "is not text");
  }
  if (depth_of(text) > kMostDepth) return failure({file, 0, 0}, "nests deeper than 32 levels");
  try {
    std::istringstream stream{std::string(text)};
    Settings settings;
    flatten(toml::parse(stream, file), "", file, settings);
    std::sort(settings.begin(), settings.end(), [](const Setting& a, const Setting& b) {
      return std::pair(a.key_place.line, a.key) < std::pair(b.key_place.line, b.key);
    });
    return settings;
  } catch (const toml::exception& error) {
    const toml::source_location& at = error.location();
    return failure({file, static_cast<int>(at.line()), static_cast<int>(at.column())},
                   "is not TOML", "compare with a configuration that the framework takes");
  } catch (const std::exception&) {
    return failure({file, 0, 0}, "is not TOML");
  }
}

}  // namespace fastpath
