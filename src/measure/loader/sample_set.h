/// A data set on this machine: where its samples lie.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "ir/input_pipeline.h"
#include "measure/loader/read_hooks.h"
#include "measure/loader/sample_codec.h"

namespace fastpath {

struct SamplePlace {
  std::uint32_t file = 0;  ///< index into SampleSet::files
  std::int64_t offset = 0;
  std::int64_t bytes = 0;  ///< above 0
  std::uint32_t crc = 0;   ///< CRC-32 of the bytes, where the set has a manifest
};

struct SampleSet {
  std::string path;
  SampleLayout layout = SampleLayout::files;
  SampleEncoding encoding = SampleEncoding::raw;
  bool manifest = false;             ///< checksums are known
  std::vector<std::string> files;    ///< paths
  std::vector<SamplePlace> samples;  ///< in the order of the files and of their bytes
  std::size_t skipped = 0;           ///< files and members that are no samples

  Bytes bytes() const;
  /// Mean size of a sample.
  Bytes sample() const { return bytes() / static_cast<double>(samples.size()); }
};

/// A sample of more is refused.
inline constexpr std::int64_t kMostSampleBytes = std::int64_t{1} << 30;

/// The file that holds a manifest, in the folder of its data set.
inline constexpr std::string_view kManifestFile = "samples.csv";

/// The samples of a folder with a manifest, of one-sample files, or of tar archives; or one file of
/// samples of `packed_sample` bytes each (0: not known, which is then a mistake). Formats are told
/// by the endings of names; where none is known all files are raw samples. Archives are scanned.
Result<SampleSet> find_samples(const std::string& path, std::int64_t packed_sample,
                               const ReadHooks& hooks = {});

/// `folder`: of the manifest. All mistakes at once.
Result<SampleSet> read_manifest(std::string_view text, const std::string& file,
                                const std::string& folder);
std::string write_manifest(const SampleSet& set);

struct MakeSetting {
  SampleLayout layout = SampleLayout::files;
  SampleEncoding encoding = SampleEncoding::jpeg;
  std::int64_t samples = 1000;
  std::int64_t samples_per_file = 256;  ///< of shards
  int side = 224;                       ///< of square pictures
  std::uint64_t seed = 1;
};

/// Writes a data set of test pictures and its manifest into a new folder, synchronised to its
/// store; the same bytes for the same setting. `tell` is called with the samples written so far.
Result<SampleSet> make_samples(const std::string& folder, const MakeSetting& setting,
                               const std::function<void(std::int64_t)>& tell);

/// The archives of a set still hold the members of its manifest. All mistakes.
Diagnostics check_archives(const SampleSet& set, const ReadHooks& hooks);

}  // namespace fastpath
