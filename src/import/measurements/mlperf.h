/// Published runs of MLPerf Tiny and Mobile from CSV: docs/guide/validate.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/mlperf_run.h"

namespace fastpath {

/// Columns needed: id, device, round, submitter, system, division, benchmark, median_inf_per_s.
Result<std::vector<TinyRun>> read_tiny_runs(std::string_view text, const std::string& file);

/// Columns needed: benchmark, layers, convolution_macs, pointwise_macs, depthwise_macs, dense_macs.
Result<std::vector<TinyNetwork>> read_tiny_networks(std::string_view text, const std::string& file);

/// Columns needed: id, device, scenario, benchmark, p90_latency_ns.
Result<std::vector<MobileRun>> read_mobile_runs(std::string_view text, const std::string& file);

}  // namespace fastpath
