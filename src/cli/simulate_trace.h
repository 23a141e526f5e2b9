/// `simulate` of execution traces.
#pragma once

#include <string>
#include <vector>

#include "fastpath/simulation.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/sources.h"

namespace fastpath::cli {

/// `files`: one a rank.
int run_simulate_trace(Session& session, const Arguments& arguments, const Sources& sources,
                       const std::vector<std::string>& files, SimulateOptions options);

}  // namespace fastpath::cli
