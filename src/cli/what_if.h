/// `analyze --what-if`: traces replayed with changes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fastpath/result.h"

#include "analyze/trace/rank_analysis.h"
#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/sources.h"

namespace fastpath::cli {

/// The catalog's device of that name, as a driver or profiler writes it: "NVIDIA H100 80GB HBM3".
/// Nothing where no words of it are a name of the catalog.
std::optional<Device> device_of_driver(const Sources& sources, const std::string& name);

int run_what_if(Session& session, const Arguments& arguments, std::span<const std::string> files,
                const AnalyzeOptions& options);

}  // namespace fastpath::cli
