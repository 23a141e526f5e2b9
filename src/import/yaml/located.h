/// The reading layer that all YAML readers share: nodes with places, typed getters that collect all
/// mistakes of a file, and limits that hostile files run into.
///
///   const auto root = parse_yaml(text, file);
///   if (!root) return failure(root.error());
///   YamlReader reader(file);
///   YamlMap map(reader, *root, "a device");
///   device.id = map.string("id", Need::required).value_or("");
///   device.year = map.integer("year", 1970, 2100);
///   const auto power = map.quantity<Watts>("power");
///   map.finish();  // keys that nobody asked for are mistakes
///   if (reader.failed()) return failure(reader.take_errors());
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "base/text.h"
#include "base/units.h"
#include "ir/names.h"

namespace fastpath {

struct YamlLimits {
  std::size_t bytes = 8u << 20;   ///< of the text
  std::size_t nodes = 1'000'000;  ///< scalars, lists and maps, aliases expanded
  std::size_t depth = 32;         ///< lists and maps inside each other
  std::size_t mistakes = 100;     ///< that are reported; later ones are only counted
};

/// A node of a document. Plain data: a copy is independent.
struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  bool quoted = false;  ///< a quoted scalar
  int line = 0;
  int column = 0;
  std::string text;             ///< of a scalar
  std::vector<YamlNode> items;  ///< of a list, or the values of a map
  std::vector<YamlNode> keys;   ///< of a map: scalars, parallel to `items`, each once

  bool is_map() const { return kind == Kind::map; }
  bool is_list() const { return kind == Kind::list; }
  bool is_scalar() const { return kind == Kind::scalar; }

  /// The value of a map's key; null if there is none.
  const YamlNode* find(std::string_view key) const;
};

/// Reads the one document of `text`. Errors: not text (UTF-8), not YAML, several documents, an
/// empty one, duplicate keys, keys that are not scalars, tags, and what exceeds a limit.
Result<YamlNode> parse_yaml(std::string_view text, const std::string& file,
                            const YamlLimits& limits = {});

enum class Need : std::uint8_t { optional, required };

/// Reads scalars of one file and collects its mistakes. Getters return nothing after a mistake.
class YamlReader {
 public:
  explicit YamlReader(std::string file, std::size_t most_mistakes = YamlLimits{}.mistakes)
      : file_(std::move(file)), most_mistakes_(most_mistakes) {}

  const std::string& file() const { return file_; }
  Place place(const YamlNode& node) const { return {file_, node.line, node.column}; }

  void error(const YamlNode& node, std::string what, std::string hint = {});
  void error(Diagnostic diagnostic);
  void errors(const Diagnostics& diagnostics);
  void warn(const YamlNode& node, std::string what, std::string hint = {});

  bool failed() const { return !errors_.empty(); }
  /// No more mistakes are kept: a reader of a long list may stop.
  bool full() const { return errors_.size() >= most_mistakes_; }
  std::size_t error_count() const { return errors_.size() + unreported_; }
  /// In the order of the text.
  Diagnostics take_errors();
  Diagnostics take_warnings();

  std::optional<std::string> string(const YamlNode& node);
  std::optional<std::int64_t> integer(const YamlNode& node, std::int64_t least, std::int64_t most);
  std::optional<double> number(const YamlNode& node, double least, double most);
  std::optional<bool> boolean(const YamlNode& node);

  template <class Q>
  std::optional<Q> quantity(const YamlNode& node) {
    const auto text = string(node);
    if (!text) return std::nullopt;
    const auto value = parse_quantity<Q>(*text, place(node));
    if (value) return *value;
    errors(value.error());
    return std::nullopt;
  }

  /// A member of an enumeration by its name in ir/names.h. `what` as in "a number format".
  template <class E>
  std::optional<E> name(const YamlNode& node, std::string_view what) {
    const auto text = string(node);
    if (!text) return std::nullopt;
    if (const auto value = parse_name<E>(*text)) return value;
    unknown_name(node, what, all_names<E>());
    return std::nullopt;
  }

 private:
  void unknown_name(const YamlNode& node, std::string_view what,
                    const std::vector<std::string>& names);

  std::string file_;
  std::size_t most_mistakes_;
  std::size_t unreported_ = 0;
  Diagnostics errors_;
  Diagnostics warnings_;
};

/// Reads a map key by key. Every key that the reader asks for is a known one; `finish` reports the
/// others with a did-you-mean.
class YamlMap {
 public:
  /// `what` names the map in messages: "a device", "block 'mlp'". A node that is not a map is a
  /// mistake, and an empty map from then on.
  YamlMap(YamlReader& reader, const YamlNode& node, std::string what);

  bool valid() const { return node_ != nullptr; }
  YamlReader& reader() { return *reader_; }

  /// The value of `key`, null if the map has none (and a mistake if it is required).
  const YamlNode* get(std::string_view key, Need need = Need::optional);

  std::optional<std::string> string(std::string_view key, Need need = Need::optional);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least = 1,
                                      std::int64_t most = std::numeric_limits<std::int64_t>::max(),
                                      Need need = Need::optional);
  std::optional<double> number(std::string_view key, double least, double most,
                               Need need = Need::optional);
  std::optional<bool> boolean(std::string_view key, Need need = Need::optional);

  template <class Q>
  std::optional<Q> quantity(std::string_view key, Need need = Need::optional) {
    const YamlNode* node = get(key, need);
    return node == nullptr ? std::nullopt : reader_->quantity<Q>(*node);
  }
  template <class E>
  std::optional<E> name(std::string_view key, std::string_view type, Need need = Need::optional) {
    const YamlNode* node = get(key, need);
    return node == nullptr ? std::nullopt : reader_->name<E>(*node, type);
  }

  /// Makes `keys` known without reading them.
  void allow(const std::vector<std::string>& keys);

  /// Keys that are not known so far, each once, in the order of the text.
  std::vector<const YamlNode*> unknown_keys() const;

  /// Reports unknown keys.
  void finish();

 private:
  YamlReader* reader_;
  const YamlNode* node_;  ///< null if it is not a map
  std::string what_;
  std::vector<std::string> known_;
};

/// `text` as a scalar that YAML reads back as the same text: quoted where it must be.
std::string yaml_scalar(std::string_view text);

}  // namespace fastpath
