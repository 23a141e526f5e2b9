/// The text of a trace, unpacked while it is read: never more than a window of it is in memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "fastpath/result.h"

namespace fastpath {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Fills up to `size` bytes; 0 = the end. What could be unpacked of a broken file comes first,
  /// then the end, and `damage` says what is wrong.
  virtual std::size_t read(char* out, std::size_t size) = 0;

  /// Empty while all is well.
  const std::string& damage() const { return damage_; }

 protected:
  std::string damage_;
};

/// By its first bytes: gzip, zstd or plain. Fails where the file cannot be opened.
Result<std::unique_ptr<ByteSource>> open_source(const std::string& path);

/// The same of bytes in memory, which must outlive it.
std::unique_ptr<ByteSource> source_of(std::string_view bytes);

}  // namespace fastpath
