/// Predicted peaks of memory in training beside published ones. Nothing is fitted.
#pragma once

#include <string>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "validate/training.h"

namespace fastpath {

struct MemoryCase {
  TrainingCase of;  ///< its run has no time
  MemoryCounted counted = MemoryCounted::allocated;
  Bytes measured;
};

/// Of the fullest device, counted as the case's measurement is. Fails as predict does.
Result<Bytes> predicted_peak(const MemoryCase& one);

}  // namespace fastpath
