/// Execution traces in JSON.
#pragma once

#include <string>

#include "fastpath/result.h"

#include "import/execution/node.h"

namespace fastpath {

/// PyTorch's (schema 1.0.1 on, Chakra's additions included: "nodes"), Chakra's feeder's
/// ("workload_graph"), and Chakra's protobuf printed as JSON, one message after the other. What
/// cannot be read of the end of a file is counted.
Result<ExecutionFile> read_execution_json(const std::string& text, const std::string& name);

}  // namespace fastpath
