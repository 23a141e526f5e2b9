/// Cross-validation of collectives against published measurements.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/collective.h"
#include "fastpath/findings.h"

#include "validate/collective_key.h"
#include "validate/score.h"

namespace fastpath {

/// What is left out together, and so never seen by the prediction it is scored on.
enum class CollectiveFolds : std::uint8_t {
  sizes,    ///< one size (octave) of a system's library, collective and ranks: all its library
            ///< versions, element types and repeats; 8 folds
  octaves,  ///< one octave of all rows anywhere; 8 folds
  ranks,    ///< all rows of a system's library and collective with one number of ranks; 8 folds
  systems,  ///< a whole system
};

std::string_view name_of(CollectiveFolds folds);

/// What the rule leaves out together, in words.
std::string_view rule_of(CollectiveFolds folds);

struct ScoredCollective {
  ScoredRow row;  ///< kind "all_reduce", format "half", naive = alpha-beta at data-sheet rates
  const CollectiveSample* sample = nullptr;
  Seconds uncorrected;  ///< by the fitted constants, without the local correction
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::none;
  CollectiveProtocol protocol = CollectiveProtocol::simple;
};

/// Scores every sample whose link is known. Intervals: 90 %, from the residuals of the other folds
/// in the same regime (across or inside a domain or PCIe; library; below or from 1 MiB). Rows
/// faster than the injection bound are given back in `impossible`, not scored and not learnt from.
struct CollectiveScores {
  std::vector<ScoredCollective> rows;
  std::vector<const CollectiveSample*> impossible;
};
CollectiveScores cross_validate(std::span<const CollectiveSample> samples, CollectiveFolds folds);

/// Alpha-beta with data-sheet bandwidth and the catalog's latency, nothing fitted: a ring.
Seconds naive_time(const CollectiveSample& sample);

/// Tables: the bars; by library, system and collective; worst rows; rows that beat the limits.
Findings collective_findings(std::span<const CollectiveSample> samples);

/// A tuning for each library and link with measurements inside a domain, with corrections and the
/// bands of both kinds of cross-validation. `date` goes into the source.
std::vector<CollectiveTuning> calibrate_collectives(std::span<const CollectiveSample> samples,
                                                    const std::string& date);

}  // namespace fastpath
