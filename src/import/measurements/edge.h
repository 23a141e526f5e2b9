/// Published inference times on CPUs, and the networks' layers, from CSV: docs/guide/storage.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/edge_run.h"

namespace fastpath {

/// Columns needed: id, device, entry, num_threads, powersave, model, min_ms.
Result<std::vector<EdgeRun>> read_edge_runs(std::string_view text, const std::string& file);

/// Columns needed: model, type, in_c, k_h, stride, groups, out_c, out_h, out_w, macs. `type` is
/// InnerProduct, or a convolution.
Result<std::vector<EdgeLayer>> read_edge_layers(std::string_view text, const std::string& file);

/// Columns needed: model, n_layers, macs, activation_elems_out; macs may be empty.
Result<std::vector<EdgeNetwork>> read_edge_networks(std::string_view text, const std::string& file);

}  // namespace fastpath
