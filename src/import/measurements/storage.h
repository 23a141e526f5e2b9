/// Published runs of storage benchmarks and decoders from CSV: docs/guide/storage.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/storage_run.h"

namespace fastpath {

/// MLPerf Storage. Columns needed: id, org, system_storage, workload, emulated_accelerator,
/// num_accelerators, batch_size, record_bytes_mean, compute_time_s_per_batch, samples_per_s.
Result<std::vector<StorageRun>> read_storage_runs(std::string_view text, const std::string& file);

/// Columns needed: id, device, decoder, mode, num_workers, images_per_s_mean. Rows of other modes
/// than single_thread_memory and dataloader are left out.
Result<std::vector<DecodeRun>> read_decode_runs(std::string_view text, const std::string& file);

}  // namespace fastpath
