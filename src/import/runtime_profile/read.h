/// ONNX Runtime's profile: trace events in JSON, one for each operator that it ran.
#pragma once

#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/runtime_profile.h"

namespace fastpath {

/// Operators in the order of their starts, by executions of the model; loading is left out. An
/// operator whose execution is not inside one of the model's (a profile that was cut off) is left
/// out and warned of. Durations are cut to whole microseconds by the runtime: half of one is added.
/// Errors: not such a profile.
Result<Imported<std::vector<RuntimeEvent>>> read_runtime_profile(std::string_view text,
                                                                 std::string_view file);

}  // namespace fastpath
