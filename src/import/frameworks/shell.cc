#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "import/frameworks/settings.h"

namespace fastpath {
namespace {

constexpr std::size_t kMostBytes = 1U << 20U;
constexpr std::size_t kMostProduced = 4U << 20U;  ///< bytes that expansions make
constexpr std::size_t kMostWords = 100'000;
constexpr int kMostDepth = 32;
constexpr long long kMostNumber = 1'000'000'000;

struct Word {
  std::string text;
  std::size_t offset = 0;  ///< where it was written
};

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Sums and products of whole numbers, for `$((NODES * 8))`.
class Arithmetic {
 public:
  explicit Arithmetic(std::string_view text) : text_(text) {}

  std::optional<long long> value() {
    const auto result = sum(0);
    skip();
    return at_ == text_.size() ? result : std::nullopt;
  }

 private:
  void skip() {
    while (at_ < text_.size() && (is_blank(text_[at_]) || text_[at_] == '\n'))
      ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  static std::optional<long long> checked(long long value) {
    if (value < -kMostNumber || value > kMostNumber) return std::nullopt;
    return value;
  }
  std::optional<long long> factor(int depth) {
    if (depth > kMostDepth) return std::nullopt;
    if (take('(')) {
      const auto inner = sum(depth + 1);
      return take(')') ? inner : std::nullopt;
    }
    const std::size_t start = at_;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0)
      ++at_;
    const auto number = parse_integer(text_.substr(start, at_ - start));
    return number ? checked(*number) : std::nullopt;
  }
  std::optional<long long> product(int depth) {
    auto left = factor(depth);
    while (left) {
      const bool times = take('*');
      if (!times && !take('/')) break;
      const auto right = factor(depth);
      if (!right || (!times && *right == 0)) return std::nullopt;
      left = checked(times ? *left * *right : *left / *right);
    }
    return left;
  }
  std::optional<long long> sum(int depth) {
    auto left = product(depth);
    while (left) {
      const bool plus = take('+');
      if (!plus && !take('-')) break;
      const auto right = product(depth);
      if (!right) return std::nullopt;
      left = checked(plus ? *left + *right : *left - *right);
    }
    return left;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Shell {
 public:
  Shell(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}
  Result<Settings> read();

 private:
  bool done() const { return at_ >= text_.size() || failed_; }
  char now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }
  void fail(std::size_t offset, std::string what, std::string hint = {}) {
    if (!failed_)
      mistake_ = {place_at(text_, std::min(offset, text_.size()), file_), std::move(what),
                  std::move(hint)};
    failed_ = true;
  }

  bool skip_blanks();
  void command();
  bool assignment(std::vector<Word>& words);
  std::vector<Word> list();
  void word(std::vector<Word>& words, bool splits);
  void quoted(std::vector<Word>& words, bool splits, bool& open);
  void variable(std::vector<Word>& words, bool& open, bool joins);
  bool opaque(std::vector<Word>& words, bool& open);
  void arithmetic(std::vector<Word>& words, bool& open);
  void put(std::vector<Word>& words, bool& open, std::string_view text, std::size_t offset);
  void put_value(std::vector<Word>& words, bool& open, const std::vector<Word>& value, bool joins);
  std::size_t end_of(std::size_t start, std::string_view opens, std::string_view closes) const;
  std::string with_values(std::string_view text) const;
  Settings flags(const std::vector<std::vector<Word>>& commands) const;

  std::string_view text_;
  std::string file_;
  std::size_t at_ = 0;
  std::size_t produced_ = 0;
  bool failed_ = false;
  Diagnostic mistake_;
  std::map<std::string, std::vector<Word>, std::less<>> variables_;
  std::vector<std::string> order_;  ///< of the variables' first assignment
  std::vector<std::vector<Word>> commands_;
};

/// Appends to the open word, or starts one.
void Shell::put(std::vector<Word>& words, bool& open, std::string_view text, std::size_t offset) {
  produced_ += text.size() + 1;
  if (produced_ > kMostProduced || words.size() > kMostWords) {
    fail(offset, "the script's variables expand to more than 4 MiB");
    return;
  }
  if (!open) words.push_back({{}, offset});
  open = true;
  words.back().text += text;
}

void Shell::put_value(std::vector<Word>& words, bool& open, const std::vector<Word>& value,
                      bool joins) {
  for (std::size_t i = 0; i < value.size() && !failed_; ++i) {
    if (i > 0 && joins) put(words, open, " ", value[i].offset);
    if (i > 0 && !joins) open = false;
    put(words, open, value[i].text, value[i].offset);
  }
}

/// Blanks, escaped line ends and comments; false at a line's end.
bool Shell::skip_blanks() {
  while (!done()) {
    if (is_blank(now())) {
      ++at_;
    } else if (now() == '\\' && (next() == '\n' || next() == '\r')) {
      at_ += next() == '\r' ? 3 : 2;
    } else if (now() == '#') {
      while (!done() && now() != '\n')
        ++at_;
    } else {
      break;
    }
  }
  return !done() && now() != '\n' && std::string_view(";&|()").find(now()) == std::string::npos;
}

/// The end of what is opened before `start`, past its closing text; npos if it is left open.
std::size_t Shell::end_of(std::size_t start, std::string_view opens,
                          std::string_view closes) const {
  int depth = 1;
  for (std::size_t i = start; i < text_.size(); ++i) {
    if (text_.substr(i, closes.size()) == closes) {
      if (--depth == 0) return i + closes.size();
    } else if (text_.substr(i, opens.size()) == opens) {
      ++depth;
    }
  }
  return std::string_view::npos;
}

/// Names and `$NAME` replaced by the values of variables.
std::string Shell::with_values(std::string_view text) const {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '$' || text[i] == '{' || text[i] == '}') {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_name(text[end]))
      ++end;
    const std::string_view name = text.substr(i, std::max<std::size_t>(end - i, 1));
    const auto found = variables_.find(name);
    result += found != variables_.end() && found->second.size() == 1 ? found->second[0].text
                                                                     : std::string(name);
    i += name.size();
    if (result.size() > kMostBytes) break;
  }
  return result;
}

void Shell::arithmetic(std::vector<Word>& words, bool& open) {
  const std::size_t start = at_;
  const std::size_t end = end_of(at_ + 3, "(", ")");
  if (end == std::string_view::npos || end >= text_.size() || text_[end] != ')') {
    fail(start, "$(( is not closed");
    return;
  }
  const std::string inside = with_values(text_.substr(start + 3, end - start - 4));
  at_ = end + 1;
  const auto value = Arithmetic(inside).value();
  put(words, open, value ? fmt::format("{}", *value) : "$((...))", start);
}

/// What only the shell can know: `$(command)`, backquotes, `$1`.
bool Shell::opaque(std::vector<Word>& words, bool& open) {
  const std::size_t start = at_;
  if (now() == '`') {
    const std::size_t end = text_.find('`', at_ + 1);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    put(words, open, "$(...)", start);
    return true;
  }
  if (next() != '(') return false;
  const std::size_t end = end_of(at_ + 2, "(", ")");
  if (end == std::string_view::npos) fail(start, "$( is not closed");
  at_ = std::min(end, text_.size());
  put(words, open, "$(...)", start);
  return true;
}

/// `$NAME`, `${NAME}`, `${NAME[@]}`, `${NAME:-text}`.
void Shell::variable(std::vector<Word>& words, bool& open, bool joins) {
  const std::size_t start = at_;
  const bool braces = next() == '{';
  std::size_t end = at_ + (braces ? 2 : 1);
  const std::size_t first = end;
  while (end < text_.size() && is_name(text_[end]))
    ++end;
  const std::string_view name = text_.substr(first, end - first);
  std::string_view rest;
  if (braces) {
    const std::size_t close = end_of(first, "{", "}");
    if (close == std::string_view::npos) return fail(start, "${ is not closed");
    rest = text_.substr(end, close - 1 - end);
    end = close;
  }
  at_ = std::max(end, start + 1);
  const auto found = variables_.find(name);
  const bool whole =
      rest.empty() || rest.starts_with("[") || rest.starts_with(":-") || rest.starts_with("-");
  if (found != variables_.end() && whole) {
    const std::vector<Word> value = found->second;
    return put_value(words, open, value, joins && !rest.starts_with("[@]"));
  }
  if (rest.starts_with(":-")) return put(words, open, rest.substr(2), start);
  put(words, open, text_.substr(start, at_ - start), start);
}

void Shell::quoted(std::vector<Word>& words, bool splits, bool& open) {
  const std::size_t start = at_++;
  if (!splits) put(words, open, "", start);
  while (!done() && now() != '"') {
    if (now() == '\\' && next() == '\n') {
      at_ += 2;
    } else if (now() == '\\' && at_ + 1 < text_.size()) {
      put(words, open, text_.substr(at_ + 1, 1), at_);
      at_ += 2;
    } else if (now() == '$' && text_.substr(at_, 3) == "$((") {
      arithmetic(words, open);
    } else if (now() == '$' || now() == '`') {
      if (!opaque(words, open)) variable(words, open, !splits);
    } else if (splits && (is_blank(now()) || now() == '\n')) {
      open = false;
      ++at_;
    } else {
      put(words, open, text_.substr(at_, 1), at_);
      ++at_;
    }
  }
  if (now() != '"') return fail(start, "the quote is not closed");
  ++at_;
}

/// One word as it was written, which may become several. `splits`: at blanks in quotes too.
void Shell::word(std::vector<Word>& words, bool splits) {
  bool open = false;
  while (!done() && !is_blank(now()) && now() != '\n') {
    if (std::string_view(";&|()").find(now()) != std::string::npos) return;
    if (now() == '"') {
      quoted(words, splits, open);
    } else if (now() == '\'') {
      const std::size_t end = text_.find('\'', at_ + 1);
      if (end == std::string_view::npos) return fail(at_, "the quote is not closed");
      put(words, open, text_.substr(at_ + 1, end - at_ - 1), at_);
      at_ = end + 1;
    } else if (now() == '\\' && next() == '\n') {
      return;
    } else if (now() == '\\') {
      put(words, open, text_.substr(std::min(at_ + 1, text_.size()), 1), at_);
      at_ += 2;
    } else if (text_.substr(at_, 3) == "$((") {
      arithmetic(words, open);
    } else if (now() == '$' || now() == '`') {
      if (!opaque(words, open)) variable(words, open, false);
    } else {
      put(words, open, text_.substr(at_, 1), at_);
      ++at_;
    }
  }
}

/// `( words )` of an array.
std::vector<Word> Shell::list() {
  const std::size_t start = at_++;
  std::vector<Word> words;
  while (!done() && now() != ')') {
    if (skip_blanks()) {
      word(words, true);
    } else if (now() != ')') {
      ++at_;
    }
  }
  if (now() != ')') fail(start, "the list is not closed");
  ++at_;
  return words;
}

/// `NAME=value` and `NAME+=value` where a command may start.
bool Shell::assignment(std::vector<Word>& words) {
  std::size_t end = at_;
  while (end < text_.size() && is_name(text_[end]))
    ++end;
  const std::string name(text_.substr(at_, end - at_));
  const bool adds = text_.substr(end, 2) == "+=";
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0 || !words.empty() ||
      (!adds && text_.substr(end, 1) != "=")) {
    return false;
  }
  at_ = end + (adds ? 2 : 1);
  std::vector<Word> value;
  if (now() == '(') {
    value = list();
  } else {
    word(value, true);
  }
  if (!variables_.contains(name)) order_.push_back(name);
  std::vector<Word>& kept = variables_[name];
  if (!adds) kept.clear();
  kept.insert(kept.end(), value.begin(), value.end());
  if (kept.size() > kMostWords) fail(at_, "the script's variables expand to more than 4 MiB");
  return true;
}

