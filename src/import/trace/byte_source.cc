#include "import/trace/byte_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#define ZLIB_CONST  // input is not written to
#include <zlib.h>
#include <zstd.h>

namespace fastpath {
namespace {

constexpr std::size_t kPackedWindow = std::size_t{1} << 18;

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  std::size_t read(char* out, std::size_t size) override {
    const std::size_t count = std::min(size, bytes_.size());
    std::copy_n(bytes_.data(), count, out);
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
};

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

class FileSource : public ByteSource {
 public:
  explicit FileSource(File file) : file_(std::move(file)) {}
  std::size_t read(char* out, std::size_t size) override {
    const std::size_t count = std::fread(out, 1, size, file_.get());
    if (count < size && std::ferror(file_.get()) != 0) damage_ = "the file cannot be read further";
    return count;
  }

 private:
  File file_;
};

/// Packed bytes behind what unpacks them, read in windows.
class PackedInput {
 public:
  explicit PackedInput(std::unique_ptr<ByteSource> packed)
      : packed_(std::move(packed)), window_(kPackedWindow) {}

  /// Bytes not used yet, after reading more if there are none.
  std::string_view unread() {
    if (position_ == size_) {
      size_ = packed_->read(window_.data(), window_.size());
      position_ = 0;
    }
    return {window_.data() + position_, size_ - position_};
  }
  void use(std::size_t count) { position_ += count; }

 private:
  std::unique_ptr<ByteSource> packed_;
  std::vector<char> window_;
  std::size_t position_ = 0;
  std::size_t size_ = 0;
};

class GzipSource : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<ByteSource> packed) : input_(std::move(packed)) {
    constexpr int kGzipOnly = 16;
    ready_ = inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK;
    if (!ready_) damage_ = "out of memory";
  }
  ~GzipSource() override {
    if (ready_) inflateEnd(&stream_);
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read(char* out, std::size_t size) override {
    std::size_t done = 0;
    while (ready_ && done < size && damage_.empty()) {
      const std::string_view in = input_.unread();
      if (in.empty()) {
        if (!between_members_) damage_ = "the gzip file ends too early";
        break;
      }
      done += step(in, out + done, size - done);
    }
    return done;
  }

 private:
  std::size_t step(std::string_view in, char* out, std::size_t size) {
    constexpr std::size_t kMost = std::size_t{1} << 30;
    const auto room = static_cast<uInt>(std::min(size, kMost));
    stream_.next_in = reinterpret_cast<const Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = room;
    between_members_ = false;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    input_.use(in.size() - stream_.avail_in);
    if (code == Z_STREAM_END) {  // a file may hold several members
      between_members_ = true;
      inflateReset(&stream_);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      damage_ = "the gzip data are damaged";
    }
    return room - stream_.avail_out;
  }

  PackedInput input_;
  z_stream stream_{};
  bool ready_ = false;
  bool between_members_ = false;
};

struct ZstdCloser {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

class ZstdSource : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> packed)
      : input_(std::move(packed)), stream_(ZSTD_createDStream()) {
    if (!stream_) damage_ = "out of memory";
  }

  std::size_t read(char* out, std::size_t size) override {
    std::size_t done = 0;
    while (done < size && damage_.empty()) {
      const std::string_view in = input_.unread();
      ZSTD_inBuffer source{in.data(), in.size(), 0};
      ZSTD_outBuffer target{out + done, size - done, 0};
      const std::size_t code = ZSTD_decompressStream(stream_.get(), &target, &source);
      input_.use(source.pos);
      done += target.pos;
      if (ZSTD_isError(code) != 0) damage_ = "the zstd data are damaged";
      if (in.empty() && target.pos == 0) {
        if (!whole_ && damage_.empty()) damage_ = "the zstd file ends too early";
        break;
      }
      whole_ = code == 0;
    }
    return done;
  }

 private:
  PackedInput input_;
  std::unique_ptr<ZSTD_DStream, ZstdCloser> stream_;
  bool whole_ = false;
};

std::unique_ptr<ByteSource> unpacked(std::unique_ptr<ByteSource> source, std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\x1f\x8b"sv)) return std::make_unique<GzipSource>(std::move(source));
  if (head.starts_with("\x28\xb5\x2f\xfd"sv)) {
    return std::make_unique<ZstdSource>(std::move(source));
  }
  return source;
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_source(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return failure({path}, "is a folder");
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) return failure({path}, std::string("cannot be read: ") + std::strerror(errno));
  std::array<char, 4> head{};
  const std::size_t size = std::fread(head.data(), 1, head.size(), file.get());
  if (std::fseek(file.get(), 0, SEEK_SET) != 0) {
    return failure({path}, "cannot be read twice", "pipes do not work: save it to a file");
  }
  return unpacked(std::make_unique<FileSource>(std::move(file)), {head.data(), size});
}

std::unique_ptr<ByteSource> source_of(std::string_view bytes) {
  return unpacked(std::make_unique<MemorySource>(bytes), bytes.substr(0, 4));
}

}  // namespace fastpath
