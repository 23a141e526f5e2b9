/// Measurements of operators from CSV: docs/guide/validate.md describes the columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/measurement.h"

namespace fastpath {

/// Rows with a `time_us` column (operators.csv) or a `time_ms` column (DeepBench's). Columns
/// needed: id, device, op, a time; others by operator. Rows of collectives and operators that this
/// reader does not know are counted in one warning. Mistakes: sizes that are missing or not
/// positive, times that are not positive, unknown number formats.
Result<Imported<std::vector<Measurement>>> read_operator_measurements(std::string_view text,
                                                                      const std::string& file);

}  // namespace fastpath
