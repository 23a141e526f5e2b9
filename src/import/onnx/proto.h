/// The library's message types, and typed access to a node's attributes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <onnx/onnx_pb.h>

namespace fastpath::onnx_import {

const ::onnx::AttributeProto* find_attribute(const ::onnx::NodeProto& node, std::string_view name);

/// The attribute's value, or `fallback` where it is missing or of another type.
std::int64_t int_attribute(const ::onnx::NodeProto& node, std::string_view name,
                           std::int64_t fallback);
float float_attribute(const ::onnx::NodeProto& node, std::string_view name, float fallback);
std::string string_attribute(const ::onnx::NodeProto& node, std::string_view name,
                             std::string_view fallback);
std::vector<std::int64_t> ints_attribute(const ::onnx::NodeProto& node, std::string_view name);
const ::onnx::GraphProto* graph_attribute(const ::onnx::NodeProto& node, std::string_view name);
bool has_attribute(const ::onnx::NodeProto& node, std::string_view name);

/// "ai.onnx" is the empty domain's other name.
std::string_view domain_of(std::string_view domain);

}  // namespace fastpath::onnx_import
