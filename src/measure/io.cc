#include "measure/io.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure/clock.h"
#include "measure/read_worker.h"

namespace fastpath {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr int kMostDepth = 4096;
constexpr int kMostThreads = 1024;
constexpr std::int64_t kMostBlock = std::int64_t{1} << 30;

/// An open file, and its map where one is wanted.
class ReadFile {
 public:
  ReadFile() = default;
  ~ReadFile() {
    if (map_ != nullptr) munmap(map_, static_cast<std::size_t>(bytes_));
    if (file_ >= 0) close(file_);
  }
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;

  /// Returns what is wrong, empty for nothing.
  std::string open(const std::string& path, const ReadSetting& setting) {
    const bool direct = setting.cache == ReadCache::direct && setting.engine != ReadEngine::mmap;
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));
    if (file_ < 0 && errno == EINVAL && direct) {
      refused_ = true;
      file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    }
    struct stat about {};
    if (file_ < 0 || fstat(file_, &about) != 0) return std::strerror(errno);
    if (!S_ISREG(about.st_mode)) return "is not a regular file";
    bytes_ = about.st_size;
    if (bytes_ < setting.block) {
      return fmt::format("has {} bytes: less than a block of {}", bytes_, setting.block);
    }
    void* map = mmap(nullptr, static_cast<std::size_t>(bytes_), PROT_READ, MAP_SHARED, file_, 0);
    if (map != MAP_FAILED) map_ = map;
    if (map_ == nullptr && setting.engine == ReadEngine::mmap) return std::strerror(errno);
    return {};
  }

  int number() const { return file_; }
  std::int64_t bytes() const { return bytes_; }
  bool refused_direct() const { return refused_; }
  const unsigned char* map() const { return static_cast<const unsigned char*>(map_); }

  /// Asks the page cache to drop the file. It may refuse: `cached` tells.
  void drop() const {
    if (map_ != nullptr) madvise(map_, static_cast<std::size_t>(bytes_), MADV_DONTNEED);
    fdatasync(file_);
    posix_fadvise(file_, 0, 0, POSIX_FADV_DONTNEED);
  }

  /// Share of the file's pages in the page cache.
  double cached() const {
    if (map_ == nullptr) return 0;
    std::vector<unsigned char> pages(static_cast<std::size_t>((bytes_ + kPage - 1) / kPage));
    if (mincore(map_, static_cast<std::size_t>(bytes_), pages.data()) != 0) return 0;
    const auto in = std::count_if(pages.begin(), pages.end(), [](auto p) { return (p & 1) != 0; });
    return static_cast<double>(in) / static_cast<double>(pages.size());
  }

  /// Reads the whole file once.
  void warm() const {
    std::vector<unsigned char> buffer(std::size_t{1} << 20);
    for (std::int64_t at = 0; at < bytes_;) {
      const ssize_t got = pread(file_, buffer.data(), buffer.size(), at);
      if (got <= 0) return;
      at += got;
    }
  }

 private:
  int file_ = -1;
  std::int64_t bytes_ = 0;
  bool refused_ = false;
  void* map_ = nullptr;
};

Seconds at_share(std::vector<float>& values, double share) {
  if (values.empty()) return {};
  const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return Seconds{static_cast<double>(values[static_cast<std::size_t>(place)])};
}

/// What repeats leave besides their figure.
struct Collected {
  std::vector<float> latencies;
  double cpu = 0;
  double wall = 0;
  double cached = 0;
  std::string error;
};

Repeat one_repeat(const ReadFile& file, const ReadSetting& setting, Seconds length,
                  std::uint64_t seed, Collected& collected) {
  const bool cold = setting.cache == ReadCache::cold || file.refused_direct() ||
                    (setting.cache == ReadCache::direct && setting.engine == ReadEngine::mmap);
  if (cold) {
    file.drop();
    collected.cached = std::max(collected.cached, file.cached());
  }
  const std::int64_t blocks = file.bytes() / setting.block;
  std::vector<ReadTally> tallies(static_cast<std::size_t>(setting.threads));
  const Instant before = now();
  std::vector<std::thread> threads;
  threads.reserve(tallies.size());
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const auto part = static_cast<std::int64_t>(i) * blocks / setting.threads;
    const ReadTask task{file.number(),   blocks, file.map(),
                        seed * 1000 + i, part,   (before.wall + length).base()};
    threads.emplace_back([&tallies, &setting, i, task] { tallies[i] = run_reads(setting, task); });
  }
  for (std::thread& thread : threads)
    thread.join();
  const Instant after = now();
  double reads = 0;
  for (const ReadTally& tally : tallies) {
    reads += static_cast<double>(tally.reads);
    collected.latencies.insert(collected.latencies.end(), tally.latencies.begin(),
                               tally.latencies.end());
    if (!tally.error.empty()) collected.error = tally.error;
  }
  const double wall = (after.wall - before.wall).base();
  collected.wall += wall;
  collected.cpu += (after.cpu - before.cpu).base();
  return {reads / wall, others_between(before, after)};
}

