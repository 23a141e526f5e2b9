#include "measure/loader/sample_codec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>

#include <fmt/format.h>
#include <png.h>
#include <turbojpeg.h>
#include <zlib.h>
#include <zstd.h>

namespace fastpath {
namespace {

constexpr std::size_t kMostDecoded = std::size_t{1} << 30;
constexpr std::size_t kFirstRoom = std::size_t{64} << 10;
constexpr std::size_t kChannels = 3;
constexpr int kJpegQuality = 90;
constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, with gzip's header

struct Ending {
  std::string_view text;
  SampleEncoding encoding;
};
// The first of an encoding is the one that new files get.
constexpr std::array<Ending, 7> kEndings{{{".raw", SampleEncoding::raw},
                                          {".gz", SampleEncoding::gzip},
                                          {".zst", SampleEncoding::zstd},
                                          {".png", SampleEncoding::png},
                                          {".jpg", SampleEncoding::jpeg},
                                          {".jpeg", SampleEncoding::jpeg},
                                          {".bin", SampleEncoding::raw}}};

/// Room for more, twice what there is. False: it would be too much.
bool grow(SampleBytes& bytes) {
  if (bytes.size() >= kMostDecoded) return false;
  bytes.resize(std::max(kFirstRoom, 2 * bytes.size()));
  return true;
}

constexpr std::string_view kTooMuch = "decodes to more than 1 GiB";

/// Behind a call that did not reach the stream's end.
std::string gzip_mistake(int code, const z_stream& stream) {
  if (code == Z_BUF_ERROR || (code == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) {
    return "its gzip stream is cut";
  }
  if (code == Z_OK) return {};
  return fmt::format("its gzip stream is damaged: {}",
                     stream.msg != nullptr ? stream.msg : "wrong data");
}

std::string decode_jpeg_by(tjhandle jpeg, std::span<const unsigned char> stored,
                           SampleBytes& decoded) {
  int width = 0;
  int height = 0;
  int sampling = 0;
  int colours = 0;
  const auto bytes = static_cast<unsigned long>(stored.size());
  if (tjDecompressHeader3(jpeg, stored.data(), bytes, &width, &height, &sampling, &colours) != 0) {
    return fmt::format("is no JPEG: {}", tjGetErrorStr2(jpeg));
  }
  const std::size_t pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  if (pixels > kMostDecoded / kChannels) return std::string(kTooMuch);
  decoded.resize(pixels * kChannels);
  // Bytes that libjpeg could do without are a warning to it, and lost data to us.
  if (tjDecompress2(jpeg, stored.data(), bytes, decoded.data(), width, 0, height, TJPF_RGB,
                    TJFLAG_STOPONWARNING) != 0) {
    return fmt::format("its JPEG is damaged: {}", tjGetErrorStr2(jpeg));
  }
  return {};
}

}  // namespace

struct SampleDecoder::State {
  SampleEncoding encoding = SampleEncoding::raw;
  tjhandle jpeg = nullptr;
  ZSTD_DCtx* zstd = nullptr;
  z_stream gzip{};
  bool gzip_open = false;
  std::size_t last = 0;  ///< bytes of the sample before: the next one is probably as large

