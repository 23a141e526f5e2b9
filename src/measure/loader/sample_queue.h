/// Samples between those who fetch, decode and collect them: at most so many in memory.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "measure/loader/epoch_order.h"
#include "measure/loader/fetch.h"

namespace fastpath {

/// One epoch's queue. A sample goes through it in the order of `EpochOrder`, whoever is first:
/// fetched, taken by a worker, put into its batch, and out with the batch.
class SampleQueue {
 public:
  struct Limits {
    std::size_t fetched = 1;  ///< samples that wait for workers, besides those of a shuffle
    std::size_t batch = 1;    ///< samples of a batch
    std::size_t batches = 1;  ///< being made, waiting or in use
    bool keep_going = false;  ///< lost samples are collected; else the first ends all
  };

  /// A sample for a worker.
  struct Work {
    std::size_t sample = 0;
    std::size_t batch = 0;
    SampleBytes bytes;
    std::optional<Diagnostic> lost;
    Seconds for_room;    ///< that the worker waited
    Seconds for_sample;  ///< that the worker waited
  };

  struct Mistakes {
    Diagnostics told;  ///< the first ones
    std::size_t count = 0;
  };

  /// `buffers`: of an epoch before, to be used again.
  SampleQueue(const EpochOrder& order, const Limits& limits, std::vector<SampleBytes> buffers);
  std::vector<SampleBytes> take_buffers() { return std::move(buffers_); }

  // Of those who fetch.
  std::optional<std::size_t> next_to_fetch(bool may_wait);
  SampleBytes buffer();
  void arrived(std::size_t sample, SampleBytes&& bytes);
  void lost(std::size_t sample, Diagnostic mistake);

  // Of workers.
  std::optional<Work> take();
  void done(Work&& work);

  // Of the one who uses batches, in their order.
  std::size_t batches() const;
  std::size_t batch_samples(std::size_t batch) const;
  /// Waits for all samples of a batch; false when the epoch was ended before.
  bool wait_for(std::size_t batch);
  void release(std::size_t batch);

  /// Everyone stops. With a mistake that ends the epoch.
  void stop(Diagnostic mistake);
  void note(Diagnostic mistake);
  Mistakes mistakes() const;

  Seconds fetch_waited() const;

 private:
  enum class State : std::uint8_t { away, here, lost };
  struct Place {
    State state = State::away;
    SampleBytes bytes;
    std::optional<Diagnostic> mistake;
  };

  bool has_room() const;
  void note_locked(Diagnostic mistake);

  const EpochOrder& order_;
  Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable fetchable_;
  std::condition_variable arrivals_;
  std::condition_variable room_;
  std::condition_variable complete_;
  bool stopped_ = false;
  std::size_t fetch_at_ = 0;    ///< of order.fetch
  std::size_t deliver_at_ = 0;  ///< of order.deliver
  std::size_t taken_ = 0;
  std::size_t released_ = 0;  ///< batches
  Seconds fetch_waited_;
  std::vector<Place> places_;         ///< by sample
  std::vector<std::size_t> missing_;  ///< samples of each batch that are not done
  std::vector<SampleBytes> buffers_;  ///< to be used again
  Mistakes mistakes_;
};

}  // namespace fastpath
