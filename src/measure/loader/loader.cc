#include "measure/loader/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "measure/clock.h"
#include "measure/loader/sample_queue.h"

namespace fastpath {
namespace {

/// Keeps a core busy for `time` of its CPU time.
void burn(Seconds time) {
  if (time <= Seconds{}) return;
  const Seconds end = thread_time() + time;
  while (thread_time() < end) {
  }
}

/// Takes bytes into this core's cache, as any use of them does. Returns something of all of them.
unsigned look_at(const SampleBytes& bytes) {
  constexpr std::size_t kCacheLine = 64;
  unsigned sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += kCacheLine)
    sum += bytes[i];
  return sum;
}

/// What one worker did.
struct WorkerTally {
  Seconds for_room;
  Seconds for_sample;
  Seconds working;
  Seconds decoding;
  unsigned looked = 0;
  double stored = 0;
  double decoded = 0;
};

/// What the accelerator's side did.
struct UseTally {
  std::size_t samples = 0;
  std::size_t stalls = 0;
  Seconds stalled;
  Seconds computing;
};

class Epoch {
 public:
  /// Memory of an epoch before, and of this one when it ends.
  struct Memory {
    std::vector<SampleBytes>& stored;
    std::vector<SampleBytes>& decoded;
  };

  Epoch(const SampleSet& set, const LoaderSetting& setting, const EpochOrder& order,
        const ReadHooks& hooks, Memory memory)
      : set_(set),
        setting_(setting),
        hooks_(hooks),
        memory_(memory),
        queue_(order, limits_of(setting), std::move(memory.stored)),
        room_(std::move(memory.decoded)) {
    room_.resize(static_cast<std::size_t>(setting.batch * (setting.prefetch + 1)));
  }

  Result<EpochRun> run(const std::function<void(std::size_t)>& tell) {
    const auto workers = static_cast<std::size_t>(std::max<std::int64_t>(1, setting_.workers));
    std::vector<WorkerTally> tallies(workers);
    const Instant before = now();
    std::vector<std::thread> threads;
    threads.reserve(workers + 2);
    threads.emplace_back([this] { fetch(); });
    for (WorkerTally& tally : tallies)
      threads.emplace_back([this, &tally] { work(tally); });
    threads.emplace_back([this] { collect(); });
    const UseTally use = use_batches(tell);
    for (std::thread& thread : threads)
      thread.join();
    const Instant after = now();
    memory_.stored = queue_.take_buffers();
    memory_.decoded = std::move(room_);
    SampleQueue::Mistakes mistakes = queue_.mistakes();
    if (!setting_.verify && mistakes.count > 0) return failure(std::move(mistakes.told));
    EpochRun run = run_of(before, after, tallies, use);
    run.lost = mistakes.count;
    run.mistakes = std::move(mistakes.told);
    return run;
  }

 private:
  static SampleQueue::Limits limits_of(const LoaderSetting& setting) {
    SampleQueue::Limits limits;
    limits.batch = static_cast<std::size_t>(setting.batch);
    limits.batches = static_cast<std::size_t>(setting.prefetch + 1);
    limits.fetched = static_cast<std::size_t>(setting.fetch.depth) + limits.batch;
    limits.keep_going = setting.verify;
    return limits;
  }

  void fetch() {
    const FetchClient client{[this](bool may_wait) { return queue_.next_to_fetch(may_wait); },
                             [this] { return queue_.buffer(); },
                             [this](std::size_t sample, SampleBytes&& bytes) {
                               queue_.arrived(sample, std::move(bytes));
                             },
                             [this](std::size_t sample, Diagnostic mistake) {
                               queue_.lost(sample, std::move(mistake));
                             }};
    std::string wrong = fetch_samples(set_, setting_.fetch, hooks_, client);
    if (!wrong.empty()) queue_.stop({{.file = set_.path}, std::move(wrong), "use --engine pread"});
  }

