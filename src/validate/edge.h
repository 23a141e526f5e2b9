/// Cross-validation of convolutional networks on CPUs of phones, boards and PCs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/findings.h"

#include "ir/edge_run.h"
#include "validate/edge_prior.h"
#include "validate/score.h"

namespace fastpath {

/// What a prediction has not seen.
enum class EdgeFolds : std::uint8_t {
  networks,  ///< a network anywhere, with its quantised form; the device's other networks are known
  devices,   ///< a device, but its data sheet
  cores,     ///< a device and all runs on the designs of its cores, but its data sheet
  three,     ///< a device, but its data sheet and three of its timings
};
std::string_view name_of(EdgeFolds folds);

struct EdgeData {
  std::vector<EdgeRun> runs;
  std::vector<EdgeLayer> layers;
  std::vector<EdgeNetwork> networks;
  std::map<std::string, CpuFacts> cpus;           ///< by device
  std::map<std::string, double> flops_per_cycle;  ///< fp32, by core
};

/// fp32 operations a cycle of each core design that all devices' peaks together determine, by least
/// squares. `peaks` in parallel to `cpus`.
std::map<std::string, double> core_widths(std::span<const CpuFacts> cpus,
                                          std::span<const FlopsPerSecond> peaks);

struct EdgeValidation {
  std::vector<ScoredRow> rows;        ///< kind: "fp32" or "int8"; format: the network
  std::vector<std::string> settings;  ///< by row, in words
  std::vector<bool> has_sheet;        ///< by row: the device prints a peak
};

/// Runs of networks whose files carry no shapes, and of devices that list no cores, are left out.
EdgeValidation validate_edge(const EdgeData& data, EdgeFolds folds,
                             const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace fastpath
