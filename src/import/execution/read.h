/// Execution traces: what a framework executed, as a program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "import/execution/node.h"
#include "ir/recorded_program.h"

namespace fastpath {

/// Whether a file's beginning is that of an execution trace: Chakra's or PyTorch's JSON, or, by its
/// name (.et, .chakra), Chakra's protocol buffers. Files of other names and forms are not opened
/// further.
bool is_execution_trace(const std::string& path);

/// One rank, of bytes that are not packed. Whole nodes of a broken file are kept.
Result<Imported<ExecutionFile>> parse_execution_trace(std::string_view bytes,
                                                      const std::string& name);

/// The ranks of a job as one program. Ranks are those of the files' names, or their order.
/// Warnings: what could not be read and what was left out.
RecordedProgram recorded_program(std::vector<ExecutionFile> files, Diagnostics& warnings);

/// One file a rank, plain or packed by gzip or zstd.
Result<Imported<RecordedProgram>> read_execution_traces(const std::vector<std::string>& paths);

}  // namespace fastpath
