/// A moving window over a source's text, with room for what the JSON parser needs around it.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "import/trace/byte_source.h"

namespace fastpath {

/// A byte before the text and `kPadding` bytes behind it may be written.
class TextWindow {
 public:
  static constexpr std::size_t kPadding = 128;

  TextWindow(ByteSource& source, std::size_t size)
      : source_(source), buffer_(1 + size + kPadding), step_(size) {}

  std::string_view text() const { return {buffer_.data() + begin_, end_ - begin_}; }
  char* data() { return buffer_.data() + begin_; }
  std::size_t capacity() const { return buffer_.size() - begin_; }
  bool ended() const { return ended_; }
  std::size_t bytes_read() const { return bytes_read_; }

  /// Forgets the first `count` bytes of the text.
  void drop(std::size_t count) { begin_ += std::min(count, end_ - begin_); }

  /// Reads on behind the text; false at the end of the source.
  bool more() {
    if (ended_) return false;
    const std::size_t size = end_ - begin_;
    std::memmove(buffer_.data() + 1, buffer_.data() + begin_, size);
    begin_ = 1;
    end_ = 1 + size;
    if (size + step_ / 2 + 1 + kPadding > buffer_.size()) buffer_.resize(2 * buffer_.size());
    const std::size_t room = buffer_.size() - kPadding - end_;
    const std::size_t count = source_.read(buffer_.data() + end_, room);
    end_ += count;
    bytes_read_ += count;
    ended_ = count == 0;
    return count > 0;
  }

 private:
  ByteSource& source_;
  std::vector<char> buffer_;
  std::size_t step_;
  std::size_t begin_ = 1;
  std::size_t end_ = 1;
  std::size_t bytes_read_ = 0;
  bool ended_ = false;
};

/// Bytes of the JSON value at the start of `text`, by its brackets and quotes alone; npos where it
/// does not end within the text.
std::size_t value_length(std::string_view text);

/// Where the next event may start behind a broken one: at a "{" with a quote behind it, after "},".
/// npos if there is none.
std::size_t next_event(std::string_view text);

}  // namespace fastpath
