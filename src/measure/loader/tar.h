/// Tar archives: where their members lie, and headers of new ones. libarchive hands out bytes, and
/// no offsets at which several reads can be under way.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

namespace fastpath {

inline constexpr std::int64_t kTarBlock = 512;

/// A regular file in an archive.
struct TarMember {
  std::string name;
  std::int64_t offset = 0;  ///< of its first byte in the archive
  std::int64_t bytes = 0;
};

/// Reads `into.size()` bytes from `offset`; returns what is wrong, empty for nothing.
using ReadBytesAt = std::function<std::string(std::int64_t offset, std::span<unsigned char> into)>;

/// The regular files of an archive (ustar, GNU's long names, pax) of `bytes` bytes. Fails, with the
/// byte, on headers that are damaged, members that are cut, and a missing end mark: an archive cut
/// between two members has lost some as well.
Result<std::vector<TarMember>> tar_members(const std::string& file, std::int64_t bytes,
                                           const ReadBytesAt& read);

/// Of an archive in memory.
Result<std::vector<TarMember>> tar_members(const std::string& file, std::string_view archive);

/// The header of a regular file; `name` has at most 100 bytes.
std::string tar_header(std::string_view name, std::int64_t bytes);

/// Bytes that fill up a member of `bytes` to whole blocks.
std::int64_t tar_padding(std::int64_t bytes);

}  // namespace fastpath
