#include "import/hf/source.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fastpath::hf {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 16 << 20;
constexpr std::int64_t kLargestSize = 1'000'000'000;
constexpr std::size_t kMostItems = 100'000;

/// Blanks out the literals that Python's json module writes beyond the standard, outside strings.
/// The text keeps its length, so offsets stay true.
std::string without_python_literals(std::string_view text) {
  std::string result(text);
  bool quoted = false;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (quoted && result[i] == '\\') {
      ++i;
      continue;
    }
    if (result[i] == '"') quoted = !quoted;
    if (quoted) continue;
    for (const std::string_view literal : {"-Infinity", "Infinity", "NaN"}) {
      if (result.compare(i, literal.size(), literal) != 0) continue;
      // NaN is a letter shorter than null: 0 stands for it, and no shape key is ever NaN.
      std::string blank(literal.size(), ' ');
      blank.replace(0, literal.size() < 4 ? 1 : 4, literal.size() < 4 ? "0" : "null");
      result.replace(i, literal.size(), blank);
      break;
    }
  }
  return result;
}

}  // namespace

Place Report::at(std::size_t offset) const {
  Place place{file, 1, 1};
  for (std::size_t i = 0; i < std::min(offset, text.size()); ++i) {
    ++place.column;
    if (text[i] != '\n') continue;
    ++place.line;
    place.column = 1;
  }
  return place;
}

Result<json> parse_json(std::string_view text, const std::string& file) {
  const Report report{text, file, {}, {}};
  if (text.size() > kLongestText) {
    return failure({file, 0, 0}, "the file is larger than 16 MiB",
                   "a model configuration has a few kB: is this the right file?");
  }
  try {
    return json::parse(without_python_literals(text));
  } catch (const json::parse_error& error) {
    const std::size_t offset = error.byte > 0 ? error.byte - 1 : 0;
    return failure(
        report.at(offset),
        offset >= text.size() ? "the JSON ends too early" : "this is not valid JSON here",
        "a config.json as published by the model's makers is expected");
  } catch (const json::exception& error) {
    return failure({file, 0, 0}, fmt::format("this JSON cannot be read ({})", error.id));
  }
}

bool Source::has(std::string_view key) const {
  const auto found = object_->find(key);
  return found != object_->end() && !found->is_null();
}

const json* Source::find(Keys keys) {
  const json* result = nullptr;
  for (const std::string_view key : keys) {
    read_.emplace(key);
    if (result == nullptr && has(key)) result = &*object_->find(key);
  }
  return result;
}

Place Source::place_of(std::string_view key) const {
  const std::string quoted = fmt::format("\"{}\"", key);
  const std::size_t found = report_->text.find(quoted, from_);
  if (found == std::string_view::npos) return {report_->file, 0, 0};
  return report_->at(found);
}

namespace {

/// The first of the keys that is there.
std::string_view present(const Source& source, Source::Keys keys) {
  for (const std::string_view key : keys) {
    if (source.has(key)) return key;
  }
  return *keys.begin();
}

}  // namespace

std::int64_t Source::size(Keys keys) {
  if (find(keys) == nullptr) {
    fail(*keys.begin(), fmt::format("the key \"{}\" is missing", *keys.begin()),
         "the shape of the model needs it");
    return 1;
  }
  return size_or(keys, 1);
}

std::int64_t Source::size_or(Keys keys, std::int64_t otherwise) {
  const json* value = find(keys);
  if (value == nullptr) return otherwise;
  const bool whole = value->is_number() && std::floor(value->get<double>()) == value->get<double>();
  const double number = whole ? value->get<double>() : -1;
  if (number < 0 || number > static_cast<double>(kLargestSize)) {
    const std::string_view key = present(*this, keys);
    fail(key, fmt::format("\"{}\" is not a whole number from 0 to {}", key, kLargestSize));
    return std::max<std::int64_t>(otherwise, 1);
  }
  return static_cast<std::int64_t>(number);
}

double Source::number_or(Keys keys, double otherwise) {
  const json* value = find(keys);
  if (value == nullptr) return otherwise;
  if (value->is_number() && std::abs(value->get<double>()) < 1e18) return value->get<double>();
  const std::string_view key = present(*this, keys);
  fail(key, fmt::format("\"{}\" is not a number", key));
  return otherwise;
}

bool Source::flag_or(Keys keys, bool otherwise) {
  const json* value = find(keys);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  const std::string_view key = present(*this, keys);
  fail(key, fmt::format("\"{}\" is not true or false", key));
  return otherwise;
}

std::string Source::text_or(Keys keys, std::string_view otherwise) {
  const json* value = find(keys);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return value->get<std::string>();
  const std::string_view key = present(*this, keys);
  fail(key, fmt::format("\"{}\" is not a text", key));
  return std::string(otherwise);
}

std::vector<std::int64_t> Source::sizes_or_empty(std::string_view key) {
  std::vector<std::int64_t> result;
  const json* value = find({key});
  if (value == nullptr) return result;
  if (!value->is_array() || value->size() > kMostItems) {
    fail(key, fmt::format("\"{}\" is not a list of at most {} numbers", key, kMostItems));
    return result;
  }
  for (const json& item : *value) {
    const double number = item.is_number() ? item.get<double>() : -1;
    if (number < 0 || number > static_cast<double>(kLargestSize)) {
      fail(key, fmt::format("\"{}\" holds something else than sizes", key));
      return {};
    }
    result.push_back(static_cast<std::int64_t>(number));
  }
  return result;
}

std::vector<std::string> Source::texts_or_empty(std::string_view key) {
  std::vector<std::string> result;
  const json* value = find({key});
  if (value == nullptr) return result;
  if (!value->is_array() || value->size() > kMostItems) {
    fail(key, fmt::format("\"{}\" is not a list of at most {} texts", key, kMostItems));
    return result;
  }
  for (const json& item : *value) {
    if (item.is_string()) {
      result.push_back(item.get<std::string>());
      continue;
    }
    fail(key, fmt::format("\"{}\" holds something else than texts", key));
    return {};
  }
  return result;
}

std::optional<Source> Source::nested(std::string_view key) {
  const json* value = find({key});
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) {
    fail(key, fmt::format("\"{}\" is not an object", key));
    return std::nullopt;
  }
  const std::size_t found = report_->text.find(fmt::format("\"{}\"", key), from_);
  return Source(*value, *report_, found == std::string_view::npos ? from_ : found);
}

void Source::fail(std::string_view key, std::string what, std::string hint) {
  report_->errors.push_back({place_of(key), std::move(what), std::move(hint)});
}

void Source::warn(std::string_view key, std::string what, std::string hint) {
  report_->warnings.push_back({place_of(key), std::move(what), std::move(hint)});
}

std::vector<std::string> Source::unread() const {
  std::vector<std::string> result;
  for (const auto& [key, value] : object_->items()) {
    if (read_.find(key) == read_.end()) result.push_back(key);
  }
  return result;
}

void Source::ignore(Keys keys) {
  for (const std::string_view key : keys)
    read_.emplace(key);
}

}  // namespace fastpath::hf
