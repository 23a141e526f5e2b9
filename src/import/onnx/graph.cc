#include "import/onnx/graph.h"

#include "import/onnx/limits.h"

namespace fastpath::onnx_import {
namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;

/// Data types that came after the library's version, by their numbers in onnx.proto (1.19).
enum NewType : int {
  kFloat8First = 17,
  kFloat8Last = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4 = 23,
  kFloat8Scale = 24,
  kUint2 = 25,
  kInt2 = 26,
};

}  // namespace

const AttributeProto* find_attribute(const NodeProto& node, std::string_view name) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

bool has_attribute(const NodeProto& node, std::string_view name) {
  return find_attribute(node, name) != nullptr;
}

std::int64_t int_attribute(const NodeProto& node, std::string_view name, std::int64_t fallback) {
  const AttributeProto* attribute = find_attribute(node, name);
  return attribute != nullptr && attribute->has_i() ? attribute->i() : fallback;
}

float float_attribute(const NodeProto& node, std::string_view name, float fallback) {
  const AttributeProto* attribute = find_attribute(node, name);
  return attribute != nullptr && attribute->has_f() ? attribute->f() : fallback;
}

std::string string_attribute(const NodeProto& node, std::string_view name,
                             std::string_view fallback) {
  const AttributeProto* attribute = find_attribute(node, name);
  return attribute != nullptr && attribute->has_s() ? attribute->s() : std::string(fallback);
}

std::vector<std::int64_t> ints_attribute(const NodeProto& node, std::string_view name) {
  const AttributeProto* attribute = find_attribute(node, name);
  if (attribute == nullptr) return {};
  return {attribute->ints().begin(), attribute->ints().end()};
}

const ::onnx::GraphProto* graph_attribute(const NodeProto& node, std::string_view name) {
  const AttributeProto* attribute = find_attribute(node, name);
  return attribute != nullptr && attribute->has_g() ? &attribute->g() : nullptr;
}

std::string_view domain_of(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view{} : domain;
}

std::optional<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

std::optional<std::int64_t> element_count(const Shape& shape) {
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0) return 0;
  }
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size > kMaxElements / count) return std::nullopt;
    count *= size;
  }
  return count;
}

std::optional<NumberFormat> format_of(int data_type) {
  using ::onnx::TensorProto;
  switch (data_type) {
    case TensorProto::FLOAT: return NumberFormat::fp32;
    case TensorProto::FLOAT16: return NumberFormat::fp16;
    case TensorProto::BFLOAT16: return NumberFormat::bf16;
    case TensorProto::DOUBLE:
    case TensorProto::COMPLEX64: return NumberFormat::fp64;
    case TensorProto::INT64:
    case TensorProto::UINT64: return NumberFormat::int64;
    case TensorProto::INT32:
    case TensorProto::UINT32: return NumberFormat::int32;
    case TensorProto::INT16:
    case TensorProto::UINT16: return NumberFormat::int16;
    case TensorProto::INT8:
    case TensorProto::UINT8: return NumberFormat::int8;
    case TensorProto::BOOL: return NumberFormat::boolean;
    case kUint4:
    case kInt4:
    case kUint2:
    case kInt2: return NumberFormat::int4;
    case kFloat4: return NumberFormat::fp4;
    case kFloat8Scale: return NumberFormat::fp8;
    default: break;
  }
  if (data_type >= kFloat8First && data_type <= kFloat8Last) return NumberFormat::fp8;
  return std::nullopt;
}

bool is_floating(int data_type) {
  using ::onnx::TensorProto;
  const bool old = data_type == TensorProto::FLOAT || data_type == TensorProto::FLOAT16 ||
                   data_type == TensorProto::BFLOAT16 || data_type == TensorProto::DOUBLE;
  return old || (data_type >= kFloat8First && data_type <= kFloat8Last) || data_type == kFloat4;
}

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ' ';
    text += shape[i] < 0 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace fastpath::onnx_import
