/// What an input pipeline makes of a training step, as tables.
#pragma once

#include <optional>

#include "fastpath/findings.h"

#include "model/fed_step.h"

namespace fastpath {

/// The first epoch and a later one, where they were simulated.
struct FedRuns {
  FedRun first;
  FedRun later;
};

/// Adds the tables `input` (behind the summary) and `stages`, and to `time_by_bound`, where there
/// is one, what steps of the first epoch wait for samples.
void add_input(Findings& findings, const FedStep& step, const std::optional<FedRuns>& runs = {});

}  // namespace fastpath
