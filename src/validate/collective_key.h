/// What a measured collective ran on: the keys that predictions and folds go by.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fastpath/quantity.h"

#include "ir/collective_row.h"
#include "model/collective_model.h"

namespace fastpath {

/// A row of catalog/links, as far as collectives ask.
struct LinkFigures {
  std::string id;
  BytesPerSecond bandwidth;  ///< data sheet, per direction and device
  Seconds latency;
  Seconds setup;
  double achieved = 0.8;
};

/// A measurement with its notes read.
struct CollectiveSample {
  const CollectiveRow* row = nullptr;
  std::string system;  ///< device, or "unstated"
  std::string link;    ///< id in catalog/links
  std::string
      library;  ///< "nccl", "nccl graph", "oneccl", "rccl", "vllm eager", "sglang graph", ...
  std::string version;    ///< of the library, and who ran it
  std::string cluster;    ///< across nodes: the published run; empty inside a domain
  bool integers = false;  ///< NVLS is not used
  bool no_nvls = false;   ///< switched off, as the notes say
  double octave = 0;      ///< log2 of the bytes
  GroupPlace place;       ///< without tuning
  bool pcie = false;      ///< no NVLink-class link between the ranks
  bool across() const { return !cluster.empty(); }
};

/// NVLS starts at 5 ranks of NVLink 4 and at 6 of NVLink 5 (stas00/ml-engineering@744d01e1,
/// network/README.md); 0 = the link's switch does not reduce.
std::int64_t nvls_ranks_of(const std::string& link);

/// The links are those of the catalog. A device or interconnect that names no known link gets a
/// place with bandwidth 0: such rows cannot be predicted.
std::vector<CollectiveSample> collective_samples(std::span<const CollectiveRow> rows,
                                                 std::span<const LinkFigures> links);

}  // namespace fastpath
