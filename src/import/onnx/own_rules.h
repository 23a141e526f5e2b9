/// Shape rules for operators that the library does not have, or not in newer opsets.
#pragma once

#include <optional>
#include <vector>

#include "import/onnx/inference.h"

namespace fastpath::onnx_import {

/// An own rule's outcome: outputs, or a problem.
using OwnRule = Inference (*)(const ShapeCall&);

/// Null where there is none: then the library is asked.
OwnRule find_own_rule(const ::onnx::NodeProto& node, int opset);

/// Newest operator set of the default domain that the rules here cover.
inline constexpr int kNewestOpset = 24;

/// The input's contents as integers, where known.
std::optional<std::vector<std::int64_t>> integers(const ShapeCall& call, std::size_t index);

}  // namespace fastpath::onnx_import
