#include "measure/loader/sample_read.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace fastpath {

std::string PartRead::advance(std::int64_t got) {
  if (got == -EINTR || got == -EAGAIN) return {};
  if (got < 0) {
    return fmt::format("a read of bytes {} to {} failed: {}", offset + done, offset + bytes,
                       std::strerror(static_cast<int>(-got)));
  }
  if (got == 0) {
    return fmt::format("ends {} byte {}: bytes {} to {} were expected",
                       done > 0 ? "at" : "at or before", offset + done, offset, offset + bytes);
  }
  done += std::min(got, bytes - done);
  return {};
}

SampleFile::SampleFile(SampleFile&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

SampleFile& SampleFile::operator=(SampleFile&& other) noexcept {
  if (this != &other) {
    close();
    number_ = std::exchange(other.number_, -1);
  }
  return *this;
}

SampleFile::~SampleFile() { close(); }

std::string SampleFile::open(const std::string& path, const ReadHooks& hooks) {
  const int injected = hooks.open ? hooks.open(path) : 0;
  if (injected == 0) number_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number_ >= 0) return {};
  return fmt::format("cannot be opened: {}", std::strerror(injected != 0 ? injected : errno));
}

void SampleFile::close() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

std::string SampleFile::read(const std::string& path, std::int64_t offset,
                             std::span<unsigned char> into, const ReadHooks& hooks) const {
  PartRead part{offset, static_cast<std::int64_t>(into.size())};
  while (!part.complete()) {
    const auto rest = into.subspan(static_cast<std::size_t>(part.done));
    const std::int64_t at = offset + part.done;
    const ssize_t got = pread(number_, rest.data(), rest.size(), at);
    std::string wrong = part.advance(seen(hooks, path, at, rest, got < 0 ? -errno : got));
    if (!wrong.empty()) return wrong;
  }
  return {};
}

std::int64_t seen(const ReadHooks& hooks, const std::string& path, std::int64_t offset,
                  std::span<unsigned char> bytes, std::int64_t got) {
  return hooks.read ? hooks.read(path, offset, bytes, got) : got;
}

}  // namespace fastpath
