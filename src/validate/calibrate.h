/// Fits the operator model's parameters to measurements: bounded, robust, deterministic, each group
/// of rows drawn towards the group that holds it.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fastpath/kernel.h"
#include "fastpath/system.h"

#include "ir/measurement.h"
#include "model/kernel_time.h"

namespace fastpath {

/// What is known of a device without measurements.
struct DeviceFacts {
  DeviceRates rates;
  std::string id;
  std::string family;
  std::string kind = "gpu";
};
using DeviceTable = std::map<std::string, DeviceFacts, std::less<>>;

/// A measurement on a known device. Both outlive the calibration.
struct CalibrationRow {
  const Measurement* measurement = nullptr;
  const DeviceFacts* device = nullptr;
};

/// A group of rows, and what was fitted to it.
struct CalibrationNode {
  KernelParameters parameters;
  double spread = 0;  ///< median |log(measured / predicted)|
  std::uint32_t rows = 0;
};

/// Whether libraries are told apart. Together: one set for a user who names none; rows whose
/// library has the host launch kernel by kernel are left out, since Achieved::launch covers that.
enum class Libraries : std::uint8_t { apart, together };

/// Parameters by class, format, library, family and device, in that order: each level is fitted
/// with the one before as its prior, so that a device without rows gets its family's, a family
/// without rows its library's, and so on up to the built-in defaults.
///
/// Fit: minimum of sum of sqrt(1 + (r / noise)^2) over residuals r = log(predicted / measured),
/// plus squared distances of the parameters' logarithms from the prior over its spread, by
/// Levenberg-Marquardt from the prior inside the parameters' ranges.
class Calibration {
 public:
  explicit Calibration(std::span<const CalibrationRow> rows,
                       Libraries libraries = Libraries::apart);

  /// The most specific fitted group that `row` belongs to.
  const KernelParameters& parameters(const CalibrationRow& row) const;
  /// Groups named "class", "class/format", "class/format/library", ".../family", ".../device".
  const std::map<std::string, CalibrationNode, std::less<>>& nodes() const { return nodes_; }

 private:
  std::map<std::string, CalibrationNode, std::less<>> nodes_;
  Libraries libraries_;
};

/// The names of the groups of a row, from the widest ("matmul") to the narrowest.
std::array<std::string, 5> group_names(const CalibrationRow& row, Libraries libraries);

/// launch + the parts' busy times.
Seconds predicted_time(const CalibrationRow& row, const KernelParameters& parameters);

/// max(work / peak, bytes / bandwidth) at data-sheet rates, summed over the parts.
Seconds naive_roofline(const CalibrationRow& row);

}  // namespace fastpath
