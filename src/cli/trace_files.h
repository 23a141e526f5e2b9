/// Files that an operand of traces stands for.
#pragma once

#include <string>
#include <vector>

#include "fastpath/result.h"

namespace fastpath::cli {

/// The regular files of a folder, in the order of their names; those of a pattern that the shell
/// did not expand; else the operand itself.
std::vector<std::string> files_at(const std::string& operand);

/// Profilers' traces: of a folder, those called *.json, *.json.gz and *.json.zst. Fails for
/// operands without any.
Result<std::vector<std::string>> trace_files(const std::vector<std::string>& operands);

/// Execution traces among the files at an operand; empty where there are none.
std::vector<std::string> execution_traces_at(const std::string& operand);

}  // namespace fastpath::cli
