/// Measured training steps from CSV: docs/guide/validate.md describes the columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "import/catalog/framework_defaults.h"
#include "import/model/load.h"
#include "ir/training_run.h"

namespace fastpath {

struct TrainingSources {
  const ModelLibrary& models;
  const FrameworkDefaults& defaults;
};

struct TrainingRows {
  std::vector<TrainingRun> runs;
  std::vector<MemoryRun> memory;
  std::vector<UnscoredRun> unscored;
};

/// Columns needed: id, device, n_devices, value, and metric (of a time) or component (of memory,
/// with a unit). Rows are scored if they state layers, hidden, ffn, heads, seq_len,
/// global_batch_seqs, micro_batch, tp, pp and precision; what else is missing takes the framework's
/// default. Metrics: iteration_time_s, tokens_per_s_per_gpu. Components: allocated, reserved,
/// device; units: GB, GiB. Words of a plan in a column `plan` go
/// before what the other columns say. Mistakes: values that
/// are not numbers, unknown formats and words.
Result<TrainingRows> read_training_rows(std::string_view text, const std::string& file,
                                        const TrainingSources& sources);

}  // namespace fastpath
