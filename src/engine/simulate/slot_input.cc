#include "engine/simulate/slot_input.h"

namespace fastpath {

SlotKey key_of(const Slot& slot) {
  const bool whole = slot.pass == SlotPass::backward;
  return {slot.stage, slot.micro_batch, whole ? SlotPass::backward_input : slot.pass};
}

std::optional<SlotInput> input_of(const ScheduleOrder& order, const Slot& slot) {
  const auto from = [&](std::int32_t stage, SlotPass pass) {
    return SlotKey{stage, slot.micro_batch, pass};
  };
  if (slot.pass == SlotPass::backward_weight) {
    return SlotInput{from(slot.stage, SlotPass::backward_input), std::nullopt};
  }
  if (slot.pass == SlotPass::forward) {
    if (slot.stage % order.chain == 0) return std::nullopt;
    return SlotInput{from(slot.stage - 1, SlotPass::forward), slot.stage - 1};
  }
  if ((slot.stage + 1) % order.chain == 0) {
    return SlotInput{from(slot.stage, SlotPass::forward), std::nullopt};
  }
  return SlotInput{from(slot.stage + 1, SlotPass::backward_input), slot.stage};
}

}  // namespace fastpath
