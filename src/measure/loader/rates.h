/// What an input pipeline is predicted from: its store's reads, and what its stages take of cores.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "measure/io.h"
#include "measure/loader/fetch.h"
#include "measure/loader/sample_set.h"
#include "measure/repeats.h"

namespace fastpath {

struct FetchRate {
  Repeated samples;  ///< a second
  BytesPerSecond rate;
  Seconds cpu;  ///< of all threads but the worker, and of the kernel for them, a sample
  double cached_before = 0;  ///< share of the set in the page cache as a repeat began, the most
};

struct FetchQuestion {
  FetchSetting fetch;
  Shuffle shuffle;
  ReadCache cache = ReadCache::cold;  ///< or warm
  std::int64_t batch = 32;            ///< samples, as of the loader that is asked about
  RepeatLimits repeats;
};

/// Reads the samples of a set, or as many as 256 MiB hold, in a new order at each repeat, by a
/// loader whose one worker looks at the bytes: so they leave the core that wrote them, as they do
/// where they are decoded. Fails on a sample that cannot be read.
Result<FetchRate> measure_fetch(const SampleSet& set, const FetchQuestion& question,
                                const std::function<void(std::string_view)>& tell);

struct DecodeRate {
  SampleEncoding encoding = SampleEncoding::raw;
  int threads = 1;
  Repeated samples;  ///< a second of all threads together
  Repeated cpu;      ///< seconds of a core for a sample
  Bytes stored;      ///< a sample, on average
  Bytes decoded;
};

/// Decodes samples that are in memory, again and again, each thread all of them. `samples` is not
/// empty. Fails on one that cannot be decoded.
Result<DecodeRate> measure_decode(SampleEncoding encoding, const std::vector<SampleBytes>& samples,
                                  int threads, const ReadLimits& limits);

struct PrepareRate {
  DecodeRate decode;  ///< cpu: of a worker's core, for taking and handing a sample over too
  Seconds cpu;        ///< of all threads and of the kernel for them, a sample
};

/// Decodes the samples of a set, or as many as 64 MiB hold, by a loader of `workers` whose reads
/// come from the page cache: its samples lie in memory that another core wrote. Fails on a sample
/// that cannot be read or decoded.
Result<PrepareRate> measure_prepare(const SampleSet& set, const FetchQuestion& question,
                                    int workers);

/// Some test pictures of `side` pixels a side, encoded.
Result<std::vector<SampleBytes>> test_samples(SampleEncoding encoding, int side);

/// Some samples of a set, read.
Result<std::vector<SampleBytes>> some_samples(const SampleSet& set);

}  // namespace fastpath
