/// One description per struct serves writing and reading: `describe(archive, value)` names each
/// field once, and JsonOut or JsonIn does the rest. Descriptions take structs apart by structured
/// binding, so that a field they forget does not compile.
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "ir/names.h"

namespace fastpath {

/// What is read: keys in a tree, so that an object of a million keys costs no quadratic time.
using Json = nlohmann::json;
/// What is written: keys stay in the order of the description.
using OrderedJson = nlohmann::ordered_json;

/// T is Wanted, const or not: constrains descriptions.
template <class T, class Wanted>
concept Describes = std::same_as<std::remove_const_t<T>, Wanted>;

template <class T>
struct IsQuantity : std::false_type {};
template <Dimension D>
struct IsQuantity<Quantity<D>> : std::true_type {};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

/// Writes a value; structs through their description.
class JsonOut {
 public:
  template <class T>
  static OrderedJson value(const T& value) {
    if constexpr (IsQuantity<T>::value) {
      return value.base();
    } else if constexpr (std::is_enum_v<T>) {
      return std::string(name_of(value));
    } else if constexpr (std::is_arithmetic_v<T> || std::same_as<T, std::string>) {
      return value;
    } else if constexpr (IsVector<T>::value) {
      OrderedJson list = OrderedJson::array();
      for (const auto& item : value)
        list.push_back(JsonOut::value(item));
      return list;
    } else {
      JsonOut object;
      describe(object, value);
      return std::move(object.json_);
    }
  }

  template <class T>
  void operator()(const char* key, const T& field) {
    if constexpr (IsOptional<T>::value) {
      if (field) json_[key] = value(*field);
    } else {
      json_[key] = value(field);
    }
  }

  OrderedJson& json() { return json_; }

 private:
  OrderedJson json_ = OrderedJson::object();
};

/// Where a value is: the keys and indexes that lead to it.
struct JsonPath {
  const JsonPath* parent = nullptr;
  std::string_view key;
  std::size_t index = 0;
};

/// The mistakes of one text. Places are found when they are taken, from the text.
class JsonMistakes {
 public:
  void add(const JsonPath& path, std::string what, std::string hint = {});
  bool empty() const { return mistakes_.empty(); }
  bool full() const { return mistakes_.size() >= kMost; }
  Diagnostics take(std::string_view text, const std::string& file);

 private:
  static constexpr std::size_t kMost = 100;
  struct Step {
    bool is_key = false;
    std::string key;
    std::size_t index = 0;
  };
  struct Mistake {
    std::vector<Step> path;
    std::string what;
    std::string hint;
  };

  static std::string path_text(const std::vector<Step>& path);
  static std::size_t find(std::string_view text, const std::vector<Step>& path);

  std::vector<Mistake> mistakes_;
};

/// Reads one object, field by field.
class JsonIn {
 public:
  JsonIn(const Json& json, const JsonPath& path, JsonMistakes& mistakes)
      : json_(json), path_(path), mistakes_(mistakes) {}

  template <class T>
  void operator()(const char* key, T& field) {
    known_.emplace_back(key);
    const auto found = json_.find(key);
    const JsonPath path{&path_, key, 0};
    if constexpr (IsOptional<T>::value) {
      if (found == json_.end()) return;
      read(*found, path, mistakes_, field.emplace());
    } else if (found == json_.end()) {
      mistakes_.add(path_, "'" + std::string(key) + "' is missing");
    } else {
      read(*found, path, mistakes_, field);
    }
  }

  /// Unknown keys are mistakes.
  void finish();

  template <class T>
  static void read(const Json& json, const JsonPath& path, JsonMistakes& mistakes, T& into) {
    if (mistakes.full()) return;
    if constexpr (IsQuantity<T>::value) {
      double base = 0;
      read(json, path, mistakes, base);
      into = T{base};
    } else if constexpr (std::is_enum_v<T>) {
      read_name(json, path, mistakes, into);
    } else if constexpr (std::same_as<T, bool>) {
      if (expect(json.is_boolean(), "true or false", path, mistakes)) into = json.get<bool>();
    } else if constexpr (std::integral<T>) {
      into = static_cast<T>(read_integer(json, path, mistakes, std::numeric_limits<T>::min(),
                                         std::numeric_limits<T>::max()));
    } else if constexpr (std::same_as<T, double>) {
      if (expect(json.is_number(), "a number", path, mistakes)) into = json.get<double>();
    } else if constexpr (std::same_as<T, std::string>) {
      if (expect(json.is_string(), "a text", path, mistakes)) into = json.get<std::string>();
    } else if constexpr (IsVector<T>::value) {
      read_list(json, path, mistakes, into);
    } else if (expect(json.is_object(), "an object", path, mistakes)) {
      JsonIn object(json, path, mistakes);
      describe(object, into);
      object.finish();
    }
  }

  JsonMistakes& mistakes() { return mistakes_; }
  const JsonPath& path() const { return path_; }

 private:
  static bool expect(bool is, std::string_view what, const JsonPath& path, JsonMistakes& mistakes);
  static std::int64_t read_integer(const Json& json, const JsonPath& path, JsonMistakes& mistakes,
                                   std::int64_t least, std::uint64_t most);
  static void unknown_name(const std::string& text, const JsonPath& path, JsonMistakes& mistakes,
                           const std::vector<std::string>& names);

  template <class E>
  static void read_name(const Json& json, const JsonPath& path, JsonMistakes& mistakes, E& into) {
    std::string text;
    if (!expect(json.is_string(), "a name", path, mistakes)) return;
    read(json, path, mistakes, text);
    const auto value = parse_name<E>(text);
    if (value) {
      into = *value;
    } else {
      unknown_name(text, path, mistakes, all_names<E>());
    }
  }

  template <class T>
  static void read_list(const Json& json, const JsonPath& path, JsonMistakes& mistakes,
                        std::vector<T>& into) {
    if (!expect(json.is_array(), "a list", path, mistakes)) return;
    into.reserve(json.size());
    for (std::size_t i = 0; i < json.size() && !mistakes.full(); ++i) {
      read(json[i], JsonPath{&path, {}, i}, mistakes, into.emplace_back());
    }
  }

  const Json& json_;
  const JsonPath& path_;
  JsonMistakes& mistakes_;
  std::vector<std::string> known_;
};

/// Reads any JSON within the limits. Errors: a syntax error with its place.
Result<Json> parse_json(std::string_view text, const std::string& file);

/// Text of an object that begins with its schema. `indent` -1: all in one line.
std::string document_text(std::string_view schema, const OrderedJson& object, int indent);

/// The noun in a document of `schema`. `check` adds what the types do not say (indexes).
template <class T, class Check>
Result<T> read_document(std::string_view text, const std::string& file, std::string_view schema,
                        Check check);

/// True if `json` is an object of that schema; else adds the mistake.
bool has_schema(const Json& json, std::string_view schema, JsonMistakes& mistakes);

template <class T, class Check>
Result<T> read_document(std::string_view text, const std::string& file, std::string_view schema,
                        Check check) {
  auto json = parse_json(text, file);
  if (!json) return failure(json.error());
  JsonMistakes mistakes;
  T value;
  if (has_schema(*json, schema, mistakes)) {
    json->erase("schema");
    const JsonPath root;
    JsonIn::read(*json, root, mistakes, value);
    if (mistakes.empty()) check(value, mistakes);
  }
  if (!mistakes.empty()) return failure(mistakes.take(text, file));
  return value;
}

}  // namespace fastpath
