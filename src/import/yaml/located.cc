#include "import/yaml/located.h"

#include <algorithm>
#include <cmath>
#include <istream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/check.h"

namespace fastpath {
namespace {

int line_of(const YAML::Mark& mark) { return mark.line < 0 ? 0 : mark.line + 1; }
int column_of(const YAML::Mark& mark) { return mark.column < 0 ? 0 : mark.column + 1; }

/// Builds the tree from the parser's events. After a limit is exceeded it ignores the rest: the
/// parser cannot be stopped, but its own work is bounded by the text.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, const YamlLimits& limits) : file_(file), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node_at(YamlNode::Kind::null, mark), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = node_at(YamlNode::Kind::scalar, mark);
    node.quoted = tag == "!";
    check_tag(mark, tag);
    node.text = value;
    // yaml-cpp leaves it to the reader that these plain scalars mean nothing.
    const bool null = !node.quoted && (value == "~" || value == "null" || value.empty());
    if (null) node.kind = YamlNode::Kind::null;
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (stopped_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      error(mark, "an alias stands inside what it names");
      return;
    }
    YamlNode copy = found->second.node;
    copy.line = line_of(mark);
    copy.column = column_of(mark);
    if (count_nodes(mark, found->second.size)) add(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  bool complete() const { return complete_ && !stopped_; }
  YamlNode take_root() { return std::move(root_); }
  Diagnostics& mistakes() { return mistakes_; }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::size_t first_node = 0;  ///< nodes_ when it was opened
  };
  struct Anchored {
    YamlNode node;
    std::size_t size = 0;
  };

  static YamlNode node_at(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode node;
    node.kind = kind;
    node.line = line_of(mark);
    node.column = column_of(mark);
    return node;
  }

  void error(const YAML::Mark& mark, std::string what, std::string hint = {}) {
    if (mistakes_.size() >= limits_.mistakes) return;
    mistakes_.push_back(
        {{file_, line_of(mark), column_of(mark)}, std::move(what), std::move(hint)});
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    const bool plain = tag.empty() || tag == "!" || tag == "?";
    if (!plain && !stopped_) error(mark, "tag " + in_quotes(tag) + " is not supported");
  }

  /// False, and the end of building, when there are too many.
  bool count_nodes(const YAML::Mark& mark, std::size_t more) {
    nodes_ += more;
    if (nodes_ <= limits_.nodes) return true;
    error(mark, fmt::format("the file has more than {} values", limits_.nodes));
    stopped_ = true;
    return false;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    if (stopped_) return;
    check_tag(mark, tag);
    if (stack_.size() >= limits_.depth) {
      error(mark, fmt::format("lists and maps are nested deeper than {}", limits_.depth));
      stopped_ = true;
      return;
    }
    stack_.push_back({node_at(kind, mark), anchor, nodes_});
  }

  void close() {
    if (stopped_) return;
    Open done = std::move(stack_.back());
    stack_.pop_back();
    if (done.node.is_map()) check_keys(done.node);
    const std::size_t size = nodes_ - done.first_node + 1;
    attach(std::move(done.node), done.anchor, size);
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    if (!stopped_) attach(std::move(node), anchor, 1);
  }

  void attach(YamlNode node, YAML::anchor_t anchor, std::size_t size) {
    const YAML::Mark mark = mark_of(node);
    if (!count_nodes(mark, 1)) return;
    if (anchor != 0) {
      if (!count_nodes(mark, size)) return;
      anchors_[anchor] = {node, size};
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      complete_ = true;
      return;
    }
    YamlNode& parent = stack_.back().node;
    const bool key = parent.is_map() && parent.keys.size() == parent.items.size();
    (key ? parent.keys : parent.items).push_back(std::move(node));
  }

  static YAML::Mark mark_of(const YamlNode& node) {
    YAML::Mark mark;
    mark.line = node.line - 1;
    mark.column = node.column - 1;
    return mark;
  }

  /// Keys are scalars, each once.
  void check_keys(const YamlNode& map) {
    std::map<std::string_view, const YamlNode*> seen;
    for (const YamlNode& key : map.keys) {
      if (!key.is_scalar()) {
        error(mark_of(key), "a key must be a word", "quote a key that has special characters");
        continue;
      }
      const auto [first, fresh] = seen.emplace(key.text, &key);
      if (fresh) continue;
      error(mark_of(key), fmt::format("key {} is given twice", in_quotes(key.text)),
            fmt::format("the first one is in line {}", first->second->line));
    }
  }

