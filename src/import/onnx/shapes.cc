#include "import/onnx/shapes.h"

#include <algorithm>
#include <array>
#include <deque>
#include <exception>
#include <string_view>

#include <onnx/defs/schema.h>

#include "import/onnx/known.h"
#include "import/onnx/limits.h"
#include "import/onnx/own_rules.h"

namespace fastpath::onnx_import {
namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::OpSchema;
using ::onnx::TypeProto;

/// What the library's rule sees of one node: all sizes are known, small values too.
class NodeContext final : public ::onnx::InferenceContext {
 public:
  explicit NodeContext(const ShapeCall& call) : call_(call) {
    for (const Value* input : call.inputs) {
      types_.emplace_back();
      data_.emplace_back();
      if (input == nullptr) continue;
      auto* tensor = types_.back().mutable_tensor_type();
      tensor->set_elem_type(input->type);
      auto* shape = tensor->mutable_shape();
      for (const std::int64_t size : input->shape)
        shape->add_dim()->set_dim_value(size);
      if (input->known != nullptr) data_.back() = to_tensor(*input->known, input->type);
    }
    outputs_.resize(static_cast<std::size_t>(call.node.output_size()));
  }

  const AttributeProto* getAttribute(const std::string& name) const override {
    return find_attribute(call_.node, name);
  }
  size_t getNumInputs() const override { return call_.inputs.size(); }
  const TypeProto* getInputType(size_t index) const override {
    return call_.has(index) ? &types_[index] : nullptr;
  }
  const ::onnx::TensorProto* getInputData(size_t index) const override {
    return call_.has(index) && call_.input(index).known != nullptr ? &data_[index] : nullptr;
  }
  size_t getNumOutputs() const override { return outputs_.size(); }
  TypeProto* getOutputType(size_t index) override {
    if (index >= outputs_.size()) fail_shape_inference("output ", index, " does not exist");
    return &outputs_[index];
  }
  ::onnx::GraphInferencer* getGraphAttributeInferencer(const std::string& name) override {
    fail_type_inference("attribute ", name, " is a graph");
  }
  const ::onnx::SparseTensorProto* getInputSparseData(size_t) const override { return nullptr; }
  const ::onnx::TensorShapeProto* getSymbolicInput(size_t) const override { return nullptr; }

  const std::vector<TypeProto>& outputs() const { return outputs_; }

