#include "measure/loader/tar.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

constexpr std::int64_t kMostName = std::int64_t{1} << 20;
constexpr std::size_t kMostMembers = 100'000'000;
constexpr std::size_t kSizeField = 124;
constexpr std::size_t kChecksumField = 148;
constexpr std::size_t kTypeField = 156;

using Header = std::array<unsigned char, static_cast<std::size_t>(kTarBlock)>;

std::string text_field(const Header& header, std::size_t from, std::size_t bytes) {
  const auto* begin = reinterpret_cast<const char*>(header.data()) + from;
  return {begin, strnlen(begin, bytes)};
}

/// Octal digits, or GNU's base 256 where the first bit is set.
std::optional<std::int64_t> number_field(const Header& header, std::size_t from,
                                         std::size_t bytes) {
  constexpr std::int64_t kRoom = std::numeric_limits<std::int64_t>::max() >> 8;
  std::int64_t value = 0;
  if ((header[from] & 0x80) != 0) {
    value = header[from] & 0x7f;
    for (std::size_t i = from + 1; i < from + bytes; ++i) {
      if (value > kRoom) return std::nullopt;
      value = value << 8 | header[i];
    }
    return value;
  }
  bool any = false;
  for (std::size_t i = from; i < from + bytes; ++i) {
    const unsigned char c = header[i];
    if (c == ' ' && !any) continue;
    if (c == ' ' || c == 0) break;
    if (c < '0' || c > '7' || value > kRoom) return std::nullopt;
    value = value * 8 + (c - '0');
    any = true;
  }
  return any ? std::optional(value) : std::nullopt;
}

/// The sum of all bytes with the field of the sum itself as spaces.
std::int64_t checksum(const Header& header) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool own = i >= kChecksumField && i < kChecksumField + 8;
    sum += own ? ' ' : header[i];
  }
  return sum;
}

bool is_end(const Header& header) {
  return std::all_of(header.begin(), header.end(), [](unsigned char c) { return c == 0; });
}

/// What pax and GNU headers say of the member behind them.
struct Ahead {
  std::optional<std::string> name;
  std::optional<std::int64_t> bytes;
};

/// Records "LENGTH KEY=VALUE\n". Returns whether they are well formed.
bool read_pax(std::string_view text, Ahead& ahead) {
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    if (space == text.npos) return false;
    const auto length = parse_integer(text.substr(0, space));
    if (!length || *length <= static_cast<long long>(space) + 1 ||
        *length > static_cast<long long>(text.size())) {
      return false;
    }
    std::string_view record = text.substr(space + 1, static_cast<std::size_t>(*length) - space - 1);
    if (record.back() != '\n') return false;
    record.remove_suffix(1);
    const std::size_t equals = record.find('=');
    if (equals == record.npos) return false;
    const std::string_view value = record.substr(equals + 1);
    if (record.substr(0, equals) == "path") ahead.name = std::string(value);
    if (record.substr(0, equals) == "size") {
      const auto bytes = parse_integer(value);
      if (!bytes || *bytes < 0) return false;
      ahead.bytes = *bytes;
    }
    text.remove_prefix(static_cast<std::size_t>(*length));
  }
  return true;
}

class Scan {
 public:
  Scan(const std::string& file, std::int64_t bytes, const ReadBytesAt& read)
      : file_(file), bytes_(bytes), read_(read) {}

  Result<std::vector<TarMember>> run() {
    while (!ended_ && wrong_.empty())
      step();
    if (!wrong_.empty()) {
      return failure({.file = file_}, wrong_, "copy the archive again, or leave it out");
    }
    return std::move(members_);
  }

