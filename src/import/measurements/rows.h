/// Reading all rows of a table of measurements.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "fastpath/result.h"

#include "import/csv/csv.h"
#include "import/measurements/row.h"

namespace fastpath {

/// A number above 0; else a mistake, and 1.
double positive_number(const MeasurementRow& row, std::string_view column);

/// Calls `read` with each row. Mistakes: columns that are missing, and what `read` finds.
Result<void> read_measurement_rows(std::string_view text, const std::string& file,
                                   const std::vector<std::string>& columns,
                                   const std::function<void(const MeasurementRow&)>& read);

}  // namespace fastpath
