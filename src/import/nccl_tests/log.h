/// Logs of nccl-tests and rccl-tests.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/result.h"

#include "ir/collective_log.h"

namespace fastpath {

/// Reads the table that *_perf prints, old and new layouts, with or without a root column, one or
/// two sets of figures, and prefixes of launchers ("[1,0]<stdout>:", "0: "). Other lines are
/// skipped. Ranks and hosts come from the rank lines, else ranks from busbw / algbw. Errors: no
/// row, more than 16 MiB, a row whose figures are not numbers, more than 100,000 rows; all with
/// their line. Warnings: wrong elements, no time (times of 0 are left out), ranks or collective
/// that the log does not say.
Result<Imported<CollectiveLog>> read_nccl_tests_log(std::string_view text, const std::string& file);

}  // namespace fastpath
