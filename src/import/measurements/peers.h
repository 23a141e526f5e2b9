/// What other tools predict for published measurements.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

namespace fastpath {

/// A training step as another tool predicts it.
struct PeerStep {
  std::string id;  ///< of the measured row
  std::string tool;
  std::string setup;  ///< what it was told about the system and the run
  Seconds predicted;
};

/// catalog/measurements/peer_steps.csv. Columns: id, tool, setup, predicted_s; others are ignored.
/// Errors: parse_csv's, missing columns, times that are not above 0.
Result<std::vector<PeerStep>> read_peer_steps(std::string_view text, const std::string& file);

}  // namespace fastpath