  const std::string& file_;
  const YamlLimits limits_;
  Diagnostics mistakes_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  YamlNode root_;
  std::size_t nodes_ = 0;
  bool complete_ = false;
  bool stopped_ = false;
};

/// What the parser's terse messages mean for the one who wrote the file.
std::string hint_for(std::string_view message) {
  const auto has = [&](std::string_view part) { return message.find(part) != message.npos; };
  if (has("illegal map value")) return "quote a text that has ': ' in it, and check indentation";
  if (has("end of map flow")) return "a '}' or a ',' is missing";
  if (has("end of sequence flow")) return "a ']' or a ',' is missing";
  if (has("end of map not found")) return "check that the keys of a map are indented equally";
  if (has("end of sequence not found")) return "check that the '-' of a list are indented equally";
  if (has("tab")) return "indent with spaces";
  if (has("EOF in scalar")) return "a closing quote is missing";
  if (has("unknown token")) return "quote a text that starts with a special character";
  return {};
}

/// The text as an input stream, without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    // The get area is only read.
    char* begin = const_cast<char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    setg(begin, begin, begin + text.size());
  }
};

/// Anything but one document in the text is a mistake.
void run_parser(std::string_view text, const std::string& file, TreeBuilder& builder) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  Diagnostics& mistakes = builder.mistakes();
  try {
    YAML::Parser parser(stream);
    const bool any = parser.HandleNextDocument(builder);
    if (!any) {
      mistakes.push_back({{file, 1, 1}, "the file is empty", {}});
      return;
    }
    TreeBuilder rest(file, YamlLimits{.bytes = 0, .nodes = 0, .depth = 1, .mistakes = 0});
    if (parser.HandleNextDocument(rest)) {
      mistakes.push_back({{file, 0, 0}, "the file has more than one document", "remove '---'"});
    }
  } catch (const YAML::Exception& error) {
    mistakes.push_back({{file, line_of(error.mark), column_of(error.mark)},
                        "this is not YAML: " + error.msg,
                        hint_for(error.msg)});
  } catch (const std::exception& error) {
    mistakes.push_back({{file, 0, 0}, fmt::format("this is not YAML: {}", error.what()), {}});
  }
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

Result<YamlNode> parse_yaml(std::string_view text, const std::string& file,
                            const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    return failure(Place{file, 0, 0},
                   fmt::format("the file is larger than {} bytes", limits.bytes));
  }
  if (const auto bad = first_non_text(text)) {
    return failure(place_at(text, *bad, file), "this is not text in UTF-8");
  }
  TreeBuilder builder(file, limits);
  run_parser(text, file, builder);
  if (!builder.mistakes().empty()) {
    sort_by_place(builder.mistakes());
    return failure(std::move(builder.mistakes()));
  }
  FP_CHECK(builder.complete());
  return builder.take_root();
}

void YamlReader::error(Diagnostic diagnostic) {
  if (errors_.size() < most_mistakes_) {
    errors_.push_back(std::move(diagnostic));
  } else {
    ++unreported_;
  }
}

void YamlReader::error(const YamlNode& node, std::string what, std::string hint) {
  error(Diagnostic{place(node), std::move(what), std::move(hint)});
}

void YamlReader::errors(const Diagnostics& diagnostics) {
  for (const Diagnostic& diagnostic : diagnostics)
    error(diagnostic);
}

void YamlReader::warn(const YamlNode& node, std::string what, std::string hint) {
  if (warnings_.size() >= most_mistakes_) return;
  warnings_.push_back({place(node), std::move(what), std::move(hint)});
}

Diagnostics YamlReader::take_errors() {
  sort_by_place(errors_);
  if (unreported_ > 0) {
    errors_.push_back({{file_, 0, 0}, fmt::format("{} more mistakes", unreported_), {}});
    unreported_ = 0;
  }
  return std::exchange(errors_, {});
}

Diagnostics YamlReader::take_warnings() {
  sort_by_place(warnings_);
  return std::exchange(warnings_, {});
}

std::optional<std::string> YamlReader::string(const YamlNode& node) {
  if (node.is_scalar()) return node.text;
  if (node.kind == YamlNode::Kind::null) {
    error(node, "a value is missing");
  } else {
    error(node, node.is_map() ? "expected a single value, not a map"
                              : "expected a single value, not a list");
  }
  return std::nullopt;
}

