/// How often training jobs were interrupted, as published.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"
#include "fastpath/system.h"

namespace fastpath {

struct InterruptedRun {
  std::string id;
  std::string name;
  Figure<Seconds> device_mtbf;  ///< devices x duration / interruptions
  double hardware_share = 1;    ///< of the interruptions
};

/// Columns: id, name, devices, duration, interruptions, hardware_share, confidence, source,
/// locator, date, notes. Errors: CatalogTable's, a number that is missing or not above 0.
Result<std::vector<InterruptedRun>> read_reliability(std::string_view text,
                                                     const std::string& file);

/// The catalog's own (catalog/reliability), the first one to be taken where nothing is said.
Result<std::vector<InterruptedRun>> embedded_reliability();

}  // namespace fastpath
