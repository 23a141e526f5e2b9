/// Measured serving runs from CSV: docs/guide/serving.md describes the columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/serving_run.h"
#include "ir/training_run.h"

namespace fastpath {

struct ServingRows {
  std::vector<ServingRun> runs;
  std::vector<UnscoredRun> unscored;
};

/// A table with a column output_tokens_per_s holds offline runs: `concurrency` is a static batch,
/// or empty where all requests come at once. Else: Columns needed: id, system, engine, model, isl,
/// osl, concurrency, tp, ttft_ms, tpot_ms. What else a row does not state is assumed and listed in
/// the run. Rows without a concurrency, lengths, tp or (disaggregated) numbers of workers are
/// listed, not scored. Mistakes: cells that are not numbers, formats that are not known.
Result<ServingRows> read_serving_rows(std::string_view text, const std::string& file);

}  // namespace fastpath
