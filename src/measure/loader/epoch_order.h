/// The order in which an epoch reads samples, and that in which it hands them out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ir/input_pipeline.h"
#include "measure/loader/sample_set.h"

namespace fastpath {

struct EpochOrder {
  std::vector<std::uint32_t> fetch;    ///< samples in the order of their reads
  std::vector<std::uint32_t> deliver;  ///< the same in the order of the batches
  /// deliver[k] is among the first k + 1 + ahead of `fetch`.
  std::size_t ahead = 0;
};

/// full: all samples at random. shard: files in a random order, each from its beginning to its end.
/// buffer: as stored, and each sample that leaves is drawn from those that a buffer of
/// `shuffle.buffer` holds. The same for the same seed.
EpochOrder epoch_order(const SampleSet& set, const Shuffle& shuffle, std::uint64_t seed);

}  // namespace fastpath
