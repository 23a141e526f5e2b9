#include "measure/loader/fetch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <liburing.h>

#include "measure/loader/sample_read.h"

namespace fastpath {
namespace {

/// Files that stay open: those of one sample are closed behind it.
class OpenFiles {
 public:
  OpenFiles(const SampleSet& set, const ReadHooks& hooks)
      : set_(set), hooks_(hooks), shared_(set.layout != SampleLayout::files) {
    if (shared_) files_.resize(set.files.size());
  }

  /// An open file of many samples, valid until `close_all`. Null: `wrong` says why.
  SampleFile* shared(std::uint32_t file, std::string& wrong) {
    SampleFile& found = files_[file];
    if (!found.is_open()) {
      wrong = found.open(set_.files[file], hooks_);
      if (!wrong.empty()) return nullptr;
      ++open_;
    }
    return &found;
  }

  bool is_shared() const { return shared_; }
  bool is_full() const { return open_ >= kMostOpen; }

  /// No read of a shared file may be under way.
  void close_all() {
    for (SampleFile& file : files_)
      file.close();
    open_ = 0;
  }

 private:
  static constexpr std::size_t kMostOpen = 512;

  const SampleSet& set_;
  const ReadHooks& hooks_;
  bool shared_;
  std::size_t open_ = 0;
  std::vector<SampleFile> files_;
};

Diagnostic mistake_of(const SampleSet& set, std::size_t sample, std::string wrong) {
  return {{.file = set.files[set.samples[sample].file]},
          fmt::format("{} (sample {})", wrong, sample),
          "copy the file again, or leave the sample out"};
}

/// One thread that reads a sample at a time.
void run_reader(const SampleSet& set, const ReadHooks& hooks, const FetchClient& client) {
  OpenFiles files(set, hooks);
  while (const auto sample = client.next(true)) {
    const SamplePlace& place = set.samples[*sample];
    const std::string& path = set.files[place.file];
    std::string wrong;
    SampleFile own;
    SampleFile* file = &own;
    if (files.is_full()) files.close_all();
    if (files.is_shared()) {
      file = files.shared(place.file, wrong);
    } else {
      wrong = own.open(path, hooks);
    }
    SampleBytes bytes = client.buffer();
    if (wrong.empty()) {
      bytes.resize(static_cast<std::size_t>(place.bytes));
      wrong = file->read(path, place.offset, bytes, hooks);
    }
    if (wrong.empty()) {
      client.arrived(*sample, std::move(bytes));
    } else {
      client.lost(*sample, mistake_of(set, *sample, std::move(wrong)));
    }
  }
}

/// Reads by one ring, `depth` at a time.
class SampleRing {
 public:
  SampleRing(const SampleSet& set, const FetchSetting& setting, const ReadHooks& hooks,
             const FetchClient& client)
      : set_(set), hooks_(hooks), client_(client), files_(set, hooks) {
    const int made = io_uring_queue_init(static_cast<unsigned>(setting.depth), &ring_, 0);
    if (made < 0) {
      wrong_ = fmt::format("io_uring is not to be had: {}", std::strerror(-made));
      return;
    }
    open_ = true;
    slots_.resize(static_cast<std::size_t>(setting.depth));
    for (std::size_t i = 0; i < slots_.size(); ++i)
      free_.push_back(i);
  }
  ~SampleRing() {
    if (open_) io_uring_queue_exit(&ring_);
  }
  SampleRing(const SampleRing&) = delete;
  SampleRing& operator=(const SampleRing&) = delete;

  std::string run() {
    while (wrong_.empty()) {
      begin_samples();
      if (under_way() == 0) break;
      wait();
    }
    drain();
    return std::move(wrong_);
  }

 private:
  struct Slot {
    std::size_t sample = 0;
    PartRead part;
    SampleBytes bytes;
    SampleFile own;
    int file = -1;
  };

  std::size_t under_way() const { return slots_.size() - free_.size(); }

  /// Waits for the client only while nothing is being read.
  void begin_samples() {
    while (!free_.empty()) {
      if (files_.is_full()) {
        if (under_way() > 0) return;  // their files are about to be closed
        files_.close_all();
      }
      const auto sample = client_.next(under_way() == 0);
      if (!sample) return;
      begin(*sample);
    }
  }

