/// Types and shapes of a node's outputs: by the library's rule for the operator, or by ours where
/// the library is older than the operator or does not know its domain.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/onnx/graph.h"

namespace fastpath::onnx_import {

struct ShapeCall {
  const ::onnx::NodeProto& node;
  int opset = 0;                         ///< of the node's domain, as the model says
  std::span<const Value* const> inputs;  ///< null where left out

  bool has(std::size_t index) const { return index < inputs.size() && inputs[index] != nullptr; }
  const Value& input(std::size_t index) const { return *inputs[index]; }
};

struct TypeAndShape {
  int type = 0;  ///< 0 = not known
  bool ranked = false;
  Shape shape;  ///< -1 where the size is not known
};

struct Inference {
  std::vector<TypeAndShape> outputs;
  std::string problem;  ///< empty if the rule ran
  bool unknown_operator = false;
};

Inference infer(const ShapeCall& call);

/// Sizes that data decides, at most (NonZero, NonMaxSuppression, Unique, Compress, TopK): fills
/// unknown sizes of `outputs`. False where the operator has no bound.
bool apply_upper_bound(const ShapeCall& call, std::vector<TypeAndShape>& outputs);

}  // namespace fastpath::onnx_import
