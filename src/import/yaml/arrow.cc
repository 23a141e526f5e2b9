#include "import/yaml/arrow.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

constexpr std::size_t kMostTensors = 256;
constexpr std::size_t kMostAxes = 32;
constexpr std::size_t kLongestText = 1 << 16;

bool is_name_character(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool digit = c >= '0' && c <= '9';
  return letter || digit || c == '_' || c == '.' || c == ':' || c == '/';
}

/// Reads the text from left to right; the first mistake ends it.
class ArrowParser {
 public:
  ArrowParser(std::string_view text, const Place& start) : text_(text), start_(start) {}

  std::optional<Arrow> arrow() {
    Arrow arrow;
    skip_space();
    if (!text_.substr(at_).starts_with("->")) arrow.inputs = tensors();
    if (failed()) return std::nullopt;
    if (!text_.substr(at_).starts_with("->")) {
      fail(at_end() ? "the operator has no '->'" : unexpected(),
           "write inputs -> outputs, as in \"x[batch hidden], w[hidden ffn] -> y[batch ffn]\"");
      return std::nullopt;
    }
    at_ += 2;
    arrow.outputs = tensors();
    if (!failed() && !at_end()) fail(unexpected(), "separate tensors by commas");
    if (failed()) return std::nullopt;
    return arrow;
  }

  std::optional<std::vector<ArrowAxis>> shape() {
    skip_space();
    auto found = !at_end() && text_[at_] == '[' ? axes_in_brackets() : axes();
    skip_space();
    if (!failed() && !at_end()) fail(unexpected(), "write a shape as \"[batch hidden]\"");
    if (failed()) return std::nullopt;
    return found;
  }

  Diagnostics mistake() && { return {std::move(*mistake_)}; }

 private:
  bool failed() const { return mistake_.has_value(); }
  bool at_end() const { return at_ >= text_.size(); }

  std::string unexpected() const {
    return fmt::format("unexpected {}", in_quotes(text_.substr(at_, 12)));
  }

  void fail(std::string what, std::string hint = {}) {
    if (failed()) return;
    Place place = start_;
    if (place.column > 0) place.column += static_cast<int>(at_);
    mistake_ = Diagnostic{std::move(place), std::move(what), std::move(hint)};
  }

  void skip_space() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
      ++at_;
  }

  bool at_name() const {
    if (at_end()) return false;
    if (text_[at_] == '`' || is_name_character(text_[at_])) return true;
    return text_[at_] == '-' && !text_.substr(at_).starts_with("->");
  }

  std::string name() {
    if (!at_name()) {
      fail(at_end() ? "a name is missing" : unexpected(), "a name was expected here");
      return {};
    }
    if (text_[at_] == '`') return backquoted_name();
    const std::size_t begin = at_;
    while (at_name() && text_[at_] != '`')
      ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string backquoted_name() {
    std::string result;
    for (++at_; !at_end(); ++at_) {
      if (text_[at_] != '`') {
        result += text_[at_];
      } else if (text_.substr(at_).starts_with("``")) {
        result += '`';
        ++at_;
      } else {
        ++at_;
        return result;
      }
    }
    fail("a backquote is not closed");
    return {};
  }

  std::vector<ArrowAxis> axes() {
    std::vector<ArrowAxis> axes;
    skip_space();
    while (!failed() && (at_name() || (!at_end() && text_[at_] == '@'))) {
      ArrowAxis axis;
      axis.offset = static_cast<int>(at_);
      axis.routed = text_[at_] == '@';
      if (axis.routed) ++at_;
      axis.dim = name();
      axes.push_back(std::move(axis));
      if (axes.size() > kMostAxes) fail(fmt::format("more than {} axes", kMostAxes));
      skip_space();
    }
    return axes;
  }

  std::vector<ArrowAxis> axes_in_brackets() {
    ++at_;
    std::vector<ArrowAxis> found = axes();
    if (failed()) return found;
    if (at_end() || text_[at_] != ']') {
      fail(at_end() ? "a ']' is missing" : unexpected(), "separate axes by spaces, end with ']'");
      return found;
    }
    ++at_;
    return found;
  }

  std::vector<ArrowTensor> tensors() {
    std::vector<ArrowTensor> found;
    while (!failed()) {
      skip_space();
      ArrowTensor tensor;
      tensor.offset = static_cast<int>(at_);
      tensor.name = name();
      skip_space();
      if (!failed() && !at_end() && text_[at_] == '[') tensor.axes = axes_in_brackets();
      skip_space();
      found.push_back(std::move(tensor));
      if (found.size() > kMostTensors) fail(fmt::format("more than {} tensors", kMostTensors));
      if (at_end() || text_[at_] != ',') break;
      ++at_;
    }
    return found;
  }

  std::string_view text_;
  const Place& start_;
  std::size_t at_ = 0;
  std::optional<Diagnostic> mistake_;
};

}  // namespace

Result<Arrow> parse_arrow(std::string_view text, const Place& start) {
  if (text.size() > kLongestText) return failure(start, "the operator's text is too long");
  ArrowParser parser(text, start);
  if (auto arrow = parser.arrow()) return std::move(*arrow);
  return failure(std::move(parser).mistake());
}

Result<std::vector<ArrowAxis>> parse_shape(std::string_view text, const Place& start) {
  if (text.size() > kLongestText) return failure(start, "the shape's text is too long");
  ArrowParser parser(text, start);
  if (auto axes = parser.shape()) return std::move(*axes);
  return failure(std::move(parser).mistake());
}

std::string arrow_name(std::string_view name) {
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), is_name_character);
  if (bare) return std::string(name);
  std::string result = "`";
  for (const char c : name)
    result.append(c == '`' ? 2 : 1, c);
  return result + '`';
}

}  // namespace fastpath