  void work(WorkerTally& tally) {
    const Seconds before = thread_time();
    SampleDecoder decoder(set_.encoding);
    SampleBytes decoded;
    while (auto work = queue_.take()) {
      tally.for_room += work->for_room;
      tally.for_sample += work->for_sample;
      if (work->lost) {
        queue_.note(std::move(*work->lost));
      } else if (auto mistake = prepare(*work, decoder, decoded, tally)) {
        setting_.verify ? queue_.note(std::move(*mistake)) : queue_.stop(std::move(*mistake));
      } else {
        tally.stored += static_cast<double>(work->bytes.size());
        tally.decoded += static_cast<double>(decoded.size());
        put(work->batch, decoded);
      }
      queue_.done(std::move(*work));
    }
    tally.working = thread_time() - before;
  }

  std::optional<Diagnostic> prepare(const SampleQueue::Work& work, SampleDecoder& decoder,
                                    SampleBytes& decoded, WorkerTally& tally) const {
    const SamplePlace& place = set_.samples[work.sample];
    const std::string& file = set_.files[place.file];
    if (setting_.verify && set_.manifest) {
      const std::uint32_t crc = checksum(work.bytes);
      if (crc != place.crc) {
        return Diagnostic{
            {.file = file},
            fmt::format("bytes {} to {} have CRC {:08x} instead of {:08x} (sample {})",
                        place.offset, place.offset + place.bytes, crc, place.crc, work.sample),
            "the bytes are not those that were written: copy the file again"};
      }
    }
    if (!setting_.decode) {
      // A store at each turn: else nothing would have to be read.
      static_cast<volatile unsigned&>(tally.looked) = look_at(work.bytes);
      return std::nullopt;
    }
    const Seconds before = thread_time();
    const std::string wrong = decoder.decode(work.bytes, decoded);
    tally.decoding += thread_time() - before;
    burn(setting_.augment);
    if (wrong.empty()) return std::nullopt;
    return Diagnostic{{.file = file},
                      fmt::format("bytes {} to {}: {} (sample {})", place.offset,
                                  place.offset + place.bytes, wrong, work.sample),
                      {}};
  }

  /// Moves a decoded sample into its batch, and takes what an older batch had there instead.
  void put(std::size_t batch, SampleBytes& decoded) {
    const auto size = static_cast<std::size_t>(setting_.batch);
    const std::size_t slot = batch % (room_.size() / size);
    const std::scoped_lock lock(room_mutex_);
    if (filled_.size() <= slot) filled_.resize(slot + 1);
    auto& [owner, count] = filled_[slot];
    if (owner != batch) {
      owner = batch;
      count = 0;
    }
    std::swap(room_[slot * size + count++], decoded);
  }

  /// Hands complete batches over in their order, busy for a while with each sample.
  void collect() {
    for (std::size_t batch = 0; batch < queue_.batches(); ++batch) {
      const bool complete = queue_.wait_for(batch);
      if (complete) burn(static_cast<double>(queue_.batch_samples(batch)) * setting_.collect);
      {
        const std::scoped_lock lock(ready_mutex_);
        ready_ = batch + 1;
        ended_ = !complete;
      }
      change_.notify_one();
      if (!complete) return;
    }
  }

  UseTally use_batches(const std::function<void(std::size_t)>& tell) {
    UseTally tally;
    for (std::size_t batch = 0; batch < queue_.batches(); ++batch) {
      const Seconds before = wall_time();
      {
        std::unique_lock lock(ready_mutex_);
        const bool late = ready_ <= batch;
        change_.wait(lock, [&] { return ready_ > batch; });
        if (ended_ && ready_ == batch + 1) break;
        if (late && batch > 0) {
          ++tally.stalls;
          tally.stalled += wall_time() - before;
        }
      }
      const std::size_t samples = queue_.batch_samples(batch);
      const Seconds begin = wall_time();
      const double share = static_cast<double>(samples) / static_cast<double>(setting_.batch);
      if (setting_.compute > Seconds{}) {
        std::this_thread::sleep_for(
            std::chrono::duration<double>((share * setting_.compute).base()));
      }
      tally.computing += wall_time() - begin;
      tally.samples += samples;
      queue_.release(batch);
      tell(tally.samples);
    }
    return tally;
  }

