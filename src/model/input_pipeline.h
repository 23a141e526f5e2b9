/// Rates of the stages of an input pipeline, and what it feeds.
#pragma once

#include "fastpath/result.h"

#include "ir/input_pipeline.h"

namespace fastpath {

inline constexpr Bytes kSmallRead{4096};

/// Bytes a second that a store delivers under reads of files of `file` bytes: the share
/// `random_share` of them at the rate of random 4 KiB reads, the others at the sequential rate, and
/// `per_file` once a file. Without a random rate all are sequential.
BytesPerSecond delivered(const StoreRates& store, const ReadLoad& load, Bytes file);

/// How reads of a data set load a drive. Files and shards: fitted to MLPerf Storage v1.0
/// (`fastpath validate --of storage`, table read_loads). Packed: a sample is one random request,
/// and all is sequential where the shuffle reads in order.
ReadLoad usual_load(const Dataset& dataset, const Shuffle& shuffle = {});

/// The store is read from its beginning to its end, whatever leaves a buffer later.
bool reads_in_order(const Shuffle& shuffle);

/// Samples a second of `workers` processes that take `work` each and hand over to one that takes
/// `collect`: a closed queue (mean value analysis: Reiser and Lavenberg, JACM 27(2), 1980). With no
/// worker the collecting process works itself.
Hertz prepared(std::int64_t workers, Seconds work, Seconds collect);

/// Share of the samples found in a cache that holds the share `held` of a data set read in a fresh
/// random order each epoch. Pinned: `held`. Least recently used: a sample at place u of one epoch
/// and v of the next has 1 - u (1 - v) of the others between; over uniform u and v,
/// P(1 - u (1 - v) <= h) = h + (1 - h) ln(1 - h). Read in order, the least recently used is what
/// comes next: none, unless all is held.
double cache_hits(CachePolicy policy, double held, const Shuffle& shuffle = {});

/// Rate of a producer of rate `in` and a consumer of rate `out` with `places` between them: 1 - the
/// blocking of an M/M/1/K queue whose K is places / variation^2; the minimum without variation.
Hertz coupled(Hertz in, Hertz out, double places, double variation);

/// Accelerators that `rate` samples a second keep at `utilisation`.
double accelerators_fed(Hertz rate, std::int64_t batch, Seconds compute, double utilisation);

/// What a pipeline delivers, which stage limits it and how many accelerators it feeds. Fails on
/// values out of their range.
Result<Feed> feed(const InputPipeline& pipeline);

}  // namespace fastpath
