/// Reads of parts of files that lose no byte: short reads go on, and what fails names the byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "fastpath/result.h"

#include "measure/loader/read_hooks.h"

namespace fastpath {

/// A part of a file that is being read.
struct PartRead {
  std::int64_t offset = 0;  ///< of the part in the file
  std::int64_t bytes = 0;   ///< of the part
  std::int64_t done = 0;    ///< of them read

  bool complete() const { return done == bytes; }

  /// Takes what a read at `offset + done` gave: bytes, 0 for the file's end, or -errno. Interrupted
  /// reads are to be asked again. Returns what is wrong, empty for nothing.
  std::string advance(std::int64_t got);
};

/// An open file. Closed at the end.
class SampleFile {
 public:
  SampleFile() = default;
  SampleFile(SampleFile&& other) noexcept;
  SampleFile& operator=(SampleFile&& other) noexcept;
  ~SampleFile();

  /// Returns what is wrong, empty for nothing.
  std::string open(const std::string& path, const ReadHooks& hooks);
  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  void close();

  /// Fills `into` from `offset` by pread. Returns what is wrong, empty for nothing.
  std::string read(const std::string& path, std::int64_t offset, std::span<unsigned char> into,
                   const ReadHooks& hooks) const;

 private:
  int number_ = -1;
};

/// What the loader sees of a read.
std::int64_t seen(const ReadHooks& hooks, const std::string& path, std::int64_t offset,
                  std::span<unsigned char> bytes, std::int64_t got);

}  // namespace fastpath
