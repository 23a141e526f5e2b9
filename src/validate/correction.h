/// What the physics leaves: a library's choice of kernel around a shape. A local, bounded factor
/// learnt from the residuals of neighbouring measured shapes.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "validate/calibrate.h"

namespace fastpath {

/// A regression of log residuals on the logarithms of sizes by a Gaussian process whose covariance
/// is shared among all devices of a library, more within a family, most within a device, and falls
/// to zero within about an octave (Rasmussen and Williams, "Gaussian Processes for Machine
/// Learning", 2006, eq. 2.25). Only the nearest rows count. Optional: predictions are reported with
/// and without it.
class Correction {
 public:
  /// `log_ratios`: log(measured / predicted) of the same rows.
  Correction(std::span<const CalibrationRow> rows, std::span<const double> log_ratios);

  /// Factor on the predicted time, in [0.5, 2]; 1 away from measured shapes.
  double factor(const CalibrationRow& row) const;

 private:
  static constexpr std::size_t kSizes = 5;
  struct Point {
    std::array<double, kSizes> sizes{};  ///< log2
    const DeviceFacts* device = nullptr;
    double log_ratio = 0;
  };
  static Point point_of(const CalibrationRow& row);
  static std::string key_of(const CalibrationRow& row);
  static double covariance(const Point& a, const Point& b);

  std::map<std::string, std::vector<Point>, std::less<>> points_;  ///< by kind, format, library
};

}  // namespace fastpath
