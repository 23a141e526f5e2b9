/// How the dynamic dimensions and inputs of models that run are filled.
#pragma once

#include <string>
#include <vector>

#include "fastpath/result.h"

#include "cli/arguments.h"
#include "import/onnx/runnable.h"

namespace fastpath::cli {

/// --dim, --input and --seed. "MODEL:NAME=N", where MODEL is the stem of one of `models` (paths),
/// is for that model alone and left out here where MODEL is not that of `model`. Adds what is wrong
/// to `mistakes`.
RunnableOptions fill_of(const Arguments& arguments, const std::vector<std::string>& models,
                        const std::string& model, Diagnostics& mistakes);

/// Of a verb with one model.
RunnableOptions fill_of(const Arguments& arguments, Diagnostics& mistakes);

}  // namespace fastpath::cli