void Shell::command() {
  std::vector<Word> words;
  while (skip_blanks()) {
    if (assignment(words)) continue;
    const std::size_t before = at_;
    word(words, false);
    if (at_ == before) ++at_;
    if (words.size() == 1) {
      for (const std::string_view before_command :
           {"export", "local", "declare", "readonly", "then", "do", "else", "-a"}) {
        if (words[0].text == before_command) words.clear();
        if (words.empty()) break;
      }
    }
  }
  if (!words.empty()) commands_.push_back(std::move(words));
  if (!done()) ++at_;  // the line's end or what parts commands
}

Settings Shell::flags(const std::vector<std::vector<Word>>& commands) const {
  Settings settings;
  std::map<std::string, std::size_t> index;
  for (const std::vector<Word>& words : commands) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string_view text = words[i].text;
      if (!text.starts_with("--") || text.size() < 3) continue;
      const std::size_t equals = text.find('=');
      Setting setting;
      setting.flag = true;
      setting.key = text.substr(2, equals == text.npos ? text.npos : equals - 2);
      std::replace(setting.key.begin(), setting.key.end(), '-', '_');
      setting.key_place = setting.value_place = place_at(text_, words[i].offset, file_);
      if (equals != text.npos) {
        setting.value = text.substr(equals + 1);
      } else if (i + 1 < words.size() && !words[i + 1].text.starts_with("--")) {
        setting.value = words[i + 1].text;
        setting.value_place = place_at(text_, words[i + 1].offset, file_);
      }
      const auto [found, fresh] = index.try_emplace(setting.key, settings.size());
      if (fresh) {
        settings.push_back(std::move(setting));
      } else {
        settings[found->second] = std::move(setting);
      }
    }
  }
  return settings;
}

Result<Settings> Shell::read() {
  if (text_.size() > kMostBytes) return failure({file_, 0, 0}, "is larger than 1 MiB");
  if (const auto offset = first_non_text(text_)) {
    return failure(place_at(text_, *offset, file_), "is not text");
  }
  while (!done())
    command();
  if (failed_) return failure({mistake_});
  Settings settings = flags(commands_);
  if (!settings.empty()) return settings;
  std::vector<std::vector<Word>> values;
  for (const std::string& name : order_)
    values.push_back(variables_.find(name)->second);
  return flags(values);
}

}  // namespace

Result<Settings> settings_of_shell(std::string_view text, const std::string& file) {
  return Shell(text, file).read();
}

}  // namespace fastpath
