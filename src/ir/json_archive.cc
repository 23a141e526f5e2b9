#include "ir/json_archive.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

constexpr std::size_t kMostBytes = 64u << 20;
constexpr int kDeepest = 64;
/// Finding a place walks the text; after so many mistakes the path of the key must do.
constexpr std::size_t kMostPlaces = 20;

/// Where the first bracket is that nests too deep, if one does.
std::optional<std::size_t> too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) return i;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return std::nullopt;
}

/// Keeps only what is wrong with a text, and where.
class SyntaxErrorFinder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    offset = position == 0 ? 0 : position - 1;
    message = error.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: <what>; last read: <it>"
    const std::size_t colon = message.find(": ");
    if (colon != std::string::npos) message.erase(0, colon + 2);
    const std::size_t tail = message.find("; last read");
    if (tail != std::string::npos) message.erase(tail);
    return false;
  }

  std::size_t offset = 0;
  std::string message;
};

/// Walks the text of a document that has been parsed, so that its syntax needs no checks.
class TextWalker {
 public:
  explicit TextWalker(std::string_view text) : text_(text) { skip_space(); }

  std::size_t at() const { return at_; }

  /// Goes to the value of a key, or to the item of an index; false if there is none.
  bool enter(bool is_key, std::string_view key, std::size_t index) {
    const std::size_t start = at_;
    if (at_end() || text_[at_] != (is_key ? '{' : '[')) return false;
    step();
    for (std::size_t i = 0; !at_end() && text_[at_] != '}' && text_[at_] != ']'; ++i) {
      bool found = !is_key && i == index;
      if (is_key) {
        found = text_.substr(at_ + 1).starts_with(key) &&
                text_.substr(at_ + 1 + key.size()).starts_with('"');
        skip_value();
        step();  // the colon
      }
      if (found) return true;
      skip_value();
      if (!at_end() && text_[at_] == ',') step();
    }
    at_ = start;
    return false;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  void step() {
    ++at_;
    skip_space();
  }

  void skip_string() {
    for (++at_; !at_end() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  void skip_value() {
    int depth = 0;
    do {
      if (text_[at_] == '"') {
        skip_string();
        continue;
      }
      if (text_[at_] == '{' || text_[at_] == '[') ++depth;
      if (text_[at_] == '}' || text_[at_] == ']') --depth;
      ++at_;
      const bool word = depth == 0 && !at_end() && text_[at_ - 1] != '}' && text_[at_ - 1] != ']';
      if (word) at_ = std::min(text_.find_first_of(",]} \t\r\n:", at_), text_.size());
    } while (depth > 0 && !at_end());
    skip_space();
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

void JsonMistakes::add(const JsonPath& path, std::string what, std::string hint) {
  if (full()) return;
  Mistake mistake{{}, std::move(what), std::move(hint)};
  for (const JsonPath* step = &path; step->parent != nullptr; step = step->parent)
    mistake.path.push_back({step->key.data() != nullptr, std::string(step->key), step->index});
  std::reverse(mistake.path.begin(), mistake.path.end());
  mistakes_.push_back(std::move(mistake));
}

std::string JsonMistakes::path_text(const std::vector<Step>& path) {
  std::string text;
  for (const Step& step : path) {
    if (!step.is_key) {
      text += fmt::format("[{}]", step.index);
    } else {
      text += (text.empty() ? "" : ".") + step.key;
    }
  }
  return text;
}

std::size_t JsonMistakes::find(std::string_view text, const std::vector<Step>& path) {
  TextWalker walker(text);
  for (const Step& step : path) {
    if (!walker.enter(step.is_key, step.key, step.index)) break;
  }
  return walker.at();
}

Diagnostics JsonMistakes::take(std::string_view text, const std::string& file) {
  Diagnostics diagnostics;
  for (Mistake& mistake : mistakes_) {
    Place place{file, 0, 0};
    if (diagnostics.size() < kMostPlaces) place = place_at(text, find(text, mistake.path), file);
    const std::string path = path_text(mistake.path);
    diagnostics.push_back({std::move(place),
                           path.empty() ? mistake.what : path + ": " + mistake.what,
                           std::move(mistake.hint)});
  }
  mistakes_.clear();
  sort_by_place(diagnostics);
  return diagnostics;
}

void JsonIn::finish() {
  for (const auto& [key, value] : json_.items()) {
    if (mistakes_.full()) return;
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    mistakes_.add(path_, fmt::format("unknown key {}", in_quotes(key)), did_you_mean(key, known_));
  }
}

bool JsonIn::expect(bool is, std::string_view what, const JsonPath& path, JsonMistakes& mistakes) {
  if (!is) mistakes.add(path, fmt::format("expected {}", what));
  return is;
}

std::int64_t JsonIn::read_integer(const Json& json, const JsonPath& path, JsonMistakes& mistakes,
                                  std::int64_t least, std::uint64_t most) {
  if (!expect(json.is_number_integer(), "a whole number", path, mistakes)) return 0;
  const bool above = json.is_number_unsigned() && json.get<std::uint64_t>() > most;
  const bool below = !json.is_number_unsigned() && json.get<std::int64_t>() < least;
  if (!above && !below) return json.get<std::int64_t>();
  mistakes.add(path, fmt::format("{} is out of range", json.dump()));
  return 0;
}

void JsonIn::unknown_name(const std::string& text, const JsonPath& path, JsonMistakes& mistakes,
                          const std::vector<std::string>& names) {
  mistakes.add(path, fmt::format("unknown value {}", in_quotes(text)), did_you_mean(text, names));
}

Result<Json> parse_json(std::string_view text, const std::string& file) {
  if (text.size() > kMostBytes) {
    return failure(Place{file, 0, 0}, fmt::format("the file is larger than {} bytes", kMostBytes));
  }
  if (const auto deep = too_deep(text)) {
    return failure(place_at(text, *deep, file),
                   fmt::format("lists and objects are nested deeper than {}", kDeepest));
  }
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) return json;
  SyntaxErrorFinder finder;
  Json::sax_parse(text, &finder);
  return failure(place_at(text, finder.offset, file), "this is not JSON: " + finder.message);
}

std::string document_text(std::string_view schema, const OrderedJson& object, int indent) {
  OrderedJson document = OrderedJson::object();
  document["schema"] = schema;
  document.update(object);
  return document.dump(indent, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

bool has_schema(const Json& json, std::string_view schema, JsonMistakes& mistakes) {
  const JsonPath root;
  const auto found = json.is_object() ? json.find("schema") : json.end();
  const bool named = json.is_object() && found != json.end() && found->is_string();
  if (!named) {
    mistakes.add(root, "the document names no schema", fmt::format("expected {}", schema));
    return false;
  }
  const auto name = found->get<std::string>();
  if (name == schema) return true;
  mistakes.add(JsonPath{&root, "schema", 0}, fmt::format("{} is another schema", in_quotes(name)),
               fmt::format("expected {}", schema));
  return false;
}

}  // namespace fastpath
