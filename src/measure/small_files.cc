#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "measure/clock.h"
#include "measure/io.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 1'000'000;

struct FileTally {
  double files = 0;
  double bytes = 0;
  double opening = 0;  ///< s
  std::string error;
};

/// Reads a file to its end.
void read_whole(const std::string& path, std::vector<unsigned char>& buffer, FileTally& tally) {
  const Seconds before = wall_time();
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    tally.error = fmt::format("{}: {}", path, std::strerror(errno));
    return;
  }
  tally.opening += (wall_time() - before).base();
  ssize_t got = 0;
  do {
    got = read(file, buffer.data(), buffer.size());
    if (got > 0) tally.bytes += static_cast<double>(got);
  } while (got > 0 || (got < 0 && errno == EINTR));
  if (got < 0) tally.error = fmt::format("{}: {}", path, std::strerror(errno));
  close(file);
  ++tally.files;
}

FileTally read_some(const std::vector<std::string>& files, std::uint64_t seed, double until) {
  FileTally tally;
  std::mt19937_64 random(seed);
  std::vector<unsigned char> buffer(std::size_t{1} << 20);
  do {  // a thread that starts late still reads one
    read_whole(files[random() % files.size()], buffer, tally);
  } while (tally.error.empty() && wall_time().base() < until);
  return tally;
}

}  // namespace

Result<OpenResult> measure_small_files(const std::string& folder, int threads,
                                       const ReadLimits& limits) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_regular_file(error) && files.size() < kMostFiles) {
      files.push_back(at->path().string());
    }
  }
  if (error) return failure({.file = folder}, error.message());
  if (files.empty()) return failure({.file = folder}, "has no files", "name a folder of samples");
  std::sort(files.begin(), files.end());
  FileTally all;
  double wall = 0;
  std::uint64_t seed = 0;
  const auto one = [&] {
    std::vector<FileTally> tallies(static_cast<std::size_t>(threads));
    std::vector<std::thread> workers;
    workers.reserve(tallies.size());
    const Instant before = now();
    for (FileTally& tally : tallies) {
      workers.emplace_back([&tally, &files, until = (before.wall + limits.repeat).base(),
                            own = ++seed] { tally = read_some(files, own, until); });
    }
    for (std::thread& worker : workers)
      worker.join();
    const Instant after = now();
    double count = 0;
    for (const FileTally& tally : tallies) {
      count += tally.files;
      all.files += tally.files;
      all.bytes += tally.bytes;
      all.opening += tally.opening;
      if (!tally.error.empty()) all.error = tally.error;
    }
    wall += (after.wall - before.wall).base();
    return Repeat{count / (after.wall - before.wall).base(), others_between(before, after)};
  };
  OpenResult result;
  result.files = files.size();
  result.opens = repeat(one, limits.repeats);
  if (!all.error.empty()) return failure({.file = folder}, all.error);
  result.rate = BytesPerSecond{all.bytes / wall};
  if (all.files > 0) result.open = Seconds{all.opening / all.files};
  return result;
}

}  // namespace fastpath
