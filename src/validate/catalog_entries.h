/// From measurements to entries of the catalog: parameters, and how far off they were on what they
/// had not seen.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fastpath/kernel.h"

#include "validate/calibrate.h"

namespace fastpath {

/// An entry of the catalog. `scope`: "kind:gpu", "family:hopper" or a device's id.
struct ScopedEntry {
  std::string scope;
  KernelEntry entry;
};

/// What a calibration says of each class and format, for libraries together: of any GPU, of
/// families, of devices. Left out: rows that a host launches kernel by kernel (libraries that end
/// in "-eager"), and rows of several classes. `low` and `high` are 90 % intervals of residuals from
/// refits: of a device's entry without the row's shape (five folds), of a family's or kind's
/// without the row's device. A class and format of fewer than 20 rows has the interval of its
/// class, or of everything.
std::vector<ScopedEntry> catalog_entries(std::span<const CalibrationRow> rows);

}  // namespace fastpath
