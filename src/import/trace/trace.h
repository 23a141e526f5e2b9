/// Traces of profilers in Chrome's format: Kineto (PyTorch on any device), JAX and XLA, FastPath's
/// own timelines.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/result.h"

#include "ir/trace.h"

namespace fastpath {

struct ReadTraceOptions {
  /// Keep functions of the interpreter, which can be most of a trace; else those of modules are
  /// kept, and all are counted in Trace::functions.
  bool functions = true;
};

/// Reads a trace: JSON, plain or packed by gzip or zstd; an object with "traceEvents" and metadata
/// in any order, or a bare array. Fails where the file cannot be read or holds no array of events.
///
/// Times are exact: decimal microseconds become whole picoseconds since the first event. Broken
/// events and a file that ends too early are no failure: every whole event is kept, and
/// Trace::repairs and the warnings say what is lost. Spans of a lane may overlap.
Result<Imported<Trace>> read_trace(const std::string& path, const ReadTraceOptions& options = {});

/// The same of bytes in memory; `name` stands for the file in messages.
Result<Imported<Trace>> parse_trace(std::string_view bytes, const std::string& name,
                                    const ReadTraceOptions& options = {});

}  // namespace fastpath
