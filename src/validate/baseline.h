/// The simplest fitted model, to say what physics adds.
#pragma once

#include <map>
#include <span>
#include <string>

#include "validate/calibrate.h"

namespace fastpath {

/// time = launch + roofline / efficiency, with two constants for each kind and format, pooled over
/// devices and libraries: the least mean of |log(predicted / measured)| on a grid.
class PooledBaseline {
 public:
  explicit PooledBaseline(std::span<const CalibrationRow> rows);

  /// The roofline where the kind and format have no rows.
  Seconds predict(const CalibrationRow& row) const;

 private:
  struct Constants {
    Seconds launch;
    double efficiency = 1;
  };
  std::map<std::string, Constants, std::less<>> constants_;
};

}  // namespace fastpath
