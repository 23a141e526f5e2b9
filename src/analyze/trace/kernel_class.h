/// What kernels are for, by their names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/trace.h"

namespace fastpath {

/// `name` counts kernels whose name holds `text`. The names "communication" and "copy" say that the
/// kernels communicate or copy; any other name, that they compute.
struct KernelRule {
  std::string name;
  std::string text;
};

enum class WorkClass : std::uint8_t { compute, communication, copy };

/// "gemm", "attention", "convolution", "normalization", "elementwise", "reduction", "embedding",
/// "optimizer", "communication", "copy" or "other": by words that the libraries use in the names of
/// their kernels. The first rule that applies goes before all that.
std::string_view kernel_class(std::string_view name, const std::vector<KernelRule>& rules);

/// The same classes for a predicted operator, "block.operator", by words that models call theirs.
std::string_view operator_class(std::string_view name, const std::vector<KernelRule>& rules);

/// Whether the name is one of a collective or of a transfer between devices: of NCCL and RCCL (any
/// generation), DeepEP, multimem and custom all-reduces, NVSHMEM, oneCCL, HCCL.
bool is_communication(std::string_view name);

/// What a device event counts as. Metadata of a collective goes before its name; the lanes
/// "network" of FastPath's own timelines go before both.
WorkClass work_class(const Trace& trace, const TraceEvent& event,
                     const std::vector<KernelRule>& rules);

std::string_view name_of(WorkClass work);

}  // namespace fastpath
