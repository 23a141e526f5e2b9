/// Cross-validation of storage and decoding against published runs.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fastpath/findings.h"

#include "ir/input_pipeline.h"
#include "ir/storage_run.h"

namespace fastpath {

/// A run beside what was predicted for it without its group.
struct ScoredRun {
  std::string id;
  std::string group;  ///< what was left out: a drive, an organisation, a CPU
  std::string kind;   ///< workload, or decoder
  double measured = 0;
  double predicted = 0;
  double naive = 0;  ///< accelerators by the drive's rated bandwidth; a rate by the constant ratio
};

/// How a layout's reads load a drive: the least misfit to the most accelerators that the runs'
/// drives fed. A run with n accelerators says that the drive feeds n and less than n + 1.
ReadLoad fit_read_load(std::span<const StorageRun* const> runs);

/// Most accelerators a drive feeds, one drive left out at a time; runs without a drive's rate are
/// not scored.
std::vector<ScoredRun> validate_drives(std::span<const StorageRun> runs);

/// Samples a second of all runs as a constant share of accelerators x batch / compute time, the
/// median of the workload's runs of other organisations.
std::vector<ScoredRun> validate_sample_rates(std::span<const StorageRun> runs);

/// What collecting a decoded image costs the main process, over the time in which the CPU decodes
/// it (the median of its decoders).
struct Collecting {
  double from_worker = 0;
  double alone = 0;  ///< without workers
};
Collecting fit_collecting(std::span<const DecodeRun* const> runs, std::span<const DecodeRun> alone);

enum class DecodeFolds : std::uint8_t { decoders, cpus };

/// Images a second of a loader with 0, 2, 4 and 8 workers, from one thread's rate.
std::vector<ScoredRun> validate_decoding(std::span<const DecodeRun> runs, DecodeFolds folds);

/// Tables: the bars, by group, every row.
Findings storage_findings(std::span<const StorageRun> storage, std::span<const DecodeRun> decode);

}  // namespace fastpath
