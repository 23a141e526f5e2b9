/// Input pipelines as YAML: the schema is in docs/guide/storage.md.
///
///   dataset: {samples: 1281167, sample: 114.66 kB, layout: shards, samples_per_file: 1251,
///             encoding: jpeg}
///   shuffle: {buffer: 10000}          # none, shard, or full if left out
///   store: {read: 7 GB/s, iops: 1600000, open: 11 us, readers: 8}   # or a name of the catalog
///   cache: {size: 64 GB, policy: lru, disk: {read: 3 GB/s}}         # disk left out: memory
///   workers: 8
///   decode: 4 ms
///   augment: 1 ms
///   host: {cores: 16, read: 20 us}    # cores that all stages share, and what a read takes of one
///   copy: {rate: 25 GB/s, sample: 150528 B}
///   prefetch: 2
///   batch: 256
///   compute: 224 ms
///   accelerators: 8
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "fastpath/result.h"

#include "ir/input_pipeline.h"

namespace fastpath {

/// Rates of a store by its name; its read rate may be 0 where they are not known. Fails at `place`.
using FindStore = std::function<Result<StoreRates>(std::string_view name, const Place& place)>;

/// All mistakes of the file at once. Of what is left out: one of all counts, no decoding, no copy,
/// no limits, `collect` is its usual share of decoding and augmenting, files are opened by all
/// workers at a time, and no `compute` or `store` is 0.
Result<InputPipeline> read_input_pipeline(std::string_view text, const std::string& file,
                                          const FindStore& find_store);

/// Text that read_input_pipeline reads back to the same pipeline without any name.
std::string write_input_pipeline(const InputPipeline& pipeline);

}  // namespace fastpath
