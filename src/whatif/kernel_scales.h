/// How much longer each piece of a device's work takes after the edits.
#pragma once

#include <string>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/system.h"

#include "model/device_model.h"
#include "whatif/edits.h"
#include "whatif/replay.h"

namespace fastpath {

/// Devices whose cost functions scale kernels' times; needed where Edits::models.
struct SwapDevices {
  const Device* from = nullptr;  ///< that the trace was recorded on
  const Device* to = nullptr;    ///< that of the edit, or the same
};

struct KernelScales {
  TimeScales times;
  std::vector<std::string> class_of;       ///< by event; empty for what is no device's work
  std::vector<RelativeInterval> interval;  ///< by event: of the new time; 1 to 1 = exact
  std::vector<bool> by_shape;              ///< by event
  std::vector<bool> by_class;              ///< by event
};

Result<KernelScales> kernel_scales(const TraceIndex& index, const Edits& edits,
                                   const SwapDevices& devices,
                                   const std::vector<KernelRule>& rules);

}  // namespace fastpath
