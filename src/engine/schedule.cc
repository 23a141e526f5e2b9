#include "engine/schedule.h"

#include <algorithm>

#include "base/check.h"

namespace fastpath {
namespace {

std::vector<Slot> all_forward(std::int64_t rank, std::int64_t ranks, std::int64_t chunks,
                              std::int64_t micro_batches) {
  std::vector<Slot> slots;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (std::int64_t i = 0; i < micro_batches; ++i) {
      slots.push_back(
          {static_cast<std::int32_t>(chunk * ranks + rank), static_cast<std::int32_t>(i), false});
    }
  }
  return slots;
}

std::vector<Slot> gpipe(std::int64_t rank, std::int64_t micro_batches) {
  std::vector<Slot> slots = all_forward(rank, 1, 1, micro_batches);
  for (Slot& slot : slots)
    slot.stage = static_cast<std::int32_t>(rank);
  for (std::int64_t i = 0; i < micro_batches; ++i) {
    slots.push_back({static_cast<std::int32_t>(rank), static_cast<std::int32_t>(i), true});
  }
  return slots;
}

/// The k-th forward (or backward) of a rank under interleaving; with one chunk, micro-batch k.
Slot turn(std::int64_t k, std::int64_t rank, const Plan& plan, bool backward) {
  const std::int64_t ranks = plan.pipeline_parallel;
  const std::int64_t chunks = plan.virtual_stages;
  if (chunks == 1) {
    return {static_cast<std::int32_t>(rank), static_cast<std::int32_t>(k), backward};
  }
  const std::int64_t chunk = k / ranks % chunks;
  const std::int64_t micro_batch = k / (ranks * chunks) * ranks + k % ranks;
  const std::int64_t direction = backward ? chunks - 1 - chunk : chunk;
  return {static_cast<std::int32_t>(direction * ranks + rank),
          static_cast<std::int32_t>(micro_batch), backward};
}

std::vector<Slot> alternating(std::int64_t rank, const Plan& plan, std::int64_t micro_batches) {
  const std::int64_t ranks = plan.pipeline_parallel;
  const std::int64_t chunks = plan.virtual_stages;
  const std::int64_t total = micro_batches * chunks;
  const std::int64_t lead =
      chunks == 1 ? ranks - 1 - rank : 2 * (ranks - 1 - rank) + (chunks - 1) * ranks;
  const std::int64_t warm_up = std::min(lead, total);
  std::vector<Slot> slots;
  slots.reserve(static_cast<std::size_t>(2 * total));
  for (std::int64_t k = 0; k < warm_up; ++k)
    slots.push_back(turn(k, rank, plan, false));
  for (std::int64_t k = warm_up; k < total; ++k) {
    slots.push_back(turn(k, rank, plan, false));
    slots.push_back(turn(k - warm_up, rank, plan, true));
  }
  for (std::int64_t k = total - warm_up; k < total; ++k) {
    slots.push_back(turn(k, rank, plan, true));
  }
  return slots;
}

/// Runs slots as soon as they can, rank by rank; the sweep's direction alternates since forwards
/// free later ranks and backwards earlier ones.
class Runner {
 public:
  Runner(const ScheduleOrder& order, const StageTimes& times, bool keep_starts)
      : order_(order), times_(times), keep_starts_(keep_starts), stages_(times.forward.size()) {
    std::size_t micro_batches = 0;
    for (const Slot& slot : order.ranks.front()) {
      micro_batches = std::max(micro_batches, static_cast<std::size_t>(slot.micro_batch) + 1);
    }
    micro_batches_ = micro_batches;
    done_.assign(2 * stages_ * micro_batches, kNotYet);
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

  double& done(const Slot& slot, std::int32_t stage) {
    const std::size_t pass = slot.backward ? stages_ : 0;
    return done_[(pass + static_cast<std::size_t>(stage)) * micro_batches_ +
                 static_cast<std::size_t>(slot.micro_batch)];
  }

  /// When the slot's input has arrived; kNotYet if it has not been sent.
  double ready(const Slot& slot) {
    const auto stage = static_cast<std::size_t>(slot.stage);
    if (!slot.backward) {
      if (stage == 0) return 0;
      const double sent = done(slot, slot.stage - 1);
      return sent == kNotYet ? kNotYet : sent + times_.send[stage - 1].base();
    }
    if (stage + 1 == stages_) {
      const Slot forward{slot.stage, slot.micro_batch, false};
      return done(forward, slot.stage);
    }
    const double sent = done(slot, slot.stage + 1);
    return sent == kNotYet ? kNotYet : sent + times_.send[stage].base();
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
      const auto stage = static_cast<std::size_t>(slot.stage);
      free = start + (slot.backward ? times_.backward[stage] : times_.forward[stage]).base();
      done(slot, slot.stage) = free;
      if (keep_starts_) run_.starts[rank].push_back(Seconds{start});
    }
    run_.end[rank] = Seconds{free};
    return count;
  }

  const ScheduleOrder& order_;
  const StageTimes& times_;
  bool keep_starts_;
  std::size_t stages_;
  std::size_t micro_batches_ = 0;
  std::vector<double> done_;  ///< end of each pass, [pass][stage][micro-batch]
  std::vector<std::size_t> next_;
  ScheduleRun run_;
};

}  // namespace

ScheduleOrder order_of(const Plan& plan, std::int64_t micro_batches, bool training) {
  ScheduleOrder order;
  for (std::int64_t rank = 0; rank < plan.pipeline_parallel; ++rank) {
    if (!training) {
      order.ranks.push_back(
          all_forward(rank, plan.pipeline_parallel, plan.virtual_stages, micro_batches));
    } else if (plan.schedule == Schedule::gpipe) {
      order.ranks.push_back(gpipe(rank, micro_batches));
    } else {
      order.ranks.push_back(alternating(rank, plan, micro_batches));
    }
  }
  return order;
}

ScheduleRun run_schedule(const ScheduleOrder& order, const StageTimes& times, bool keep_starts) {
  return Runner(order, times, keep_starts).run();
}

Bytes peak_in_flight(const ScheduleOrder& order, std::size_t rank, const std::vector<Bytes>& kept) {
  Bytes live;
  Bytes peak;
  for (const Slot& slot : order.ranks[rank]) {
    const Bytes bytes = kept[static_cast<std::size_t>(slot.stage)];
    if (slot.backward) {
      live -= bytes;
    } else {
      live += bytes;
      peak = std::max(peak, live);
    }
  }
  return peak;
}

}  // namespace fastpath
