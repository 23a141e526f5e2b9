#include "import/trace/event_reader.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <simdjson.h>
#include <string.h>  // NOLINT(modernize-deprecated-headers): memrchr is of GNU and POSIX 2024

#include "import/trace/text_window.h"

namespace fastpath {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kNowhere = std::string_view::npos;
constexpr std::size_t kWindow = std::size_t{1} << 20;
/// After a broken event little is parsed at a time: every further one costs its batch.
constexpr std::size_t kCarefulBatch = std::size_t{1} << 14;
/// An event that does not end within so much text is broken.
constexpr std::size_t kLargestEvent = std::size_t{1} << 26;
static_assert(TextWindow::kPadding >= simdjson::SIMDJSON_PADDING + 2);

std::string_view without_blanks_behind(std::string_view text) {
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// The text of a value; sets `error` where it is broken.
std::string_view raw_value(ondemand::value& value, simdjson::error_code& error) {
  const std::string_view token = value.raw_json_token();
  std::string_view raw = token;
  if (token.starts_with('[')) {
    ondemand::array array;
    error = value.get_array().get(array);
    if (error == simdjson::SUCCESS) error = array.raw_json().get(raw);
  } else if (token.starts_with('{')) {
    ondemand::object object;
    error = value.get_object().get(object);
    if (error == simdjson::SUCCESS) error = object.raw_json().get(raw);
  }
  return without_blanks_behind(raw);
}

std::string_view key_of(const ondemand::field& field) {
  const char* begin = field.key().raw();
  const char* end = begin;
  while (*end != '"')
    end += *end == '\\' ? 2 : 1;
  return {begin, static_cast<std::size_t>(end - begin)};
}

/// Where a batch ended, as an offset into the window's text.
struct Batch {
  enum class End : std::uint8_t { separator, array, broken, empty };
  End end = End::empty;
  std::size_t offset = 0;
};

class EventReader {
 public:
  EventReader(ByteSource& source, const EventHandlers& handlers)
      : window_(source, kWindow), handlers_(handlers) {}

  ReadCounts run() {
    window_.more();
    if (window_.text().starts_with("\xef\xbb\xbf")) window_.drop(3);
    const char first = skip_blanks();
    if (first == '[') {
      window_.drop(1);
      read_array();
    } else if (first == '{') {
      window_.drop(1);
      read_object();
    }
    while (window_.more())  // so that all of the text is counted
      window_.drop(window_.text().size());
    counts_.bytes = static_cast<std::int64_t>(window_.bytes_read());
    return counts_;
  }

 private:
  /// Drops blanks; the character behind them, or 0 at the end.
  char skip_blanks(std::string_view blanks = " \t\r\n") {
    while (true) {
      const std::size_t at = window_.text().find_first_not_of(blanks);
      if (at != kNowhere) {
        window_.drop(at);
        return window_.text().front();
      }
      window_.drop(window_.text().size());
      if (!window_.more()) return 0;
    }
  }

  /// The whole value at the start of the text, after reading on if need be.
  std::string_view whole_value() {
    while (true) {
      const std::size_t length = value_length(window_.text());
      if (length != kNowhere) return window_.text().substr(0, length);
      if (window_.text().size() > kLargestEvent || !window_.more()) return {};
    }
  }

  void read_object() {
    while (skip_blanks(" \t\r\n,") == '"') {
      const std::string_view quoted = whole_value();
      if (quoted.empty()) break;
      const std::string key(quoted.substr(1, quoted.size() - 2));
      window_.drop(quoted.size());
      if (skip_blanks() != ':') break;
      window_.drop(1);
      const char first = skip_blanks();
      if (key == "traceEvents" && first == '[') {
        window_.drop(1);
        read_array();
        continue;
      }
      const std::string_view value = whole_value();
      if (value.empty()) break;
      handlers_.metadata(key, value);
      window_.drop(value.size());
    }
  }

  void read_array() {
    counts_.found_events = true;
    while (true) {
      const char first = skip_blanks(" \t\r\n,");
      if (first == ']') {
        window_.drop(1);
        return;
      }
      if (first == 0) break;
      const Batch batch = read_batch();
      window_.drop(batch.offset);
      if (batch.end == Batch::End::array) return;
      if (batch.end == Batch::End::separator) {
        batch_size_ = std::min(2 * batch_size_, kWindow);
      } else if (batch.offset == 0 && !step_over()) {
        break;
      }
    }
    counts_.cut_off = true;
  }

  /// The event at the start of the text is broken, or not whole yet. False at the end of the text.
  bool step_over() {
    const std::string_view text = window_.text();
    std::size_t length = value_length(text.substr(0, batch_size_));
    if (length == kNowhere && batch_size_ < text.size()) {
      batch_size_ *= 2;
      return true;
    }
    if (length == kNowhere && text.size() < kLargestEvent && window_.more()) {
      batch_size_ = std::max(batch_size_, window_.text().size());
      return true;
    }
    if (length == kNowhere) length = next_event(text);
    const bool at_end = length == kNowhere;
    if (at_end) length = text.size();
    ++counts_.skipped;
    counts_.skipped_bytes += static_cast<std::int64_t>(length);
    window_.drop(length);
    batch_size_ = kCarefulBatch;
    return !at_end || !window_.ended();
  }

  Batch read_batch() {
    const std::string_view text = window_.text().substr(0, batch_size_);
    const void* brace = memrchr(text.data(), '}', text.size());
    if (brace == nullptr) return {};
    const auto cut = static_cast<std::size_t>(static_cast<const char*>(brace) - text.data()) + 1;
    // The batch is made an array of its own for the parser, in place.
    char* data = window_.data();
    const std::array<char, 3> kept{data[-1], data[cut], data[cut + 1]};
    data[-1] = '[';
    data[cut] = ']';
    const Batch batch = parse(data, cut);
    data[-1] = kept[0];
    data[cut] = kept[1];
    data[cut + 1] = kept[2];
    return batch;
  }

  Batch parse(char* data, std::size_t cut) {
    ondemand::document document;
    std::size_t size = cut + 2;
    for (int attempt = 0; attempt < 4; ++attempt) {
      const simdjson::error_code error =
          parser_.iterate(data - 1, size, window_.capacity() + 1).get(document);
      if (error == simdjson::SUCCESS) return parse_events(document, data, cut);
      if (error == simdjson::UNCLOSED_STRING && size == cut + 2) {
        data[cut] = '"';  // the cut is within a string of the last event, which is read again
        data[cut + 1] = ']';
        ++size;
      } else if (error == simdjson::UNESCAPED_CHARS) {
        blank_controls(data, cut);
      } else if (error == simdjson::UTF8_ERROR) {
        replace_high_bytes(data, cut);
      } else {
        break;
      }
    }
    return {Batch::End::broken, 0};
  }

  Batch parse_events(ondemand::document& document, const char* data, std::size_t cut) {
    Batch batch{Batch::End::broken, 0};
    ondemand::array array;
    if (document.get_array().get(array) != simdjson::SUCCESS) return batch;
    for (auto element : array) {
      ondemand::value value;
      if (element.get(value) != simdjson::SUCCESS || !read_event(value)) return batch;
      const char* behind = nullptr;
      if (document.current_location().get(behind) != simdjson::SUCCESS) return batch;
      batch.offset = static_cast<std::size_t>(behind - data);
      const bool own_end = batch.offset >= cut;
      if (!own_end && *behind != ',' && *behind != ']') return batch;
      ++counts_.events;
      handlers_.event(event_);
      batch.end = Batch::End::broken;
      if (own_end) {
        batch = {Batch::End::separator, cut};
        return batch;
      }
      ++batch.offset;
      if (*behind == ']') return {Batch::End::array, batch.offset};
    }
    return batch;
  }

  bool read_event(ondemand::value& value) {
    event_.phase = event_.name = event_.category = event_.process = event_.thread = {};
    event_.start = event_.duration = {};
    event_.arguments.clear();
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return false;
    for (auto member : object) {
      ondemand::field field;
      if (std::move(member).get(field) != simdjson::SUCCESS) return false;
      if (!read_member(field)) return false;
    }
    return true;
  }

  std::string_view* member_of(std::string_view key) {
    if (key == "ph") return &event_.phase;
    if (key == "name") return &event_.name;
    if (key == "cat") return &event_.category;
    if (key == "pid") return &event_.process;
    if (key == "tid") return &event_.thread;
    if (key == "ts") return &event_.start;
    if (key == "dur") return &event_.duration;
    return nullptr;
  }

  bool read_member(ondemand::field& field) {
    const std::string_view key = key_of(field);
    simdjson::error_code error = simdjson::SUCCESS;
    if (std::string_view* member = member_of(key)) {
      *member = raw_value(field.value(), error);
      return error == simdjson::SUCCESS;
    }
    if (key != "args" || !handlers_.wants_arguments(event_)) return true;
    ondemand::object arguments;
    if (field.value().get_object().get(arguments) != simdjson::SUCCESS) return true;
    for (auto member : arguments) {
      ondemand::field argument;
      if (std::move(member).get(argument) != simdjson::SUCCESS) return false;
      const std::string_view name = key_of(argument);
      event_.arguments.push_back({name, raw_value(argument.value(), error)});
      if (error != simdjson::SUCCESS) return false;
    }
    return true;
  }

  void blank_controls(char* data, std::size_t size) {
    for (char& c : std::span(data, size)) {
      if (static_cast<unsigned char>(c) >= 0x20) continue;
      if (c != '\n' && c != '\r' && c != '\t') ++counts_.control_characters;
      c = ' ';
    }
  }

  void replace_high_bytes(char* data, std::size_t size) {
    for (char& c : std::span(data, size)) {
      if (static_cast<unsigned char>(c) < 0x80) continue;
      ++counts_.invalid_utf8;
      c = '?';
    }
  }

  TextWindow window_;
  const EventHandlers& handlers_;
  ondemand::parser parser_;
  RawEvent event_;
  ReadCounts counts_;
  std::size_t batch_size_ = kWindow;
};

}  // namespace

ReadCounts read_events(ByteSource& source, const EventHandlers& handlers) {
  return EventReader(source, handlers).run();
}

}  // namespace fastpath
