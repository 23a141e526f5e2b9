/// The units of work that pipeline schedules put in order.
#pragma once

#include <array>
#include <cstdint>

namespace fastpath {

/// The backward of a stage runs whole, or parted: the input half lets the stage before go on, the
/// weight half may wait.
enum class SlotPass : std::uint8_t { forward, backward, backward_input, backward_weight };
inline constexpr std::array kSlotPasses = {SlotPass::forward, SlotPass::backward,
                                           SlotPass::backward_input, SlotPass::backward_weight};

/// One unit of a rank's work: a pass of one micro-batch through one of its stages.
struct Slot {
  std::int32_t stage = 0;
  std::int32_t micro_batch = 0;
  SlotPass pass = SlotPass::forward;

  friend bool operator==(const Slot&, const Slot&) = default;
};

}  // namespace fastpath
