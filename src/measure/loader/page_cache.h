/// What the page cache holds of a data set.
#pragma once

#include "measure/loader/sample_set.h"

namespace fastpath {

/// Asks the page cache to drop the set's files. It may refuse: `cached_share` tells.
void drop_from_cache(const SampleSet& set);

/// Reads all files of the set once.
void bring_into_cache(const SampleSet& set);

/// Share of the pages of the set's files that are in the page cache.
double cached_share(const SampleSet& set);

}  // namespace fastpath
