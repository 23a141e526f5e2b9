/// Fits what a library reaches on a link from measurements.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fastpath/collective.h"

#include "validate/collective_key.h"

namespace fastpath {

/// Time of a sample under a tuning, without or with its corrections. Fabric figures: sample.place.
CollectiveCost predict_sample(const CollectiveSample& sample, const CollectiveTuning& tuning);

/// The constants that minimise the mean of |log(predicted / measured)| (each at most log 3, so that
/// outliers do not lead), by coordinate search from NCCL's published constants within bounds, the
/// same on every machine. All samples must be of one library; those across nodes are left out.
/// Repeats count once, as their median.
CollectiveTuning fit_tuning(std::span<const CollectiveSample* const> samples,
                            const std::string& library, const std::string& link);

/// An all-reduce kernel of a serving engine, not a library of collectives.
bool is_direct_kernel(const std::string& library);

/// What one published cluster's fabric reaches.
struct FabricFit {
  Seconds latency;   ///< of one message
  double share = 1;  ///< of the stated rate
};

/// Fits the fabric of one cluster; its domains are as `tuning` says.
FabricFit fit_fabric(std::span<const CollectiveSample* const> samples,
                     const CollectiveTuning& tuning);

/// The place with that fabric.
GroupPlace with_fabric(GroupPlace place, const FabricFit& fabric);

}  // namespace fastpath
