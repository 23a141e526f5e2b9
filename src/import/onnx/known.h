/// Values of small tensors: reading them from the file and computing with them, so that shapes that
/// the graph computes are known.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "import/onnx/graph.h"

namespace fastpath::onnx_import {

using KnownPtr = std::shared_ptr<const Known>;

/// Contents of a stored tensor of at most kMaxKnown elements; null where it is larger, kept outside
/// the file, not numeric or shorter than its shape says.
KnownPtr read_tensor(const ::onnx::TensorProto& tensor);

KnownPtr make_known(Shape shape, std::vector<long double> data);

/// As a message for the library's shape rules, of type int64 or float.
::onnx::TensorProto to_tensor(const Known& known, int data_type);

struct FoldCall {
  const ::onnx::NodeProto& node;
  int opset = 0;
  std::span<const Value* const> inputs;  ///< null where left out
  int output_type = 0;                   ///< of the first output; 0 if not known yet
};

/// The node's outputs computed from known inputs (or from their shapes: Shape, Size). Empty where
/// an input is not known, the operator is not one of shape arithmetic, or the result is too large.
std::vector<KnownPtr> fold(const FoldCall& call);

}  // namespace fastpath::onnx_import
