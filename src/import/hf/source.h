/// A JSON object as the readers of model configurations see it: keys with their places.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "fastpath/result.h"

namespace fastpath::hf {

/// Text, file name and the diagnostics that reading it gave.
struct Report {
  std::string_view text;
  std::string file;
  Diagnostics errors;
  Diagnostics warnings;

  Place at(std::size_t offset) const;
};

/// JSON with Python's `NaN` and `Infinity` literals, which count as null.
Result<nlohmann::json> parse_json(std::string_view text, const std::string& file);

/// Readers of one object's keys. Each takes synonyms; the first that is there and not null counts.
/// Mistakes go to the report, and a default comes back, so that all of them are found at once.
class Source {
 public:
  Source(const nlohmann::json& object, Report& report, std::size_t from = 0)
      : object_(&object), report_(&report), from_(from) {}

  using Keys = std::initializer_list<std::string_view>;

  bool has(std::string_view key) const;
  /// The value, or nullptr.
  const nlohmann::json* find(Keys keys);

  /// A whole number in [0, 1e9]; an error where none of the keys is there.
  std::int64_t size(Keys keys);
  std::int64_t size_or(Keys keys, std::int64_t otherwise);
  double number_or(Keys keys, double otherwise);
  bool flag_or(Keys keys, bool otherwise);
  std::string text_or(Keys keys, std::string_view otherwise);
  std::vector<std::int64_t> sizes_or_empty(std::string_view key);
  std::vector<std::string> texts_or_empty(std::string_view key);

  /// The object under `key`, or nothing.
  std::optional<Source> nested(std::string_view key);

  void fail(std::string_view key, std::string what, std::string hint = {});
  void warn(std::string_view key, std::string what, std::string hint = {});

  /// Keys that no reader asked for.
  std::vector<std::string> unread() const;
  /// Says that a key matters, but not to the shape.
  void ignore(Keys keys);

  const nlohmann::json& object() const { return *object_; }
  Report& report() { return *report_; }

 private:
  Place place_of(std::string_view key) const;

  const nlohmann::json* object_;
  Report* report_;
  std::size_t from_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace fastpath::hf
