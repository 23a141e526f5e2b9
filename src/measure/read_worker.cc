#include "measure/read_worker.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>

#include <fmt/format.h>
#include <liburing.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

namespace fastpath {
namespace {

constexpr std::size_t kMostLatencies = 200'000;
constexpr std::size_t kPage = 4096;

double wall() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Where the next read begins, in blocks.
class Places {
 public:
  Places(const ReadSetting& setting, const ReadTask& task)
      : random_(task.seed),
        sequential_(setting.sequential),
        next_(task.first_block),
        blocks_(task.blocks) {}

  std::int64_t next() {
    if (!sequential_)
      return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(blocks_));
    const std::int64_t place = next_;
    next_ = next_ + 1 < blocks_ ? next_ + 1 : 0;
    return place;
  }

 private:
  std::mt19937_64 random_;
  bool sequential_;
  std::int64_t next_;
  std::int64_t blocks_;
};

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<void, Free>;

Buffer aligned(std::size_t bytes) {
  return Buffer(std::aligned_alloc(kPage, (bytes + kPage - 1) / kPage * kPage));
}

void note(ReadTally& tally, double seconds) {
  ++tally.reads;
  if (tally.latencies.size() < kMostLatencies) {
    tally.latencies.push_back(static_cast<float>(seconds));
  } else {  // every read has its chance: the newest replaces one at random places of the list
    tally.latencies[static_cast<std::size_t>(tally.reads * 7919) % kMostLatencies] =
        static_cast<float>(seconds);
  }
}

std::string failed(std::int64_t place, const ReadSetting& setting, std::int64_t got) {
  if (got < 0) {
    return fmt::format("a read at byte {} failed: {}", place * setting.block,
                       std::strerror(static_cast<int>(-got)));
  }
  return fmt::format("a read at byte {} gave {} of {} bytes: the file became shorter",
                     place * setting.block, got, setting.block);
}

ReadTally run_pread(const ReadSetting& setting, const ReadTask& task) {
  ReadTally tally;
  const auto bytes = static_cast<std::size_t>(setting.block);
  const Buffer buffer = aligned(bytes);
  Places places(setting, task);
  double before = wall();
  do {  // a thread that starts late still reads once
    const std::int64_t place = places.next();
    const ssize_t got = pread(task.file, buffer.get(), bytes, place * setting.block);
    if (got < 0 && errno == EINTR) continue;
    if (got != setting.block) {
      tally.error = failed(place, setting, got < 0 ? -errno : got);
      break;
    }
    const double after = wall();
    note(tally, after - before);
    before = after;
  } while (before < task.until);
  return tally;
}

ReadTally run_mmap(const ReadSetting& setting, const ReadTask& task) {
  ReadTally tally;
  const auto bytes = static_cast<std::size_t>(setting.block);
  const Buffer buffer = aligned(bytes);
  Places places(setting, task);
  double before = wall();
  do {
    std::memcpy(buffer.get(), task.map + places.next() * setting.block, bytes);
    const double after = wall();
    note(tally, after - before);
    before = after;
  } while (before < task.until);
  return tally;
}

/// A ring with registered buffers and the registered file.
class ReadRing {
 public:
  ReadRing(const ReadSetting& setting, const ReadTask& task)
      : setting_(setting), task_(task), places_(setting, task) {
    const auto depth = static_cast<std::size_t>(setting.depth);
    const int made = io_uring_queue_init(static_cast<unsigned>(setting.depth), &ring_, 0);
    if (made < 0) {
      tally_.error = fmt::format("io_uring is not to be had: {}", std::strerror(-made));
      return;
    }
    open_ = true;
    std::vector<iovec> areas;
    for (std::size_t i = 0; i < depth; ++i) {
      buffers_.push_back(aligned(static_cast<std::size_t>(setting.block)));
      areas.push_back({buffers_.back().get(), static_cast<std::size_t>(setting.block)});
    }
    begun_.resize(depth);
    at_.resize(depth);
    // Locked memory may be too little for registered buffers: then they are named in each read.
    fixed_ = io_uring_register_buffers(&ring_, areas.data(), static_cast<unsigned>(depth)) == 0;
    fixed_file_ = io_uring_register_files(&ring_, &task.file, 1) == 0;
  }
  ~ReadRing() {
    if (open_) io_uring_queue_exit(&ring_);
  }
  ReadRing(const ReadRing&) = delete;
  ReadRing& operator=(const ReadRing&) = delete;

  ReadTally run() {
    if (!tally_.error.empty()) return std::move(tally_);
    for (int slot = 0; slot < setting_.depth; ++slot)
      submit(static_cast<std::size_t>(slot));
    io_uring_submit(&ring_);
    while (under_way_ > 0 && reap()) {
    }
    return std::move(tally_);
  }

 private:
  void submit(std::size_t slot) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) return;
    at_[slot] = places_.next();
    begun_[slot] = wall();
    const auto bytes = static_cast<unsigned>(setting_.block);
    const auto from =
        static_cast<std::uint64_t>(at_[slot]) * static_cast<std::uint64_t>(setting_.block);
    const int file = fixed_file_ ? 0 : task_.file;
    if (fixed_) {
      io_uring_prep_read_fixed(entry, file, buffers_[slot].get(), bytes, from,
                               static_cast<int>(slot));
    } else {
      io_uring_prep_read(entry, file, buffers_[slot].get(), bytes, from);
    }
    if (fixed_file_) entry->flags |= IOSQE_FIXED_FILE;
    io_uring_sqe_set_data64(entry, slot);
    ++under_way_;
  }

  /// Waits for a completion and takes all that are there.
  bool reap() {
    io_uring_cqe* done = nullptr;
    const int waited = io_uring_submit_and_wait_timeout(&ring_, &done, 1, nullptr, nullptr);
    if (waited < 0 && waited != -EINTR && waited != -ETIME) {
      tally_.error = fmt::format("io_uring failed: {}", std::strerror(-waited));
      return false;
    }
    const double time = wall();
    unsigned head = 0;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring_, head, done) {
      ++count;
      --under_way_;
      const auto slot = static_cast<std::size_t>(io_uring_cqe_get_data64(done));
      if (done->res != setting_.block) {
        if (tally_.error.empty()) tally_.error = failed(at_[slot], setting_, done->res);
      } else {
        note(tally_, time - begun_[slot]);
      }
      if (time < task_.until && tally_.error.empty()) submit(slot);
    }
    io_uring_cq_advance(&ring_, count);
    return true;
  }

  const ReadSetting& setting_;
  const ReadTask& task_;
  Places places_;
  io_uring ring_{};
  bool open_ = false;
  bool fixed_ = false;
  bool fixed_file_ = false;
  int under_way_ = 0;
  std::vector<Buffer> buffers_;
  std::vector<double> begun_;
  std::vector<std::int64_t> at_;
  ReadTally tally_;
};

}  // namespace

ReadTally run_reads(const ReadSetting& setting, const ReadTask& task) {
  switch (setting.engine) {
    case ReadEngine::pread: return run_pread(setting, task);
    case ReadEngine::io_uring: return ReadRing(setting, task).run();
    case ReadEngine::mmap: break;
  }
  return run_mmap(setting, task);
}

}  // namespace fastpath
