/// The rows of MLPerf Inference in `validate --of inference`: reported, not fitted to.
#pragma once

#include <vector>

#include "fastpath/findings.h"
#include "fastpath/result.h"

#include "cli/session.h"
#include "cli/sources.h"
#include "import/catalog/engines.h"
#include "ir/training_run.h"

namespace fastpath::cli {

struct MlperfFindings {
  std::vector<Table> tables;
  std::vector<UnscoredRun> unscored;
};

/// Predicts each row by the catalog's constants of its engine, which were fitted to other runs. No
/// tables where the published rows are not installed. `rows`: a table of every row besides.
Result<MlperfFindings> report_mlperf(Session& session, const Sources& sources,
                                     const std::vector<EngineEntry>& engines, bool rows);

}  // namespace fastpath::cli