  std::string decode_gzip(std::span<const unsigned char> stored, SampleBytes& decoded);
  std::string decode_zstd(std::span<const unsigned char> stored, SampleBytes& decoded);
  std::string decode_jpeg(std::span<const unsigned char> stored, SampleBytes& decoded);
};

std::optional<SampleEncoding> encoding_of_file(std::string_view file) {
  for (const Ending& ending : kEndings) {
    if (file.ends_with(ending.text)) return ending.encoding;
  }
  return std::nullopt;
}

std::string_view ending_of(SampleEncoding encoding) {
  for (const Ending& ending : kEndings) {
    if (ending.encoding == encoding) return ending.text;
  }
  return {};
}

SampleDecoder::SampleDecoder(SampleEncoding encoding) : state_(std::make_unique<State>()) {
  state_->encoding = encoding;
  if (encoding == SampleEncoding::zstd) state_->zstd = ZSTD_createDCtx();
  if (encoding == SampleEncoding::gzip) {
    state_->gzip_open = inflateInit2(&state_->gzip, kGzipWindow) == Z_OK;
  }
}

SampleDecoder::~SampleDecoder() {
  if (state_->jpeg != nullptr) tjDestroy(state_->jpeg);
  ZSTD_freeDCtx(state_->zstd);
  if (state_->gzip_open) inflateEnd(&state_->gzip);
}

std::string SampleDecoder::State::decode_gzip(std::span<const unsigned char> stored,
                                              SampleBytes& decoded) {
  if (!gzip_open || inflateReset(&gzip) != Z_OK) return "zlib has no memory";
  // zlib does not write to its input, but its type does not say so.
  gzip.next_in = const_cast<unsigned char*>(stored.data());
  gzip.avail_in = static_cast<unsigned>(stored.size());
  decoded.resize(std::max(last, kFirstRoom));
  std::size_t done = 0;
  while (true) {
    if (done == decoded.size() && !grow(decoded)) return std::string(kTooMuch);
    gzip.next_out = decoded.data() + done;
    gzip.avail_out = static_cast<unsigned>(decoded.size() - done);
    const int code = inflate(&gzip, Z_NO_FLUSH);
    done = decoded.size() - gzip.avail_out;
    if (code == Z_STREAM_END && gzip.avail_in == 0) break;
    if (code == Z_STREAM_END) {  // members may follow each other
      if (inflateReset(&gzip) != Z_OK) return "zlib has no memory";
      continue;
    }
    if (std::string wrong = gzip_mistake(code, gzip); !wrong.empty()) return wrong;
  }
  decoded.resize(done);
  last = done;
  return {};
}

std::string SampleDecoder::State::decode_zstd(std::span<const unsigned char> stored,
                                              SampleBytes& decoded) {
  if (zstd == nullptr) return "libzstd has no memory";
  ZSTD_DCtx_reset(zstd, ZSTD_reset_session_only);
  decoded.resize(std::max(last, kFirstRoom));
  ZSTD_inBuffer in{stored.data(), stored.size(), 0};
  std::size_t done = 0;
  std::size_t more = 1;
  while (in.pos < in.size || more != 0) {
    if (done == decoded.size() && !grow(decoded)) return std::string(kTooMuch);
    ZSTD_outBuffer out{decoded.data() + done, decoded.size() - done, 0};
    const std::size_t before = in.pos;
    more = ZSTD_decompressStream(zstd, &out, &in);
    if (ZSTD_isError(more) != 0) {
      return fmt::format("its zstd stream is damaged: {}", ZSTD_getErrorName(more));
    }
    done += out.pos;
    if (more != 0 && out.pos == 0 && in.pos == before) return "its zstd stream is cut";
  }
  decoded.resize(done);
  last = done;
  return {};
}

std::string SampleDecoder::State::decode_jpeg(std::span<const unsigned char> stored,
                                              SampleBytes& decoded) {
  if (jpeg == nullptr) jpeg = tjInitDecompress();
  if (jpeg == nullptr) return "libjpeg-turbo has no memory";
  std::string wrong = decode_jpeg_by(jpeg, stored, decoded);
  if (!wrong.empty()) {  // what it had begun would be taken for a part of the next sample
    tjDestroy(jpeg);
    jpeg = nullptr;
  }
  return wrong;
}

namespace {

std::string decode_png(std::span<const unsigned char> stored, SampleBytes& decoded) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, stored.data(), stored.size()) == 0) {
    return fmt::format("is no PNG: {}", image.message);
  }
  image.format = PNG_FORMAT_RGB;
  const std::size_t pixels =
      static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  if (pixels > kMostDecoded / kChannels) {
    png_image_free(&image);
    return std::string(kTooMuch);
  }
  decoded.resize(pixels * kChannels);
  if (png_image_finish_read(&image, nullptr, decoded.data(), 0, nullptr) == 0) {
    return fmt::format("its PNG is damaged: {}", image.message);
  }
  return {};
}

Result<SampleBytes> encode_jpeg(int side, const SampleBytes& pixels) {
  const tjhandle handle = tjInitCompress();
  unsigned char* made = nullptr;
  unsigned long bytes = 0;
  const bool right =
      handle != nullptr && tjCompress2(handle, pixels.data(), side, 0, side, TJPF_RGB, &made,
                                       &bytes, TJSAMP_420, kJpegQuality, TJFLAG_ACCURATEDCT) == 0;
  SampleBytes result;
  if (right) result.assign(made, made + bytes);
  tjFree(made);
  if (handle != nullptr) tjDestroy(handle);
  if (!right) return failure({.file = "jpeg"}, "libjpeg-turbo could not encode a picture");
  return result;
}

Result<SampleBytes> encode_png(int side, const SampleBytes& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(side);
  image.height = static_cast<png_uint_32>(side);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  SampleBytes result(bytes);
  if (png_image_write_to_memory(&image, result.data(), &bytes, 0, pixels.data(), 0, nullptr) == 0) {
    return failure({.file = "png"}, fmt::format("libpng: {}", image.message));
  }
  result.resize(bytes);
  return result;
}

