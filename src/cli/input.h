/// --input: the pipeline that feeds a training step.
#pragma once

#include <optional>
#include <span>

#include "fastpath/result.h"
#include "fastpath/system.h"

#include "cli/arguments.h"
#include "cli/scenario.h"
#include "cli/sources.h"
#include "cli/verb.h"
#include "model/fed_step.h"

namespace fastpath::cli {

std::span<const Flag> input_flags();

/// The pipeline of a file, its stores by the catalog's names.
Result<InputPipeline> input_pipeline_from(const std::string& file, const Sources& sources);

/// The pipeline of --input, nothing without it. What its file leaves open is the system's: the
/// store, and the copy to a device, each named in
/// `notes`. Fails on what is not training.
Result<std::optional<InputPipeline>> input_from(const Sources& sources, const Arguments& arguments,
                                                const Scenario& scenario,
                                                std::vector<std::string>& notes);

}  // namespace fastpath::cli
