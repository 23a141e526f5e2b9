/// What a fuzz target claims. abort() is what libFuzzer takes for a finding and keeps the input of;
/// FP_CHECK ends the process without that.
#pragma once

#include <cstdlib>

inline void require(bool holds) {
  if (!holds) std::abort();
}