 private:
  const ShapeCall& call_;
  std::deque<TypeProto> types_;
  std::deque<::onnx::TensorProto> data_;
  std::vector<TypeProto> outputs_;
};

/// Attributes that the library's rules divide by or index with, without looking.
std::string attribute_problem(const NodeProto& node) {
  constexpr std::array kPositive{"strides", "dilations", "kernel_shape", "group",
                                 "groups",  "blocksize", "hidden_size",  "num_heads"};
  constexpr std::int64_t kLargest = std::int64_t{1} << 31;
  for (const AttributeProto& attribute : node.attribute()) {
    const bool positive =
        std::find(kPositive.begin(), kPositive.end(), attribute.name()) != kPositive.end();
    const std::int64_t least = positive ? 1 : -kLargest;
    const auto bad = [&](std::int64_t item) { return item < least || item > kLargest; };
    // Bounds of slices and fill values may be anything.
    const bool free = attribute.name() == "starts" || attribute.name() == "ends" ||
                      attribute.name().rfind("value", 0) == 0 || attribute.name() == "seed";
    if (free) continue;
    if (std::any_of(attribute.ints().begin(), attribute.ints().end(), bad) ||
        (attribute.has_i() && bad(attribute.i()))) {
      return "attribute '" + attribute.name() + "' is out of range";
    }
    if (attribute.ints_size() > 4096) return "attribute '" + attribute.name() + "' is too long";
  }
  return {};
}

/// Ranks that the library's rules take for granted: inputs 0, 1, ... have at least as many axes.
struct RankRule {
  std::string_view op;
  std::array<std::size_t, 4> least;
};

constexpr std::array kRankRules{
    RankRule{"LSTM", {3, 3, 3, 0}},          RankRule{"GRU", {3, 3, 3, 0}},
    RankRule{"RNN", {3, 3, 3, 0}},           RankRule{"Conv", {3, 3, 0, 0}},
    RankRule{"ConvTranspose", {3, 3, 0, 0}}, RankRule{"ConvInteger", {3, 3, 0, 0}},
    RankRule{"QLinearConv", {3, 0, 0, 3}},   RankRule{"MaxPool", {3, 0, 0, 0}},
    RankRule{"AveragePool", {3, 0, 0, 0}},   RankRule{"LpPool", {3, 0, 0, 0}},
    RankRule{"MaxUnpool", {3, 3, 0, 0}},     RankRule{"GlobalAveragePool", {3, 0, 0, 0}},
    RankRule{"GlobalMaxPool", {3, 0, 0, 0}}, RankRule{"GlobalLpPool", {3, 0, 0, 0}},
    RankRule{"MaxRoiPool", {4, 2, 0, 0}},    RankRule{"RoiAlign", {4, 2, 1, 0}},
    RankRule{"GridSample", {4, 4, 0, 0}},    RankRule{"NonMaxSuppression", {3, 3, 0, 0}},
    RankRule{"DepthToSpace", {4, 0, 0, 0}},  RankRule{"SpaceToDepth", {4, 0, 0, 0}},
};

std::string rank_problem(const ShapeCall& call) {
  for (const RankRule& rule : kRankRules) {
    if (rule.op != call.node.op_type()) continue;
    for (std::size_t i = 0; i < rule.least.size(); ++i) {
      if (!call.has(i) || call.input(i).shape.size() >= rule.least[i]) continue;
      return "input " + std::to_string(i) + " has " + std::to_string(call.input(i).shape.size()) +
             " axes, fewer than " + std::to_string(rule.least[i]);
    }
  }
  return {};
}

/// The library throws on malformed nodes; each of its messages starts with a tag of its own.
std::string first_sentence(std::string text) {
  const auto newline = text.find('\n');
  if (newline != std::string::npos) text.resize(newline);
  constexpr std::size_t kLongest = 200;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

TypeAndShape to_shape(const TypeProto& type) {
  TypeAndShape result;
  const bool sparse = type.value_case() == TypeProto::kSparseTensorType;
  if (!sparse && type.value_case() != TypeProto::kTensorType) return result;
  result.type = sparse ? type.sparse_tensor_type().elem_type() : type.tensor_type().elem_type();
  result.ranked = sparse ? type.sparse_tensor_type().has_shape() : type.tensor_type().has_shape();
  const auto& shape = sparse ? type.sparse_tensor_type().shape() : type.tensor_type().shape();
  for (const auto& dim : shape.dim())
    result.shape.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  return result;
}

bool is_other_type(const TypeProto& type) {
  return type.value_case() == TypeProto::kSequenceType ||
         type.value_case() == TypeProto::kMapType || type.value_case() == TypeProto::kOptionalType;
}

bool run_library(const OpSchema& schema, const ShapeCall& call, Inference& result) {
  try {
    schema.Verify(call.node);
    NodeContext context(call);
    if (schema.has_type_and_shape_inference_function()) {
      schema.GetTypeAndShapeInferenceFunction()(context);
    }
    for (const TypeProto& type : context.outputs()) {
      if (is_other_type(type)) result.problem = "it makes a sequence, map or optional";
      result.outputs.push_back(to_shape(type));
    }
  } catch (const std::exception& error) {
    result.problem = first_sentence(error.what());
  } catch (...) {
    result.problem = "its shape rule failed";
  }
  return result.problem.empty();
}

/// Inputs that the operator needs are there and are tensors.
std::string input_problem(const OpSchema& schema, const ShapeCall& call) {
  const auto given = static_cast<int>(call.inputs.size());
  if (given < schema.min_input() || given > schema.max_input()) {
    return "it has " + std::to_string(given) + " inputs";
  }
  const auto& formal = schema.inputs();
  for (std::size_t i = 0; i < formal.size(); ++i) {
    const bool single = formal[i].GetOption() == OpSchema::Single;
    if (single && !call.has(i)) return "input " + std::to_string(i) + " is missing";
  }
  for (std::size_t i = formal.size(); i-- > 0 && formal[i].GetOption() == OpSchema::Variadic;) {
    for (std::size_t j = i; j < call.inputs.size(); ++j) {
      if (!call.has(j)) return "input " + std::to_string(j) + " is missing";
    }
  }
  return {};
}

}  // namespace

Inference infer(const ShapeCall& call) {
  Inference result;
  result.problem = attribute_problem(call.node);
  if (!result.problem.empty()) return result;
  if (const OwnRule rule = find_own_rule(call.node, call.opset)) {
    result = rule(call);
    return result;
  }
  const std::string domain(domain_of(call.node.domain()));
  const OpSchema* schema =
      ::onnx::OpSchemaRegistry::Schema(call.node.op_type(), call.opset, domain);
  if (schema == nullptr) {
    result.problem = "it is not known";
    result.unknown_operator = true;
    return result;
  }
  result.problem = input_problem(*schema, call);
  if (result.problem.empty()) result.problem = rank_problem(call);
  if (result.problem.empty()) run_library(*schema, call, result);
  return result;
}

bool apply_upper_bound(const ShapeCall& call, std::vector<TypeAndShape>& outputs) {
  const std::string& op = call.node.op_type();
  if (!call.has(0) || outputs.empty()) return false;
  const Shape& in = call.input(0).shape;
  const std::int64_t count = element_count(in).value_or(0);
  const auto fill = [](TypeAndShape& out, std::size_t rank, std::int64_t size) {
    if (!out.ranked) out.shape.assign(rank, -1);
    out.ranked = true;
    std::replace(out.shape.begin(), out.shape.end(), std::int64_t{-1}, size);
  };
  if (op == "NonZero") {
    fill(outputs[0], 2, count);
    if (!in.empty() && outputs[0].shape.size() == 2)
      outputs[0].shape[0] = static_cast<std::int64_t>(in.size());
  } else if (op == "Compress") {
    const auto axis = axis_of(int_attribute(call.node, "axis", 0), in.size());
    const bool flat = !has_attribute(call.node, "axis") || !axis;
    outputs[0].ranked = true;
    outputs[0].shape = flat ? Shape{count} : in;
  } else if (op == "Unique") {
    const auto axis = axis_of(int_attribute(call.node, "axis", 0), in.size());
    const bool flat = !has_attribute(call.node, "axis") || !axis;
    outputs[0].ranked = true;
    outputs[0].shape = flat ? Shape{count} : in;
    for (std::size_t i = 1; i < outputs.size(); ++i)
      fill(outputs[i], 1, flat ? count : in[*axis]);
  } else if (op == "NonMaxSuppression" && in.size() == 3 && call.has(1)) {
    const auto limit = integers(call, 2);
    const std::int64_t boxes = in[1];
    const std::int64_t most =
        limit && !limit->empty() ? std::clamp<std::int64_t>(limit->front(), 0, boxes) : boxes;
    const Shape& scores = call.input(1).shape;
    const std::int64_t classes = scores.size() == 3 ? scores[1] : 1;
    const auto rows = element_count({in[0], classes, most});
    outputs[0].ranked = true;
    outputs[0].shape = {rows.value_or(0), 3};
  } else if (op == "TopK") {
    const auto axis = axis_of(int_attribute(call.node, "axis", -1), in.size());
    if (!axis) return false;
    for (TypeAndShape& out : outputs) {
      out.shape = in;
      out.ranked = true;
    }
  } else {
    return false;
  }
  return true;
}

}  // namespace fastpath::onnx_import