Result<SampleBytes> encode_gzip(const SampleBytes& bytes) {
  z_stream stream{};
  constexpr int kUsualMemory = 8;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kUsualMemory,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return failure({.file = "gzip"}, "zlib has no memory");
  }
  SampleBytes result(deflateBound(&stream, static_cast<unsigned long>(bytes.size())));
  stream.next_in = const_cast<unsigned char*>(bytes.data());
  stream.avail_in = static_cast<unsigned>(bytes.size());
  stream.next_out = result.data();
  stream.avail_out = static_cast<unsigned>(result.size());
  const int code = deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) return failure({.file = "gzip"}, "zlib could not encode");
  return result;
}

Result<SampleBytes> encode_zstd(const SampleBytes& bytes) {
  SampleBytes result(ZSTD_compressBound(bytes.size()));
  const std::size_t made =
      ZSTD_compress(result.data(), result.size(), bytes.data(), bytes.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(made) != 0) return failure({.file = "zstd"}, ZSTD_getErrorName(made));
  result.resize(made);
  return result;
}

/// A wave over the picture; cosines of sums from cosines of the two parts.
struct Wave {
  std::vector<double> across_cos;
  std::vector<double> across_sin;
  std::vector<double> down_cos;
  std::vector<double> down_sin;

  double at(std::size_t x, std::size_t y) const {
    return across_cos[x] * down_cos[y] - across_sin[x] * down_sin[y];
  }
};

double share_of(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

/// Amplitudes fall with the frequency, as those of photographs do.
Wave draw_wave(std::mt19937_64& random, int side) {
  constexpr double kHighest = 40;
  const double across = std::pow(kHighest, share_of(random));
  const double down = std::pow(kHighest, share_of(random));
  const double phase = 2 * std::numbers::pi * share_of(random);
  constexpr double kLevel = 70;
  const double amplitude = kLevel / std::sqrt(across * across + down * down);
  Wave wave;
  for (int i = 0; i < side; ++i) {
    const double turn = 2 * std::numbers::pi * i / side;
    wave.across_cos.push_back(amplitude * std::cos(across * turn));
    wave.across_sin.push_back(amplitude * std::sin(across * turn));
    wave.down_cos.push_back(std::cos(down * turn + phase));
    wave.down_sin.push_back(std::sin(down * turn + phase));
  }
  return wave;
}

}  // namespace

std::string SampleDecoder::decode(std::span<const unsigned char> stored, SampleBytes& decoded) {
  switch (state_->encoding) {
    case SampleEncoding::raw: break;
    case SampleEncoding::gzip: return state_->decode_gzip(stored, decoded);
    case SampleEncoding::zstd: return state_->decode_zstd(stored, decoded);
    case SampleEncoding::png: return decode_png(stored, decoded);
    case SampleEncoding::jpeg: return state_->decode_jpeg(stored, decoded);
  }
  decoded.assign(stored.begin(), stored.end());
  return {};
}

SampleBytes test_picture(int side, std::uint64_t seed) {
  constexpr std::size_t kWaves = 12;
  constexpr int kNoise = 8;
  constexpr double kMiddle = 128;
  std::mt19937_64 random(seed);
  std::vector<Wave> waves;
  waves.reserve(kWaves * kChannels);
  for (std::size_t i = 0; i < kWaves * kChannels; ++i)
    waves.push_back(draw_wave(random, side));
  const auto size = static_cast<std::size_t>(side);
  SampleBytes pixels(size * size * kChannels);
  std::size_t at = 0;
  for (std::size_t y = 0; y < size; ++y) {
    for (std::size_t x = 0; x < size; ++x) {
      std::uint64_t noise = random();
      for (std::size_t channel = 0; channel < kChannels; ++channel) {
        double value = kMiddle + static_cast<double>(noise % (2 * kNoise + 1)) - kNoise;
        noise >>= 16;
        for (std::size_t wave = channel; wave < waves.size(); wave += kChannels)
          value += waves[wave].at(x, y);
        pixels[at++] = static_cast<unsigned char>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  return pixels;
}

Result<SampleBytes> encode_picture(SampleEncoding encoding, int side, const SampleBytes& pixels) {
  switch (encoding) {
    case SampleEncoding::raw: break;
    case SampleEncoding::gzip: return encode_gzip(pixels);
    case SampleEncoding::zstd: return encode_zstd(pixels);
    case SampleEncoding::png: return encode_png(side, pixels);
    case SampleEncoding::jpeg: return encode_jpeg(side, pixels);
  }
  return pixels;
}

std::uint32_t checksum(std::span<const unsigned char> bytes) {
  return static_cast<std::uint32_t>(crc32_z(crc32_z(0, nullptr, 0), bytes.data(), bytes.size()));
}

}  // namespace fastpath