std::optional<std::int64_t> YamlReader::integer(const YamlNode& node, std::int64_t least,
                                                std::int64_t most) {
  const auto text = string(node);
  if (!text) return std::nullopt;
  const auto value = parse_integer(*text);
  if (!value) {
    error(node, fmt::format("{} is not a whole number", in_quotes(*text)));
    return std::nullopt;
  }
  if (*value < least) {
    error(node, fmt::format("{} is below {}", *value, least));
    return std::nullopt;
  }
  if (*value > most) {
    error(node, fmt::format("{} is above {}", *value, most));
    return std::nullopt;
  }
  return *value;
}

std::optional<double> YamlReader::number(const YamlNode& node, double least, double most) {
  const auto text = string(node);
  if (!text) return std::nullopt;
  const auto value = parse_number(*text);
  if (!value) {
    error(node, fmt::format("{} is not a number", in_quotes(*text)));
    return std::nullopt;
  }
  if (*value < least || *value > most) {
    error(node, fmt::format("{} is not from {} to {}", *value, least, most));
    return std::nullopt;
  }
  return value;
}

std::optional<bool> YamlReader::boolean(const YamlNode& node) {
  const auto text = string(node);
  if (!text) return std::nullopt;
  if (*text == "true") return true;
  if (*text == "false") return false;
  error(node, fmt::format("{} is neither true nor false", in_quotes(*text)), "write true or false");
  return std::nullopt;
}

void YamlReader::unknown_name(const YamlNode& node, std::string_view what,
                              const std::vector<std::string>& names) {
  error(node, fmt::format("{} is not {}", in_quotes(node.text), what),
        did_you_mean(node.text, names));
}

YamlMap::YamlMap(YamlReader& reader, const YamlNode& node, std::string what)
    : reader_(&reader), node_(node.is_map() ? &node : nullptr), what_(std::move(what)) {
  if (node_ == nullptr) {
    reader.error(node, fmt::format("{} must be a map", what_), "write it as 'key: value' lines");
  }
}

const YamlNode* YamlMap::get(std::string_view key, Need need) {
  known_.emplace_back(key);
  if (node_ == nullptr) return nullptr;
  const YamlNode* value = node_->find(key);
  if (value == nullptr && need == Need::required) {
    reader_->error(*node_, fmt::format("{} has no '{}'", what_, key));
  }
  return value;
}

std::optional<std::string> YamlMap::string(std::string_view key, Need need) {
  const YamlNode* node = get(key, need);
  return node == nullptr ? std::nullopt : reader_->string(*node);
}

std::optional<std::int64_t> YamlMap::integer(std::string_view key, std::int64_t least,
                                             std::int64_t most, Need need) {
  const YamlNode* node = get(key, need);
  return node == nullptr ? std::nullopt : reader_->integer(*node, least, most);
}

std::optional<double> YamlMap::number(std::string_view key, double least, double most, Need need) {
  const YamlNode* node = get(key, need);
  return node == nullptr ? std::nullopt : reader_->number(*node, least, most);
}

std::optional<bool> YamlMap::boolean(std::string_view key, Need need) {
  const YamlNode* node = get(key, need);
  return node == nullptr ? std::nullopt : reader_->boolean(*node);
}

void YamlMap::allow(const std::vector<std::string>& keys) {
  known_.insert(known_.end(), keys.begin(), keys.end());
}

std::vector<const YamlNode*> YamlMap::unknown_keys() const {
  std::vector<const YamlNode*> unknown;
  if (node_ == nullptr) return unknown;
  const std::set<std::string_view> known(known_.begin(), known_.end());
  for (const YamlNode& key : node_->keys) {
    if (known.count(key.text) == 0) unknown.push_back(&key);
  }
  return unknown;
}

void YamlMap::finish() {
  for (const YamlNode* key : unknown_keys()) {
    if (reader_->full()) return;
    reader_->error(*key, fmt::format("{} has no key {}", what_, in_quotes(key->text)),
                   did_you_mean(key->text, known_));
  }
}

std::string yaml_scalar(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+()";
  const auto plain = [&](char c) { return kPlain.find(c) != kPlain.npos; };
  const auto inner = [&](char c) { return plain(c) || c == ' ' || c == '-' || c == '='; };
  const bool null = text == "null" || text == "true" || text == "false";
  const bool bare = !text.empty() && plain(text.front()) && plain(text.back()) && !null &&
                    std::all_of(text.begin(), text.end(), inner);
  if (bare) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace fastpath
