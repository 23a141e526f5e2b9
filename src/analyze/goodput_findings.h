/// A training run as tables: how long, what the time went into, checkpoints.
#pragma once

#include <string>

#include "fastpath/findings.h"
#include "fastpath/goodput.h"

namespace fastpath {

/// Tables `summary`, `time` (shares of the run's time, adding up to it) and `checkpoints`.
Findings explain_goodput(const Goodput& run, const std::string& title);

}  // namespace fastpath
