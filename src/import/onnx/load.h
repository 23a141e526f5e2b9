/// Bytes to a parsed model: protobuf's errors and log become values.
#pragma once

#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "import/onnx/proto.h"

namespace fastpath::onnx_import {

/// Fails on anything that is not a complete ONNX model with a graph.
Result<::onnx::ModelProto> parse_model(std::string_view bytes, std::string_view file);

/// Order in which each node comes after those it reads from, otherwise as in the file. Fails where
/// the graph has a cycle or writes a name twice.
Result<std::vector<int>> execution_order(
    const google::protobuf::RepeatedPtrField<::onnx::NodeProto>& nodes, std::string_view file);

}  // namespace fastpath::onnx_import
