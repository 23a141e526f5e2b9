#include "engine/schedule.h"

#include <algorithm>
#include <deque>

#include "engine/v_order.h"
#include "lower/stages.h"

namespace fastpath {
namespace {

Slot slot(std::int64_t stage, std::int64_t micro_batch, SlotPass pass) {
  return {static_cast<std::int32_t>(stage), static_cast<std::int32_t>(micro_batch), pass};
}

std::vector<Slot> all_forward(const Plan& plan, std::int64_t rank, std::int64_t micro_batches) {
  std::vector<Slot> slots;
  for (std::int64_t chunk = 0; chunk < chunks_of(plan); ++chunk) {
    for (std::int64_t i = 0; i < micro_batches; ++i)
      slots.push_back(slot(stage_of(plan, rank, chunk), i, SlotPass::forward));
  }
  return slots;
}

std::vector<Slot> gpipe(std::int64_t rank, std::int64_t micro_batches) {
  std::vector<Slot> slots;
  for (const SlotPass pass : {SlotPass::forward, SlotPass::backward}) {
    for (std::int64_t i = 0; i < micro_batches; ++i)
      slots.push_back(slot(rank, i, pass));
  }
  return slots;
}

/// The k-th forward (or backward) of a rank under interleaving; with one chunk, micro-batch k.
Slot turn(std::int64_t k, std::int64_t rank, const Plan& plan, SlotPass pass) {
  const std::int64_t ranks = plan.pipeline_parallel;
  const std::int64_t chunks = chunks_of(plan);
  if (chunks == 1) return slot(rank, k, pass);
  const std::int64_t chunk = k / ranks % chunks;
  const std::int64_t micro_batch = k / (ranks * chunks) * ranks + k % ranks;
  const std::int64_t direction = pass == SlotPass::forward ? chunk : chunks - 1 - chunk;
  return slot(direction * ranks + rank, micro_batch, pass);
}

/// 1F1B, interleaved or not.
std::vector<Slot> alternating(const Plan& plan, std::int64_t rank, std::int64_t micro_batches) {
  const std::int64_t ranks = plan.pipeline_parallel;
  const std::int64_t chunks = chunks_of(plan);
  const std::int64_t total = micro_batches * chunks;
  const std::int64_t lead =
      chunks == 1 ? ranks - 1 - rank : 2 * (ranks - 1 - rank) + (chunks - 1) * ranks;
  const std::int64_t warm_up = std::min(lead, total);
  std::vector<Slot> slots;
  slots.reserve(static_cast<std::size_t>(2 * total));
  for (std::int64_t k = 0; k < total + warm_up; ++k) {
    if (k < total) slots.push_back(turn(k, rank, plan, SlotPass::forward));
    if (k >= warm_up) slots.push_back(turn(k - warm_up, rank, plan, SlotPass::backward));
  }
  return slots;
}

std::vector<Slot> zb_h1(std::int64_t ranks, std::int64_t rank, std::int64_t micro_batches) {
  const std::int64_t warm_up = std::min(ranks - 1 - rank, micro_batches);
  std::vector<Slot> slots;
  slots.reserve(static_cast<std::size_t>(3 * micro_batches));
  std::int64_t owed_from = 0;
  for (std::int64_t k = 0; k < micro_batches + warm_up; ++k) {
    if (k < micro_batches) slots.push_back(slot(rank, k, SlotPass::forward));
    if (k < warm_up) continue;
    slots.push_back(slot(rank, k - warm_up, SlotPass::backward_input));
    if (k - warm_up - owed_from < rank) continue;
    slots.push_back(slot(rank, owed_from++, SlotPass::backward_weight));
  }
  while (owed_from < micro_batches)
    slots.push_back(slot(rank, owed_from++, SlotPass::backward_weight));
  return slots;
}

/// One rank of DualPipe (arXiv 2412.19437, figure 5), by the numbers of its two directions: `near`
/// is that of the pipeline's closer end.
class DualPipe {
 public:
  DualPipe(std::int64_t ranks, std::int64_t rank, std::int64_t micro_batches)
      : ranks_(ranks),
        rank_(rank),
        half_(micro_batches / 2),
        depth_(std::min(rank, ranks - 1 - rank)),
        near_(rank < ranks / 2 ? 0 : 1),
        far_(1 - near_) {
    slots_.reserve(static_cast<std::size_t>(3 * micro_batches));
  }

