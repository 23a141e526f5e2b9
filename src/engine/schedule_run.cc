#include <algorithm>

#include "base/check.h"
#include "engine/schedule.h"

namespace fastpath {
namespace {

/// Runs slots as soon as they can, rank by rank; the sweep's direction alternates since forwards
/// free later ranks and backwards earlier ones.
class Runner {
 public:
  Runner(const ScheduleOrder& order, const StageTimes& times, bool keep_starts)
      : order_(order),
        times_(times),
        keep_starts_(keep_starts),
        micro_batches_(static_cast<std::size_t>(order.micro_batches)) {
    const auto values = static_cast<std::size_t>(order.stages) * micro_batches_;
    forward_end_.assign(values, kNotYet);
    input_end_.assign(values, kNotYet);
    next_.assign(order.ranks.size(), 0);
    run_.end.assign(order.ranks.size(), Seconds{});
    if (keep_starts) run_.starts.resize(order.ranks.size());
  }

  ScheduleRun run() {
    std::size_t left = 0;
    for (const auto& slots : order_.ranks)
      left += slots.size();
    bool down = true;
    while (left > 0) {
      const std::size_t before = left;
      const std::size_t ranks = order_.ranks.size();
      for (std::size_t i = 0; i < ranks; ++i)
        left -= advance(down ? i : ranks - 1 - i);
      FP_CHECK(left < before);
      down = !down;
    }
    return std::move(run_);
  }

 private:
  static constexpr double kNotYet = -1;

  std::size_t at(std::int64_t stage, const Slot& slot) const {
    return static_cast<std::size_t>(stage) * micro_batches_ +
           static_cast<std::size_t>(slot.micro_batch);
  }

  double arrival(double sent, std::int64_t from) const {
    return sent == kNotYet ? kNotYet : sent + times_.send[static_cast<std::size_t>(from)].base();
  }

  /// When the slot's input has arrived; kNotYet if it has not been sent.
  double ready(const Slot& slot) const {
    const std::int64_t stage = slot.stage;
    if (slot.pass == SlotPass::backward_weight) return input_end_[at(stage, slot)];
    if (slot.pass == SlotPass::forward) {
      if (stage == 0 || stage == order_.chain) return 0;
      return arrival(forward_end_[at(stage - 1, slot)], stage - 1);
    }
    const bool last = stage + 1 == order_.chain || stage + 1 == order_.stages;
    if (last) return forward_end_[at(stage, slot)];
    return arrival(input_end_[at(stage + 1, slot)], stage);
  }

  std::size_t advance(std::size_t rank) {
    const std::vector<Slot>& slots = order_.ranks[rank];
    std::size_t count = 0;
    double free = run_.end[rank].base();
    for (std::size_t& next = next_[rank]; next < slots.size(); ++next, ++count) {
      const Slot& slot = slots[next];
      const double arrived = ready(slot);
      if (arrived == kNotYet) break;
      const double start = std::max(free, arrived);
      free = start + times_.of(slot.pass)[static_cast<std::size_t>(slot.stage)].base();
      if (slot.pass != SlotPass::backward_weight) {
        (slot.pass == SlotPass::forward ? forward_end_ : input_end_)[at(slot.stage, slot)] = free;
      }
      if (keep_starts_) run_.starts[rank].push_back(Seconds{start});
    }
    run_.end[rank] = Seconds{free};
    return count;
  }

  const ScheduleOrder& order_;
  const StageTimes& times_;
  bool keep_starts_;
  std::size_t micro_batches_ = 0;
  std::vector<double> forward_end_;  ///< [stage][micro-batch]
  std::vector<double> input_end_;    ///< of the backward or its input half
  std::vector<std::size_t> next_;
  ScheduleRun run_;
};

}  // namespace

const std::vector<Seconds>& StageTimes::of(SlotPass pass) const {
  switch (pass) {
    case SlotPass::forward: return forward;
    case SlotPass::backward: return backward;
    case SlotPass::backward_input: return backward_input;
    case SlotPass::backward_weight: return backward_weight;
  }
  return forward;
}

ScheduleRun run_schedule(const ScheduleOrder& order, const StageTimes& times, bool keep_starts) {
  return Runner(order, times, keep_starts).run();
}

Bytes kept_by(SlotPass pass, const KeptBytes& bytes) {
  switch (pass) {
    case SlotPass::forward: return bytes.for_backward;
    case SlotPass::backward: return -1.0 * bytes.for_backward;
    case SlotPass::backward_input: return bytes.for_weights - bytes.for_backward;
    case SlotPass::backward_weight: return -1.0 * bytes.for_weights;
  }
  return {};
}

Bytes peak_in_flight(const ScheduleOrder& order, std::size_t rank,
                     const std::vector<KeptBytes>& kept) {
  Bytes live;
  Bytes peak;
  for (const Slot& slot : order.ranks[rank]) {
    live += kept_by(slot.pass, kept[static_cast<std::size_t>(slot.stage)]);
    peak = std::max(peak, live);
  }
  return peak;
}

}  // namespace fastpath
