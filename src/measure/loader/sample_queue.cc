#include "measure/loader/sample_queue.h"

#include <algorithm>
#include <utility>

#include "measure/clock.h"

namespace fastpath {
namespace {

constexpr std::size_t kMostTold = 100;

/// Waits until `ready`, and returns for how long.
template <class Ready>
Seconds wait(std::condition_variable& change, std::unique_lock<std::mutex>& lock, Ready ready) {
  if (ready()) return {};
  const Seconds before = wall_time();
  change.wait(lock, ready);
  return wall_time() - before;
}

}  // namespace

SampleQueue::SampleQueue(const EpochOrder& order, const Limits& limits,
                         std::vector<SampleBytes> buffers)
    : order_(order), limits_(limits), buffers_(std::move(buffers)) {
  std::size_t places = 0;  // an order may be of a part of the samples
  for (const std::uint32_t sample : order.fetch)
    places = std::max(places, std::size_t{sample} + 1);
  places_.resize(places);
  for (std::size_t left = order.fetch.size(); left > 0; left -= missing_.back())
    missing_.push_back(std::min(left, limits.batch));
}

bool SampleQueue::has_room() const { return fetch_at_ < taken_ + order_.ahead + limits_.fetched; }

std::optional<std::size_t> SampleQueue::next_to_fetch(bool may_wait) {
  std::unique_lock lock(mutex_);
  if (may_wait) {
    fetch_waited_ += wait(fetchable_, lock, [&] {
      return stopped_ || fetch_at_ == order_.fetch.size() || has_room();
    });
  }
  if (stopped_ || fetch_at_ == order_.fetch.size() || !has_room()) return std::nullopt;
  return order_.fetch[fetch_at_++];
}

SampleBytes SampleQueue::buffer() {
  const std::scoped_lock lock(mutex_);
  if (buffers_.empty()) return {};
  SampleBytes bytes = std::move(buffers_.back());
  buffers_.pop_back();
  return bytes;
}

void SampleQueue::arrived(std::size_t sample, SampleBytes&& bytes) {
  {
    const std::scoped_lock lock(mutex_);
    places_[sample].bytes = std::move(bytes);
    places_[sample].state = State::here;
  }
  arrivals_.notify_all();
}

void SampleQueue::lost(std::size_t sample, Diagnostic mistake) {
  if (!limits_.keep_going) {
    stop(std::move(mistake));
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    places_[sample].mistake = std::move(mistake);
    places_[sample].state = State::lost;
  }
  arrivals_.notify_all();
}

std::optional<SampleQueue::Work> SampleQueue::take() {
  std::unique_lock lock(mutex_);
  if (stopped_ || deliver_at_ == order_.deliver.size()) return std::nullopt;
  Work work;
  const std::size_t at = deliver_at_++;
  work.sample = order_.deliver[at];
  work.batch = at / limits_.batch;
  work.for_room =
      wait(room_, lock, [&] { return stopped_ || work.batch < released_ + limits_.batches; });
  Place& place = places_[work.sample];
  work.for_sample = wait(arrivals_, lock, [&] { return stopped_ || place.state != State::away; });
  if (stopped_) return std::nullopt;
  work.bytes = std::move(place.bytes);
  work.lost = std::move(place.mistake);
  ++taken_;
  lock.unlock();
  fetchable_.notify_all();
  return work;
}

void SampleQueue::done(Work&& work) {
  bool last = false;
  {
    const std::scoped_lock lock(mutex_);
    buffers_.push_back(std::move(work.bytes));
    last = --missing_[work.batch] == 0;
  }
  if (last) complete_.notify_all();
}

std::size_t SampleQueue::batches() const {
  return (order_.deliver.size() + limits_.batch - 1) / limits_.batch;
}

std::size_t SampleQueue::batch_samples(std::size_t batch) const {
  return std::min(limits_.batch, order_.deliver.size() - batch * limits_.batch);
}

bool SampleQueue::wait_for(std::size_t batch) {
  std::unique_lock lock(mutex_);
  complete_.wait(lock, [&] { return stopped_ || missing_[batch] == 0; });
  return !stopped_;
}

void SampleQueue::release(std::size_t batch) {
  {
    const std::scoped_lock lock(mutex_);
    released_ = batch + 1;
  }
  room_.notify_all();
}

void SampleQueue::stop(Diagnostic mistake) {
  {
    const std::scoped_lock lock(mutex_);
    note_locked(std::move(mistake));
    stopped_ = true;
  }
  fetchable_.notify_all();
  arrivals_.notify_all();
  room_.notify_all();
  complete_.notify_all();
}

void SampleQueue::note(Diagnostic mistake) {
  const std::scoped_lock lock(mutex_);
  note_locked(std::move(mistake));
}

void SampleQueue::note_locked(Diagnostic mistake) {
  ++mistakes_.count;
  if (mistakes_.told.size() < kMostTold) mistakes_.told.push_back(std::move(mistake));
}

SampleQueue::Mistakes SampleQueue::mistakes() const {
  const std::scoped_lock lock(mutex_);
  return mistakes_;
}

Seconds SampleQueue::fetch_waited() const {
  const std::scoped_lock lock(mutex_);
  return fetch_waited_;
}

}  // namespace fastpath