  std::vector<Slot> run() {
    const std::int64_t from_middle = ranks_ / 2 - 1 - depth_;
    repeat(2 * from_middle, [&] { forward(near_); });
    repeat(depth_ + 1, [&] { forward(near_), forward(far_); });
    repeat(from_middle, [&] { input_half(far_), weight_half(), forward(far_); });
    repeat(half_ - ranks_ + depth_ + 1,
           [&] { forward(near_), backward(far_), forward(far_), backward(near_); });
    repeat(from_middle, [&] { backward(far_), forward(far_), backward(near_); });
    drain();
    repeat(from_middle, [&] { weight_half(), input_half(near_); });
    while (!owed_.empty())
      weight_half();
    return std::move(slots_);
  }

 private:
  template <class Action>
  static void repeat(std::int64_t times, Action action) {
    for (std::int64_t i = 0; i < times; ++i)
      action();
  }

  Slot next(std::size_t direction, std::int64_t& count, SlotPass pass) const {
    const bool down = direction == 0;
    const std::int64_t stage = down ? rank_ : 2 * ranks_ - 1 - rank_;
    return slot(stage, (down ? 0 : half_) + count++, pass);
  }

  void forward(std::size_t direction) {
    slots_.push_back(next(direction, forwards_[direction], SlotPass::forward));
  }

  void backward(std::size_t direction) {
    slots_.push_back(next(direction, backwards_[direction], SlotPass::backward));
  }

  void input_half(std::size_t direction) {
    slots_.push_back(next(direction, backwards_[direction], SlotPass::backward_input));
    owed_.push_back(slots_.back());
  }

  void weight_half() {
    slots_.push_back(owed_.front());
    slots_.back().pass = SlotPass::backward_weight;
    owed_.pop_front();
  }

  /// Backwards of both directions; the last depth + 1 leave their weights for later.
  void drain() {
    const std::int64_t count = 2 * (depth_ + 1);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::size_t direction = i % 2 == 0 ? far_ : near_;
      if (i < count / 2) {
        backward(direction);
      } else {
        input_half(direction);
      }
    }
  }

  std::int64_t ranks_;
  std::int64_t rank_;
  std::int64_t half_;   ///< micro-batches of each direction
  std::int64_t depth_;  ///< ranks between this one and the closer end
  std::size_t near_;
  std::size_t far_;
  std::int64_t forwards_[2] = {};
  std::int64_t backwards_[2] = {};
  std::deque<Slot> owed_;
  std::vector<Slot> slots_;
};

std::vector<Slot> slots_of_rank(const Plan& plan, std::int64_t rank, std::int64_t micro_batches) {
  const std::int64_t ranks = plan.pipeline_parallel;
  switch (plan.schedule) {
    case Schedule::gpipe: return gpipe(rank, micro_batches);
    case Schedule::zb_h1: return zb_h1(ranks, rank, micro_batches);
    case Schedule::dualpipe: return DualPipe(ranks, rank, micro_batches).run();
    default: return alternating(plan, rank, micro_batches);
  }
}

}  // namespace

ScheduleOrder order_of(const Plan& plan, std::int64_t micro_batches, bool training) {
  ScheduleOrder order;
  order.stages = plan.pipeline_parallel * chunks_of(plan);
  order.chain = chain_of(plan);
  if (training && plan.schedule == Schedule::zb_v) {
    order.ranks = v_order(plan.pipeline_parallel, micro_batches);
  } else {
    for (std::int64_t rank = 0; rank < plan.pipeline_parallel; ++rank) {
      order.ranks.push_back(training ? slots_of_rank(plan, rank, micro_batches)
                                     : all_forward(plan, rank, micro_batches));
    }
  }
  order.counts.resize(static_cast<std::size_t>(order.stages));
  for (const auto& slots : order.ranks) {
    for (const Slot& one : slots)
      ++order.counts[static_cast<std::size_t>(one.stage)][static_cast<std::size_t>(one.pass)];
  }
  return order;
}

}  // namespace fastpath
