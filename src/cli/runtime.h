/// ONNX Runtime as verbs find it.
#pragma once

#include "fastpath/result.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "measure/onnx_runtime.h"

namespace fastpath::cli {

/// --runtime, else FASTPATH_ONNXRUNTIME, else where the project's scripts install it beside the
/// build or beside an installed program, else what the loader finds. Errors: none of these.
Result<OnnxRuntime> find_runtime(const Session& session, const Arguments& arguments);

/// --runtime FILE.
inline constexpr Flag kRuntimeFlag{
    "runtime",
    FlagKind::file,
    "FILE",
    "ONNX Runtime's shared library (default: FASTPATH_ONNXRUNTIME, or where tools/setup.sh put it)",
    "",
    false};

}  // namespace fastpath::cli
