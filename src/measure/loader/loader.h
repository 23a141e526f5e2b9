/// A loader that runs: samples are fetched, decoded by workers, collected into batches ahead of an
/// accelerator that is simulated by the time that it takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "measure/loader/epoch_order.h"
#include "measure/loader/fetch.h"
#include "measure/loader/read_hooks.h"
#include "measure/loader/sample_set.h"

namespace fastpath {

struct LoaderSetting {
  FetchSetting fetch;
  std::int64_t workers = 1;  ///< threads that decode; 0 is run as 1
  bool decode = true;        ///< false: samples are fetched, and their bytes looked at only
  bool verify = false;  ///< checksums are compared, and mistakes collected instead of the first
  Seconds augment;      ///< of a core that a worker keeps busy for a sample
  Seconds collect;      ///< of a core that the collecting thread keeps busy for a sample
  std::int64_t batch = 1;
  std::int64_t prefetch = 2;  ///< batches that wait or are being made, besides the one in use
  Seconds compute;            ///< of a batch
};

struct EpochRun {
  std::size_t samples = 0;  ///< handed over
  Bytes stored;             ///< of them
  Bytes decoded;
  Seconds wall;
  Seconds cpu;             ///< of all threads
  Seconds working;         ///< CPU time of the workers, for taking and handing over too
  Seconds decoding;        ///< CPU time of the workers for decoding alone
  double fetching = 0;     ///< share of the time in which samples were being read
  double preparing = 0;    ///< share of the workers' time that they did not wait
  double computing = 0;    ///< share of the time in which a batch was in use
  double starving = 0;     ///< share of the workers' time that they waited for samples
  double blocked = 0;      ///< share of the workers' time that they waited for room
  std::size_t stalls = 0;  ///< batches behind the first that were not there in time
  Seconds stalled;         ///< waiting for them
  double others = 0;       ///< cores' worth of other processes' work meanwhile
  Diagnostics mistakes;    ///< of a verifying run: samples that were lost or are not what they were
  std::size_t lost = 0;    ///< their number; not all are told
};

/// Runs epochs, and keeps the memory of one for the next.
class Loader {
 public:
  /// All are kept by reference.
  Loader(const SampleSet& set, const LoaderSetting& setting, const ReadHooks& hooks)
      : set_(set), setting_(setting), hooks_(hooks) {}

  /// Fails on the first sample that cannot be read or decoded, unless `verify` is set. `tell` is
  /// called with the samples handed over so far, once a batch.
  Result<EpochRun> run(const EpochOrder& order, const std::function<void(std::size_t)>& tell);

 private:
  const SampleSet& set_;
  const LoaderSetting& setting_;
  const ReadHooks& hooks_;
  std::vector<SampleBytes> stored_;   ///< for samples as they are read
  std::vector<SampleBytes> decoded_;  ///< for those of batches
};

/// One epoch.
Result<EpochRun> run_epoch(const SampleSet& set, const LoaderSetting& setting,
                           const EpochOrder& order, const ReadHooks& hooks,
                           const std::function<void(std::size_t)>& tell);

}  // namespace fastpath
