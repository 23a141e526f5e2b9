#include "engine/v_order.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace fastpath {
namespace {

/// Counts of what a stage has done, in order of micro-batches, and when.
struct Progress {
  std::int64_t forwards = 0;
  std::int64_t inputs = 0;
  std::int64_t weights = 0;
  std::vector<std::int64_t> forward_end;
  std::vector<std::int64_t> input_end;
};

class Lister {
 public:
  Lister(std::int64_t ranks, std::int64_t micro_batches)
      : ranks_(ranks),
        micro_batches_(micro_batches),
        stages_(static_cast<std::size_t>(2 * ranks)),
        orders_(static_cast<std::size_t>(ranks)) {}

  std::vector<std::vector<Slot>> run() {
    for (std::int64_t left = std::int64_t{6} * ranks_ * micro_batches_; left > 0; ++clock_) {
      const std::int64_t before = left;
      for (std::int64_t rank = 0; rank < ranks_; ++rank)
        left -= step(rank) ? 1 : 0;
      FP_CHECK(left < before);
    }
    return std::move(orders_);
  }

 private:
  /// One slot of a rank, if any can start now.
  bool step(std::int64_t rank) {
    const std::int64_t first = rank;
    const std::int64_t second = 2 * ranks_ - 1 - rank;
    const std::array<std::pair<SlotPass, std::int64_t>, 6> by_priority = {{
        {SlotPass::forward, second},
        {SlotPass::backward_input, second},
        {SlotPass::backward_input, first},
        {SlotPass::forward, first},
        {SlotPass::backward_weight, second},
        {SlotPass::backward_weight, first},
    }};
    for (const auto& [pass, stage] : by_priority) {
      if (!can_start(pass, stage)) continue;
      orders_[static_cast<std::size_t>(rank)].push_back(
          {static_cast<std::int32_t>(stage), static_cast<std::int32_t>(start(pass, stage)), pass});
      return true;
    }
    return false;
  }

  /// Micro-batches that a stage may hold from its forward to its weight gradient.
  std::int64_t limit(std::int64_t stage) const {
    return stage < ranks_ ? std::max<std::int64_t>(1, 2 * ranks_ - 1 - stage) : 2 * ranks_ - stage;
  }

  bool has(const std::vector<std::int64_t>& ends, std::int64_t micro_batch) const {
    return micro_batch < static_cast<std::int64_t>(ends.size()) &&
           ends[static_cast<std::size_t>(micro_batch)] <= clock_;
  }

  bool can_start(SlotPass pass, std::int64_t stage) const {
    const auto index = static_cast<std::size_t>(stage);
    const Progress& own = stages_[index];
    if (pass == SlotPass::backward_weight) return own.weights < own.inputs;
    if (pass == SlotPass::forward) {
      const bool room = own.forwards - own.weights < limit(stage);
      const bool left = own.forwards < micro_batches_;
      return room && left && (stage == 0 || has(stages_[index - 1].forward_end, own.forwards));
    }
    const bool last = index + 1 == stages_.size();
    return has(last ? own.forward_end : stages_[index + 1].input_end, own.inputs);
  }

  /// Returns the micro-batch.
  std::int64_t start(SlotPass pass, std::int64_t stage) {
    Progress& own = stages_[static_cast<std::size_t>(stage)];
    if (pass == SlotPass::backward_weight) return own.weights++;
    const bool forward = pass == SlotPass::forward;
    (forward ? own.forward_end : own.input_end).push_back(clock_ + 1);
    return forward ? own.forwards++ : own.inputs++;
  }

  std::int64_t ranks_;
  std::int64_t micro_batches_;
  std::int64_t clock_ = 0;
  std::vector<Progress> stages_;
  std::vector<std::vector<Slot>> orders_;
};

}  // namespace

std::vector<std::vector<Slot>> v_order(std::int64_t ranks, std::int64_t micro_batches) {
  return Lister(ranks, micro_batches).run();
}

}  // namespace fastpath
