/// Workloads as YAML, in and out.
///
///   workload: mlp-block
///   phase: training                 # forward if left out; prefill, decode
///   format: bf16                    # of tensors that do not say otherwise
///   dims: {batch: 8, seq: 2048, hidden: 4096, ffn: 14336, tile: {size: 4, kind: spatial}}
///   blocks:
///     - name: layer
///       repeat: 32                  # and use: executed | idle | draft
///       ops:
///         - {name: norm, rms_norm: "x[batch seq hidden] -> n[batch seq hidden]"}
///         - {name: up,   matmul:   "n, w_up[hidden ffn] -> u[batch seq ffn]"}
///         - {name: act,  gelu:     "u -> a[batch seq ffn]"}
///         - {name: attn, attention: "q, k, v -> o", causal: true, window: 1024}
///       tensors:                    # only what the operators do not imply
///         w_up: {format: fp8, role: constant, tied: true, shape: "[hidden ffn]"}
///   sequence: [layer, {block: layer, repeat: 3, use: idle}]   # instead of repeat and use
///
/// The shape of a tensor stands where it is first named, and may be repeated. `@experts` is a
/// routed axis. Kinds of dims default by their name; what else is implied: workload_defaults.h.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/result.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Errors: what is not in the form above, names that are not defined, shapes that disagree, and all
/// that ir/semantics.h calls a mistake. Warns of dims and blocks that nothing uses.
Result<Imported<Workload>> read_workload(std::string_view text, const std::string& file);

/// Text that read_workload reads back to an equal workload, but for the order of a block's tensors
/// and for names of blocks or tensors that are not unique, which get a number.
/// `workload` must be valid (mistakes_in is empty).
std::string write_workload(const Workload& workload);

}  // namespace fastpath
