/// Runs of an engine that were measured request by request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/serving_run.h"

namespace fastpath {

/// A run, the engine's limits in it, and the file (below the table's folder) of its requests.
struct ReplayRun {
  ServingRun run;
  std::int64_t token_budget = 0;
  std::int64_t max_sequences = 0;
  std::string requests;
};

/// Columns: id, device, system, engine, model, tp, token_budget, max_sequences, requests; optional
/// version, precision, source, locator. Mistakes: missing columns, cells that are not numbers.
Result<std::vector<ReplayRun>> read_replays(std::string_view text, const std::string& file);

}  // namespace fastpath
