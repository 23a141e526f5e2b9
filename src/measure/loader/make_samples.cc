#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "measure/loader/sample_set.h"
#include "measure/loader/tar.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

constexpr int kMostSide = 16384;
constexpr std::int64_t kMostSamples = 10'000'000;

/// A new file, written from its beginning to its end and synchronised.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {
    file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file_ < 0) wrong_ = std::strerror(errno);
  }
  ~NewFile() {
    if (file_ >= 0) close(file_);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  std::int64_t bytes() const { return bytes_; }

  void write(const void* data, std::size_t bytes) {
    const auto* from = static_cast<const unsigned char*>(data);
    while (bytes > 0 && wrong_.empty()) {
      const ssize_t put = ::write(file_, from, bytes);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) {
        wrong_ = put < 0 ? std::strerror(errno) : "nothing more can be written";
        return;
      }
      from += put;
      bytes -= static_cast<std::size_t>(put);
      bytes_ += put;
    }
  }

  Result<void> finish() {
    if (wrong_.empty() && fsync(file_) != 0) wrong_ = std::strerror(errno);
    if (!wrong_.empty()) return failure({.file = path_}, wrong_);
    return {};
  }

 private:
  std::string path_;
  int file_ = -1;
  std::int64_t bytes_ = 0;
  std::string wrong_;
};

Diagnostics mistakes_in(const MakeSetting& setting) {
  Diagnostics mistakes;
  const auto check = [&](std::string_view what, std::int64_t value, std::int64_t most) {
    if (value >= 1 && value <= most) return;
    mistakes.push_back({{.file = "data set"},
                        fmt::format("{} of {}", what, value),
                        fmt::format("from 1 to {}", most)});
  };
  check("a picture's side", setting.side, kMostSide);
  check("samples", setting.samples, kMostSamples);
  check("samples a shard", setting.samples_per_file, kMostSamples);
  return mistakes;
}

class Maker {
 public:
  Maker(const std::string& folder, const MakeSetting& setting) : setting_(setting) {
    set_.path = folder;
    set_.layout = setting.layout;
    set_.encoding = setting.encoding;
    set_.manifest = true;
  }

  Result<SampleSet> run(const std::function<void(std::int64_t)>& tell) {
    for (std::int64_t first = 0; first < setting_.samples;) {
      const std::int64_t end = std::min(setting_.samples, first + samples_of_file());
      if (auto made = make_file(first, end, tell); !made) return failure(made.error());
      first = end;
    }
    const std::string text = write_manifest(set_);
    NewFile manifest((fs::path(set_.path) / kManifestFile).string());
    manifest.write(text.data(), text.size());
    if (auto made = manifest.finish(); !made) return failure(made.error());
    return std::move(set_);
  }

 private:
  std::int64_t samples_of_file() const {
    switch (setting_.layout) {
      case SampleLayout::files: return 1;
      case SampleLayout::shards: return setting_.samples_per_file;
      case SampleLayout::packed: break;
    }
    return setting_.samples;
  }

  std::string name_of_file(std::int64_t first) const {
    switch (setting_.layout) {
      case SampleLayout::files: return fmt::format("{:07}{}", first, ending_of(setting_.encoding));
      case SampleLayout::shards: return fmt::format("{:05}.tar", first / setting_.samples_per_file);
      case SampleLayout::packed: break;
    }
    return "packed.bin";
  }

  Result<void> make_file(std::int64_t first, std::int64_t end,
                         const std::function<void(std::int64_t)>& tell) {
    set_.files.push_back((fs::path(set_.path) / name_of_file(first)).string());
    NewFile file(set_.files.back());
    const bool shards = setting_.layout == SampleLayout::shards;
    const std::string zeroes(2 * kTarBlock, '\0');
    for (std::int64_t i = first; i < end; ++i) {
      constexpr std::uint64_t kSeeds = 1'000'003;  // seeds of samples: none shared by two sets
      const auto seed = setting_.seed * kSeeds + static_cast<std::uint64_t>(i);
      const auto sample =
          encode_picture(setting_.encoding, setting_.side, test_picture(setting_.side, seed));
      if (!sample) return failure(sample.error());
      const auto bytes = static_cast<std::int64_t>(sample->size());
      if (shards) {
        const std::string header =
            tar_header(fmt::format("{:07}{}", i, ending_of(setting_.encoding)), bytes);
        file.write(header.data(), header.size());
      }
      set_.samples.push_back({static_cast<std::uint32_t>(set_.files.size() - 1), file.bytes(),
                              bytes, checksum(*sample)});
      file.write(sample->data(), sample->size());
      if (shards) file.write(zeroes.data(), static_cast<std::size_t>(tar_padding(bytes)));
      tell(i + 1);
    }
    if (shards) file.write(zeroes.data(), zeroes.size());
    return file.finish();
  }

  const MakeSetting& setting_;
  SampleSet set_;
};

}  // namespace

Result<SampleSet> make_samples(const std::string& folder, const MakeSetting& setting,
                               const std::function<void(std::int64_t)>& tell) {
  if (Diagnostics mistakes = mistakes_in(setting); !mistakes.empty()) {
    return failure(std::move(mistakes));
  }
  std::error_code error;
  if (fs::exists(folder, error)) {
    return failure({.file = folder}, "is there already", "name a new folder");
  }
  fs::create_directories(folder, error);
  if (error) return failure({.file = folder}, error.message());
  return Maker(folder, setting).run(tell);
}

}  // namespace fastpath
