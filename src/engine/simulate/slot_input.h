/// What a slot of a schedule waits for, besides the slot before it on its rank.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "engine/schedule.h"

namespace fastpath {

/// A pass of a micro-batch that others wait for; a whole backward counts as its input half.
struct SlotKey {
  std::int32_t stage = 0;
  std::int32_t micro_batch = 0;
  SlotPass pass = SlotPass::forward;

  friend auto operator<=>(const SlotKey&, const SlotKey&) = default;
};

SlotKey key_of(const Slot& slot);

struct SlotInput {
  SlotKey from;
  /// The earlier of the two stages between which it is sent; none within a stage.
  std::optional<std::int32_t> boundary;
};

/// The rule that run_schedule follows. None for the first stage's forwards.
std::optional<SlotInput> input_of(const ScheduleOrder& order, const Slot& slot);

}  // namespace fastpath
