/// Predicts each measurement from a calibration that has not seen its group, and says how well.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ir/measurement.h"
#include "validate/calibrate.h"
#include "validate/score.h"

namespace fastpath {

/// What stays together, besides identical configurations and byte-identical repeats.
enum class Folding : std::uint8_t {
  shapes,   ///< a matmul's (n, k) within a device and format; other operators' configurations
  rows,     ///< a matmul's m within a device; other operators' configurations
  devices,  ///< all rows of a device: it is never seen
};
std::string_view name_of(Folding folding);

/// A row that is not scored, and the rule that says so.
struct LeftOut {
  std::string id;
  std::string device;
  std::string rule;
};

struct CrossValidation {
  std::vector<ScoredRow> rows;            ///< with the local correction
  std::vector<Seconds> physics;           ///< by row: predicted without it
  std::vector<std::uint32_t> folds;       ///< by row
  std::vector<std::size_t> measurements;  ///< by row: index in the input
};

struct Usable {
  std::vector<CalibrationRow> rows;
  std::vector<std::size_t> measurements;  ///< by row: index in the input
  std::vector<LeftOut> left_out;
};

/// Rows that obey physics, on devices with a data sheet. Left out: devices without one; rows that
/// beat the peak; rows that beat the memory's bandwidth with operands that no cache holds, or whose
/// source says that they were found in the cache.
Usable usable_rows(std::span<const Measurement> measurements, const DeviceTable& devices);

/// Fold of each row: `folds` of them for shapes and rows, one for each device for devices.
std::vector<std::uint32_t> folds_of_rows(std::span<const CalibrationRow> rows, Folding folding,
                                         std::uint32_t folds);

/// Refits all parameters for each fold, on `threads` threads (0: as many as the machine has cores;
/// the answer is the same). `progress` is called after each fold with (done, all).
CrossValidation cross_validate(std::span<const CalibrationRow> rows, Folding folding,
                               const std::function<void(std::size_t, std::size_t)>& progress,
                               unsigned threads = 0);

}  // namespace fastpath
