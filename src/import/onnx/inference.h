/// A node as shape rules see it, and what they answer.
#pragma once

#include <span>
#include <string>
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

/// By our rule where there is one, else by the library's; a rule may ask for the rule of the
/// operator that it wraps (shapes.cc).
Inference infer(const ShapeCall& call);

}  // namespace fastpath::onnx_import
