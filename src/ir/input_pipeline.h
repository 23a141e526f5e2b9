/// Input pipelines: a data set is shuffled, cached, fetched, decoded, augmented and copied by
/// workers, ahead of the accelerators by a bounded queue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

/// How samples lie in files. It decides how their reads load a store.
enum class SampleLayout : std::uint8_t {
  files,   ///< one sample a file
  shards,  ///< files of many samples, each read from its beginning to its end
  packed,  ///< one file, samples at random places of it
};

enum class CachePolicy : std::uint8_t {
  lru,     ///< the page cache: drops what was longest unused
  pinned,  ///< what was read first stays
};

enum class SampleEncoding : std::uint8_t { raw, jpeg, png, gzip, zstd };

/// The order in which an epoch reads.
enum class ShuffleOrder : std::uint8_t {
  full,    ///< every sample at a random place
  none,    ///< as stored
  buffer,  ///< as stored, and samples leave a buffer at random
  shard,   ///< files of many samples in random order, each from its beginning to its end
};

struct Dataset {
  double samples = 0;  ///< above 0
  Bytes sample;        ///< as stored, on average; above 0
  SampleLayout layout = SampleLayout::files;
  double samples_per_file = 1;  ///< of shards
  SampleEncoding encoding = SampleEncoding::raw;

  friend bool operator==(const Dataset&, const Dataset&) = default;
};

struct Shuffle {
  ShuffleOrder order = ShuffleOrder::full;
  std::int64_t buffer = 0;  ///< samples that it holds, of ShuffleOrder::buffer

  friend bool operator==(const Shuffle&, const Shuffle&) = default;
};

/// A store or drive as its data sheet, or `fastpath io`, has it.
struct StoreRates {
  BytesPerSecond sequential;       ///< reads of large blocks; above 0
  std::optional<Hertz> random_4k;  ///< random reads of 4 KiB a second at their best depth
  Seconds open;                    ///< of a file
  double readers = 1;              ///< files that are opened at a time

  friend bool operator==(const StoreRates&, const StoreRates&) = default;
};

/// How the reads of a layout load a store.
struct ReadLoad {
  double random_share = 0;  ///< of the bytes, that the store serves like random reads; in [0, 1]
  Seconds per_file;         ///< of the store, besides moving the file's bytes

  friend bool operator==(const ReadLoad&, const ReadLoad&) = default;
};

/// Of a sample by the process that collects batches, over a worker's time for it: from published
/// loaders (`fastpath validate --of storage`, table collecting).
inline constexpr double kUsualCollecting = 0.27;

struct InputPipeline {
  Dataset dataset;
  Shuffle shuffle;
  StoreRates store;
  std::optional<ReadLoad> load;  ///< nothing: the catalog's for the layout
  BytesPerSecond client;         ///< most that a client takes in (network, memory); 0 = no limit
  Bytes cache;
  CachePolicy cache_policy = CachePolicy::lru;
  std::optional<StoreRates> cache_disk;  ///< that holds what is cached; nothing: memory
  std::int64_t loaders = 1;  ///< processes that collect batches, each with `workers` of its own
  std::int64_t workers = 1;
  Seconds decode;       ///< of a sample by one worker
  Seconds augment;      ///< of a sample by the same worker
  Seconds collect;      ///< of a sample by the process that hands batches to the accelerators
  BytesPerSecond copy;  ///< host to one accelerator; 0 = no limit
  Bytes prepared;       ///< a sample as it is copied; 0 = as stored
  std::int64_t batch = 1;
  Seconds compute;  ///< of a batch on one accelerator; above 0 where anything is to be fed
  std::int64_t accelerators = 1;
  double utilisation = 0.9;   ///< the least that counts as fed, in (0, 1]
  std::int64_t prefetch = 2;  ///< batches that wait for an accelerator at most
  double variation = 0;       ///< standard deviation over mean of a batch's preparation
  double cores = 0;           ///< of the host, shared by all its stages; 0 = enough for all of them
  Seconds read;               ///< of a core, for reading a sample

  friend bool operator==(const InputPipeline&, const InputPipeline&) = default;
};

enum class InputStage : std::uint8_t { fetch, prepare, collect, copy, host, accelerator };

struct StageRate {
  InputStage stage = InputStage::accelerator;
  Hertz rate;  ///< samples a second of all accelerators together
};

struct EpochFeed {
  std::vector<StageRate> stages;  ///< without those that do not exist
  double cache_hits = 0;          ///< share of the samples
  Hertz input;                    ///< samples a second of all stages before the accelerators
  Hertz rate;                     ///< samples a second
  double utilisation = 0;         ///< of the accelerators
  InputStage limit = InputStage::accelerator;
  Seconds time;  ///< of the epoch
};

struct Feed {
  EpochFeed first;
  EpochFeed later;
  double most_accelerators = 0;   ///< that the store and the workers feed, from the first epoch on
  double later_accelerators = 0;  ///< once the cache is warm
  BytesPerSecond delivered;       ///< by the store under this layout's reads
  BytesPerSecond needed;          ///< of the store, for all accelerators, cold
  std::int64_t needed_workers = 1;  ///< for all accelerators; 0 = no number of workers is enough
};

}  // namespace fastpath
