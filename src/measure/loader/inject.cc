#include "measure/loader/inject.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

namespace fastpath {
namespace {

/// Mixes a place into evenly spread bits (splitmix64: Steele, Lea and Flood, OOPSLA 2014).
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/// FNV-1a: the same on every machine.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

class Injector {
 public:
  Injector(std::span<const InjectedError> errors, std::uint64_t seed, std::uint64_t one_in)
      : errors_(errors.begin(), errors.end()), seed_(seed), one_in_(one_in) {}

  int open(const std::string& file) const {
    return strikes(InjectedError::vanished, file, 0) ? ENOENT : 0;
  }

  std::int64_t read(const std::string& file, std::int64_t offset, std::span<unsigned char> bytes,
                    std::int64_t got) const {
    if (got <= 0) return got;
    const auto at = static_cast<std::uint64_t>(offset);
    if (strikes(InjectedError::io_error, file, at)) return -EIO;
    if (strikes(InjectedError::cut, file, 0)) {
      const auto end = static_cast<std::int64_t>(mix(seed_ ^ hash_of(file)) % kCutWithin);
      if (offset + got > end) return std::max<std::int64_t>(0, end - offset);
    }
    if (strikes(InjectedError::wrong_byte, file, at)) {
      bytes[mix(seed_ ^ at) % static_cast<std::uint64_t>(got)] ^= 0x20;
    }
    if (got > 1 && strikes(InjectedError::short_read, file, at)) {
      return 1 + static_cast<std::int64_t>(mix(at) % static_cast<std::uint64_t>(got - 1));
    }
    return got;
  }

 private:
  static constexpr std::uint64_t kCutWithin = 1024;

  bool strikes(InjectedError error, const std::string& file, std::uint64_t at) const {
    if (std::find(errors_.begin(), errors_.end(), error) == errors_.end()) return false;
    const std::uint64_t place =
        mix(hash_of(file) ^ mix(at ^ mix(seed_ + static_cast<std::uint64_t>(error))));
    return place % one_in_ == 0;
  }

  std::vector<InjectedError> errors_;
  std::uint64_t seed_;
  std::uint64_t one_in_;
};

}  // namespace

std::string_view name_of(InjectedError error) {
  switch (error) {
    case InjectedError::short_read: return "short";
    case InjectedError::io_error: return "eio";
    case InjectedError::vanished: return "vanished";
    case InjectedError::cut: return "cut";
    case InjectedError::wrong_byte: return "byte";
  }
  return {};
}

ReadHooks inject(std::span<const InjectedError> errors, std::uint64_t seed, std::uint64_t one_in) {
  const Injector injector(errors, seed, std::max<std::uint64_t>(1, one_in));
  ReadHooks hooks;
  hooks.open = [injector](const std::string& file) { return injector.open(file); };
  hooks.read = [injector](const std::string& file, std::int64_t offset,
                          std::span<unsigned char> bytes,
                          std::int64_t got) { return injector.read(file, offset, bytes, got); };
  return hooks;
}

}  // namespace fastpath
