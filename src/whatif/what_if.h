/// What a trace would look like with another device, format, launch cost, ...
#pragma once

#include <array>
#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/result.h"
#include "fastpath/system.h"

#include "analyze/trace/trace_index.h"
#include "whatif/edits.h"
#include "whatif/kernel_scales.h"
#include "whatif/replay.h"

namespace fastpath {

/// Work of one class, before and after.
struct ChangedClass {
  std::string name;
  std::int64_t count = 0;
  std::int64_t by_shape = 0;  ///< scaled by the cost of their operator's shape
  std::int64_t by_class = 0;  ///< scaled by the rates that bound their class
  Picoseconds before = 0;
  Picoseconds after = 0;
  double low = 0;  ///< 90 % interval of `after`, picoseconds
  double high = 0;
};

struct WhatIf {
  std::int64_t rank = -1;
  Picoseconds before = 0;  ///< from the first call or work to the last
  Picoseconds after = 0;
  Picoseconds busy_before = 0;  ///< of all devices: something runs
  Picoseconds busy_after = 0;
  double busy_low = 0;  ///< 90 % interval of `busy_after`, picoseconds
  double busy_high = 0;
  std::vector<ChangedClass> classes;  ///< longest before first
  ReplayedTimes original;             ///< its `by_cause`; without the times of events
  ReplayedTimes changed;
};

/// Applies the edits and replays. New time of a kernel = its time x cost(new) / cost(old), where
/// cost is DeviceModel's for the shapes of the operator that launched it; where those are not
/// known, the ratio of what bounds its class: peak x share of matmuls, or bandwidth x share.
/// Communication and copies keep their times on another device. Errors: kernels that no kernel's
/// class or name is; a device without a data sheet.
Result<WhatIf> what_if(const TraceIndex& index, const Edits& edits, const SwapDevices& devices,
                       const std::vector<KernelRule>& rules = {});

Findings findings_of(const std::vector<WhatIf>& ranks, const std::string& edits);

}  // namespace fastpath
