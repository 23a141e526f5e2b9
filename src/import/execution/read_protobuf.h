/// Chakra's execution traces: messages of protocol buffers, each with its length in front.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/result.h"

#include "import/execution/node.h"

namespace fastpath {

/// A GlobalMetadata, then a Node each, as mlcommons/chakra's et_def.proto numbers their fields.
/// Fields that it does not name are passed over; whole nodes of a broken file are kept.
Result<ExecutionFile> read_chakra(std::string_view bytes, const std::string& name);

}  // namespace fastpath