Diagnostics mistakes_in(const ReadSetting& setting) {
  Diagnostics mistakes;
  const auto check = [&](bool right, std::string what, std::string hint) {
    if (!right) mistakes.push_back({{.file = "io"}, std::move(what), std::move(hint)});
  };
  check(setting.block >= kPage && setting.block % kPage == 0 && setting.block <= kMostBlock,
        fmt::format("a block of {} bytes", setting.block),
        "a multiple of 4 KiB (direct reads need it), up to 1 GiB");
  check(setting.depth >= 1 && setting.depth <= kMostDepth, fmt::format("depth {}", setting.depth),
        "from 1 to 4096");
  check(setting.threads >= 1 && setting.threads <= kMostThreads,
        fmt::format("{} threads", setting.threads), "from 1 to 1024");
  check(setting.depth == 1 || setting.engine == ReadEngine::io_uring,
        fmt::format("depth {} with {}", setting.depth, name_of(setting.engine)),
        "one read at a time: use more threads, or io_uring");
  return mistakes;
}

}  // namespace

Result<ReadResult> measure_reads(const std::string& path, const ReadSetting& setting,
                                 const ReadLimits& limits) {
  if (Diagnostics mistakes = mistakes_in(setting); !mistakes.empty()) {
    return failure(std::move(mistakes));
  }
  ReadFile file;
  if (std::string wrong = file.open(path, setting); !wrong.empty()) {
    return failure({.file = path}, std::move(wrong));
  }
  if (setting.cache == ReadCache::warm) file.warm();
  ReadResult result;
  result.setting = setting;
  result.refused_direct = file.refused_direct();
  if (result.refused_direct) result.setting.cache = ReadCache::cold;
  Collected collected;
  std::uint64_t seed = 0;
  result.reads = repeat(
      [&] {
        if (!collected.error.empty()) return Repeat{};
        return one_repeat(file, setting, limits.repeat, ++seed, collected);
      },
      limits.repeats);
  if (!collected.error.empty()) return failure({.file = path}, collected.error);
  result.rate = BytesPerSecond{result.reads.median * static_cast<double>(setting.block)};
  result.median = at_share(collected.latencies, 0.5);
  result.p99 = at_share(collected.latencies, 0.99);
  result.p999 = at_share(collected.latencies, 0.999);
  result.cpu = collected.wall > 0 ? collected.cpu / collected.wall : 0;
  result.cached_before = setting.cache == ReadCache::warm ? file.cached() : collected.cached;
  return result;
}

Result<void> write_test_file(const std::string& path, std::int64_t bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failure({.file = path}, std::strerror(errno));
  std::vector<std::uint64_t> chunk(std::size_t{1} << 17);
  std::mt19937_64 random(1);
  std::string wrong;
  for (std::int64_t done = 0; done < bytes && wrong.empty();) {
    for (std::uint64_t& word : chunk)
      word = random();
    const auto want = static_cast<std::size_t>(
        std::min<std::int64_t>(bytes - done, static_cast<std::int64_t>(chunk.size() * 8)));
    const ssize_t put = write(file, chunk.data(), want);
    if (put <= 0) wrong = put < 0 ? std::strerror(errno) : "nothing more can be written";
    done += std::max<ssize_t>(put, 0);
  }
  if (wrong.empty() && fsync(file) != 0) wrong = std::strerror(errno);
  close(file);
  if (!wrong.empty()) return failure({.file = path}, wrong);
  return {};
}

}  // namespace fastpath