 private:
  void step() {
    if (at_ == bytes_) {
      wrong_ = fmt::format("has no end mark: it was cut at byte {}", bytes_);
      return;
    }
    Header header{};
    if (bytes_ - at_ < kTarBlock) {
      wrong_ =
          fmt::format("ends at byte {}, within the header that begins at byte {}", bytes_, at_);
      return;
    }
    wrong_ = read_(at_, header);
    if (!wrong_.empty()) return;
    if (is_end(header)) {
      ended_ = true;
      return;
    }
    const auto sum = number_field(header, kChecksumField, 8);
    const auto size = number_field(header, kSizeField, 12);
    if (!sum || *sum != checksum(header) || !size || *size < 0) {
      wrong_ = fmt::format("has no valid tar header at byte {}", at_);
      return;
    }
    at_ += kTarBlock;
    take(header, *size);
  }

  /// `at_` is behind the header.
  void take(const Header& header, std::int64_t size) {
    const char type = static_cast<char>(header[kTypeField]);
    const bool about_next = type == 'L' || type == 'x' || type == 'K' || type == 'g';
    const std::int64_t bytes = about_next ? size : ahead_.bytes.value_or(size);
    std::string name = name_of(header);
    if (bytes > bytes_ - at_) {
      wrong_ = fmt::format("member {} at byte {} is cut: {} of its {} bytes are there",
                           in_quotes(name), at_, bytes_ - at_, bytes);
      return;
    }
    if (about_next) {
      read_ahead(type, bytes);
    } else {
      if (type == '0' || type == '\0' || type == '7') {
        members_.push_back({ahead_.name ? std::move(*ahead_.name) : std::move(name), at_, bytes});
      }
      ahead_ = {};
    }
    at_ = std::min(bytes_, at_ + bytes + tar_padding(bytes));
    if (members_.size() > kMostMembers) wrong_ = "has too many members";
  }

  void read_ahead(char type, std::int64_t bytes) {
    if (type != 'L' && type != 'x') return;
    if (bytes > kMostName) {
      wrong_ = fmt::format("has a name of {} bytes at byte {}", bytes, at_);
      return;
    }
    std::string text(static_cast<std::size_t>(bytes), '\0');
    wrong_ = read_(at_, {reinterpret_cast<unsigned char*>(text.data()), text.size()});
    if (!wrong_.empty()) return;
    if (type == 'L') {
      ahead_.name = text.substr(0, text.find('\0'));
    } else if (!read_pax(text, ahead_)) {
      wrong_ = fmt::format("has a damaged pax header at byte {}", at_);
    }
  }

  static std::string name_of(const Header& header) {
    const bool ustar = text_field(header, 257, 5) == "ustar" && header[262] == 0;
    const std::string prefix = ustar ? text_field(header, 345, 155) : std::string();
    std::string name = text_field(header, 0, 100);
    return prefix.empty() ? name : prefix + '/' + name;
  }

  const std::string& file_;
  std::int64_t bytes_;
  const ReadBytesAt& read_;
  std::int64_t at_ = 0;
  bool ended_ = false;
  std::string wrong_;
  Ahead ahead_;
  std::vector<TarMember> members_;
};

}  // namespace

Result<std::vector<TarMember>> tar_members(const std::string& file, std::int64_t bytes,
                                           const ReadBytesAt& read) {
  return Scan(file, bytes, read).run();
}

Result<std::vector<TarMember>> tar_members(const std::string& file, std::string_view archive) {
  return tar_members(file, static_cast<std::int64_t>(archive.size()),
                     [archive](std::int64_t offset, std::span<unsigned char> into) {
                       std::memcpy(into.data(), archive.data() + offset, into.size());
                       return std::string();
                     });
}

std::string tar_header(std::string_view name, std::int64_t bytes) {
  Header header{};
  const auto put = [&](std::size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0, name.substr(0, 100));
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(kSizeField, fmt::format("{:011o}", bytes));
  put(136, fmt::format("{:011o}", 0));
  header[kTypeField] = '0';
  put(257, std::string_view("ustar\00000", 8));
  put(kChecksumField, fmt::format("{:06o}", checksum(header)));
  header[kChecksumField + 7] = ' ';
  return {header.begin(), header.end()};
}

std::int64_t tar_padding(std::int64_t bytes) { return (kTarBlock - bytes % kTarBlock) % kTarBlock; }

}  // namespace fastpath
