/// Samples decoded by zlib, libzstd, libpng and libjpeg-turbo, and encoded for test data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/input_pipeline.h"

namespace fastpath {

/// By what a file's name ends in (".jpg", ".jpeg", ".png", ".gz", ".zst", ".raw", ".bin").
std::optional<SampleEncoding> encoding_of_file(std::string_view file);

/// What names of such files end in, with the dot.
std::string_view ending_of(SampleEncoding encoding);

using SampleBytes = std::vector<unsigned char>;

/// Decodes samples of one encoding, pictures to 8-bit RGB; of one thread at a time. Raw samples are
/// copied.
class SampleDecoder {
 public:
  explicit SampleDecoder(SampleEncoding encoding);
  ~SampleDecoder();
  SampleDecoder(const SampleDecoder&) = delete;
  SampleDecoder& operator=(const SampleDecoder&) = delete;

  /// Returns what is wrong, empty for nothing: bytes that are missing or do not fit together are,
  /// and more than 1 GiB.
  std::string decode(std::span<const unsigned char> stored, SampleBytes& decoded);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A square picture of 8-bit RGB: smooth waves and a little noise, so that it compresses somewhat
/// like a photograph. The same for the same seed.
SampleBytes test_picture(int side, std::uint64_t seed);

/// A square picture of 8-bit RGB, encoded. JPEG: quality 90, colours at half resolution.
Result<SampleBytes> encode_picture(SampleEncoding encoding, int side, const SampleBytes& pixels);

/// CRC-32 as of zlib.
std::uint32_t checksum(std::span<const unsigned char> bytes);

}  // namespace fastpath