  void begin(std::size_t sample) {
    const SamplePlace& place = set_.samples[sample];
    Slot& slot = slots_[free_.back()];
    std::string wrong;
    if (files_.is_shared()) {
      const SampleFile* file = files_.shared(place.file, wrong);
      if (file != nullptr) slot.file = file->number();
    } else {
      wrong = slot.own.open(set_.files[place.file], hooks_);
      slot.file = slot.own.number();
    }
    if (!wrong.empty()) {
      client_.lost(sample, mistake_of(set_, sample, std::move(wrong)));
      return;
    }
    slot.sample = sample;
    slot.part = {place.offset, place.bytes};
    slot.bytes = client_.buffer();
    slot.bytes.resize(static_cast<std::size_t>(place.bytes));
    submit(free_.back());
    free_.pop_back();
  }

  /// The rest of a slot's part.
  void submit(std::size_t number) {
    Slot& slot = slots_[number];
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {  // cannot be: there are as many entries as slots
      wrong_ = "io_uring has no room";
      return;
    }
    const auto done = static_cast<std::size_t>(slot.part.done);
    constexpr std::size_t kMostRead = std::size_t{1} << 30;
    io_uring_prep_read(entry, slot.file, slot.bytes.data() + done,
                       static_cast<unsigned>(std::min(slot.bytes.size() - done, kMostRead)),
                       static_cast<std::uint64_t>(slot.part.offset + slot.part.done));
    io_uring_sqe_set_data64(entry, number);
  }

  void wait() {
    io_uring_cqe* entry = nullptr;
    const int waited = io_uring_submit_and_wait_timeout(&ring_, &entry, 1, nullptr, nullptr);
    if (waited < 0 && waited != -EINTR && waited != -ETIME) {
      wrong_ = fmt::format("io_uring failed: {}", std::strerror(-waited));
      return;
    }
    unsigned head = 0;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring_, head, entry) {
      ++count;
      take(static_cast<std::size_t>(io_uring_cqe_get_data64(entry)), entry->res);
    }
    io_uring_cq_advance(&ring_, count);
  }

  /// After a failure of the ring: the kernel still writes into buffers of reads under way.
  void drain() {
    for (std::size_t left = under_way(); left > 0; --left) {
      io_uring_cqe* entry = nullptr;
      if (io_uring_wait_cqe(&ring_, &entry) < 0) return;
      io_uring_cqe_seen(&ring_, entry);
    }
  }

  void take(std::size_t number, std::int64_t got) {
    Slot& slot = slots_[number];
    const std::string& path = set_.files[set_.samples[slot.sample].file];
    const auto rest = std::span(slot.bytes).subspan(static_cast<std::size_t>(slot.part.done));
    const std::int64_t at = slot.part.offset + slot.part.done;
    std::string wrong = slot.part.advance(seen(hooks_, path, at, rest, got));
    if (wrong.empty() && !slot.part.complete()) {
      submit(number);
      return;
    }
    slot.own.close();
    free_.push_back(number);
    if (wrong.empty()) {
      client_.arrived(slot.sample, std::move(slot.bytes));
    } else {
      client_.lost(slot.sample, mistake_of(set_, slot.sample, std::move(wrong)));
    }
  }

  const SampleSet& set_;
  const ReadHooks& hooks_;
  const FetchClient& client_;
  OpenFiles files_;
  io_uring ring_{};
  bool open_ = false;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
  std::string wrong_;
};

}  // namespace

std::string fetch_samples(const SampleSet& set, const FetchSetting& setting, const ReadHooks& hooks,
                          const FetchClient& client) {
  if (setting.engine == ReadEngine::io_uring) {
    return SampleRing(set, setting, hooks, client).run();
  }
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(setting.depth));
  for (int i = 0; i < setting.depth; ++i)
    threads.emplace_back([&] { run_reader(set, hooks, client); });
  for (std::thread& thread : threads)
    thread.join();
  return {};
}

bool has_io_uring() {
  io_uring ring{};
  if (io_uring_queue_init(1, &ring, 0) < 0) return false;
  io_uring_queue_exit(&ring);
  return true;
}

}  // namespace fastpath
