/// Published runs of storage benchmarks and decoders.
#pragma once

#include <optional>
#include <string>

#include "fastpath/quantity.h"

#include "ir/input_pipeline.h"

namespace fastpath {

/// MLPerf Storage: emulated accelerators that sleep for `compute` a batch.
struct StorageRun {
  std::string id;
  std::string organisation;
  std::string system;
  std::string workload;
  std::string accelerator;
  SampleLayout layout = SampleLayout::files;
  double samples_per_file = 1;
  bool streams = false;  ///< of records, each file read from its beginning to its end
  double accelerators = 1;
  double batch = 1;
  Bytes sample;
  Seconds compute;           ///< of a batch
  Hertz rate;                ///< samples a second, measured
  double utilisation = 0.9;  ///< the least that the benchmark accepts
  std::optional<BytesPerSecond> drive_read;
  std::optional<Hertz> drive_random;
};

/// Images a second of a decoder: alone on one thread, or under a loader with worker processes.
struct DecodeRun {
  std::string id;
  std::string device;
  std::string decoder;
  bool alone = false;  ///< one thread, from memory, no loader
  int workers = 0;     ///< of the loader
  Hertz rate;
};

}  // namespace fastpath