  EpochRun run_of(const Instant& before, const Instant& after,
                  const std::vector<WorkerTally>& tallies, const UseTally& use) const {
    EpochRun run;
    run.wall = after.wall - before.wall;
    run.cpu = after.cpu - before.cpu;
    run.others = others_between(before, after);
    WorkerTally sum;
    for (const WorkerTally& one : tallies) {
      sum.for_room += one.for_room;
      sum.for_sample += one.for_sample;
      sum.working += one.working;
      sum.decoding += one.decoding;
      sum.stored += one.stored;
      sum.decoded += one.decoded;
    }
    run.samples = use.samples;
    run.stored = Bytes{sum.stored};
    run.decoded = Bytes{sum.decoded};
    run.working = sum.working;
    run.decoding = sum.decoding;
    const Seconds work = static_cast<double>(tallies.size()) * run.wall;
    run.starving = sum.for_sample / work;
    run.blocked = sum.for_room / work;
    run.preparing = std::max(0.0, 1 - run.starving - run.blocked);
    const double readers = setting_.fetch.engine == ReadEngine::io_uring ? 1 : setting_.fetch.depth;
    run.fetching = std::max(0.0, 1 - queue_.fetch_waited() / (readers * run.wall));
    run.computing = use.computing / run.wall;
    run.stalls = use.stalls;
    run.stalled = use.stalled;
    return run;
  }

  const SampleSet& set_;
  const LoaderSetting& setting_;
  const ReadHooks& hooks_;
  Memory memory_;
  SampleQueue queue_;
  std::mutex room_mutex_;
  std::vector<SampleBytes> room_;  ///< decoded samples, those of a batch side by side
  std::vector<std::pair<std::size_t, std::size_t>> filled_;  ///< batch and its samples, by slot
  std::mutex ready_mutex_;
  std::condition_variable change_;
  std::size_t ready_ = 0;  ///< batches collected
  bool ended_ = false;
};

Diagnostics mistakes_in(const LoaderSetting& setting) {
  Diagnostics mistakes;
  const auto check = [&](std::string_view what, std::int64_t value, std::int64_t least,
                         std::int64_t most) {
    if (value >= least && value <= most) return;
    mistakes.push_back({{.file = "loader"},
                        fmt::format("{} of {}", what, value),
                        fmt::format("from {} to {}", least, most)});
  };
  constexpr std::int64_t kMostThreads = 1024;
  constexpr std::int64_t kMostHeld = 1'000'000;
  check("workers", setting.workers, 0, kMostThreads);
  check("depth", setting.fetch.depth, 1, kMostThreads);
  check("a batch", setting.batch, 1, kMostHeld);
  check("prefetched batches", setting.prefetch, 0,
        kMostHeld / std::max<std::int64_t>(1, setting.batch));
  return mistakes;
}

}  // namespace

Result<EpochRun> Loader::run(const EpochOrder& order,
                             const std::function<void(std::size_t)>& tell) {
  if (Diagnostics mistakes = mistakes_in(setting_); !mistakes.empty()) {
    return failure(std::move(mistakes));
  }
  return Epoch(set_, setting_, order, hooks_, {stored_, decoded_}).run(tell);
}

Result<EpochRun> run_epoch(const SampleSet& set, const LoaderSetting& setting,
                           const EpochOrder& order, const ReadHooks& hooks,
                           const std::function<void(std::size_t)>& tell) {
  return Loader(set, setting, hooks).run(order, tell);
}

}  // namespace fastpath
