/// Copies between host and devices, as `fastpath measure` tells of them.
#pragma once

#include <string>

#include "fastpath/findings.h"

#include "measure/device_copy.h"

namespace fastpath::cli {

/// Their table, where there are devices, and what to make of them. `date`: of the measurement.
void add_copies(Findings& findings, const MeasuredCopies& measured, const std::string& date);

}  // namespace fastpath::cli
