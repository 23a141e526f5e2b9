/// What a runtime's profiler says of each operator that it ran.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// One execution of one operator.
struct RuntimeEvent {
  std::string name;     ///< of the node, as the runtime calls it after its rewriting
  std::string op_type;  ///< "Conv", "ReorderInput"
  std::string shapes;   ///< of its inputs and its outputs: "1x3x224x224, 64x3x7x7 -> 1x64x112x112"
  Seconds start;        ///< since the profile's base
  Seconds duration;
  std::uint64_t run = 0;  ///< which of the profile's runs of the model, from 0
};

/// An operator over the executions of a profile.
struct RuntimeOperator {
  std::string name;
  std::string op_type;
  std::string shapes;
  std::size_t runs = 0;
  Seconds median;
  Seconds quiet;  ///< the shortest, or the mean of the shorter half where they are short
  bool holds_others = false;  ///< `If` and loops: their time is what those inside leave
};

}  // namespace fastpath
