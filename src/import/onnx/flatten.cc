#include "import/onnx/flatten.h"

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <optional>
#include <unordered_map>

#include <onnx/defs/schema.h>

#include "import/onnx/dimensions.h"
#include "import/onnx/known.h"
#include "import/onnx/limits.h"
#include "import/onnx/load.h"
#include "import/onnx/map.h"
#include "import/onnx/own_rules.h"
#include "import/onnx/shapes.h"

namespace fastpath::onnx_import {
namespace {

using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using ::onnx::TypeProto;

using Opsets = std::map<std::string, int, std::less<>>;

/// Names visible in a graph or a body, and the types it declares.
struct Scope {
  const Scope* outer = nullptr;
  const Opsets* opsets = nullptr;
  std::uint32_t region = 0;
  int depth = 0;
  std::unordered_map<std::string, ValueId> names;
  std::unordered_map<std::string, const TypeProto*> declared;

  ValueId find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer) {
      const auto found = scope->names.find(name);
      if (found != scope->names.end()) return found->second;
    }
    return kNone;
  }
};

template <class Imports>
Opsets opsets_of(const Imports& imports) {
  Opsets result;
  for (const auto& entry : imports) {
    const auto version = std::clamp<std::int64_t>(entry.version(), 0, 1'000'000);
    result[std::string(domain_of(entry.domain()))] = static_cast<int>(version);
  }
  return result;
}

bool is_random(const std::string& op) {
  return op.rfind("Random", 0) == 0 || op == "Multinomial" || op == "Bernoulli";
}

/// Work of a node as far as it decides between branches: contractions count twice their products.
double rough_work(const FlatGraph& graph, const Node& node) {
  double outputs = 0;
  for (const ValueId id : node.outputs) {
    if (id == kNone) continue;
    outputs += static_cast<double>(element_count(graph.values[id].shape).value_or(0));
  }
  double factor = 1;
  const bool conv = node.type().find("Conv") != std::string::npos;
  const bool matmul = node.type().find("MatMul") != std::string::npos || node.type() == "Gemm" ||
                      node.type() == "LSTM" || node.type() == "GRU" || node.type() == "RNN";
  if ((conv || matmul) && node.inputs.size() > 1 && node.inputs[1] != kNone) {
    const Shape& w = graph.values[node.inputs[1]].shape;
    const auto weights = static_cast<double>(element_count(w).value_or(0));
    const double side =
        w.empty() ? 1 : static_cast<double>(std::max<std::int64_t>(conv ? w[0] : w.back(), 1));
    factor = 2 * std::max(weights / side, 1.0);
  }
  return outputs * factor * graph.regions[node.region].repeat;
}

double operators_in(const GraphProto& body) {
  return static_cast<double>(
      std::count_if(body.node().begin(), body.node().end(),
                    [](const NodeProto& node) { return node.op_type() != "Constant"; }));
}

/// Whether a runtime finds shape and contents from the file alone.
void mark_open(const ShapeCall& call, Value& value) {
  const auto any = [&](bool Value::*open) {
    return std::any_of(call.inputs.begin(), call.inputs.end(),
                       [&](const Value* input) { return input != nullptr && input->*open; });
  };
  const std::string& op = call.node.op_type();
  const bool measures = op == "Shape" || op == "Size";
  if (value.source == Source::constant) {
    value.open_content = any(measures ? &Value::open_shape : &Value::open_content);
  } else {
    value.open_shape = any(&Value::open_shape) || any(&Value::open_content);
  }
}

class Flattener {
 public:
  Flattener(const ModelProto& model, std::string_view file, const OnnxOptions& options)
      : model_(model), file_(file), dimensions_(options) {
    for (const FunctionProto& function : model.functions()) {
      functions_.emplace(std::string(domain_of(function.domain())) + ":" + function.name(),
                         &function);
    }
  }

  Result<Imported<FlatGraph>> run();

 private:
  bool visit_graph(const GraphProto& graph, Scope& scope);
  void add_initializers(const GraphProto& graph, Scope& scope);
  void add_inputs(const GraphProto& graph, Scope& scope);
  bool visit_nodes(const google::protobuf::RepeatedPtrField<NodeProto>& nodes, Scope& scope);
  void visit(const NodeProto& node, Scope& scope);
  void visit_plain(const NodeProto& node, Scope& scope, const std::vector<ValueId>& inputs);
  void visit_constant(const NodeProto& node, Scope& scope);
  void visit_if(const NodeProto& node, Scope& scope, const std::vector<ValueId>& inputs);
  void visit_loop(const NodeProto& node, Scope& scope, const std::vector<ValueId>& inputs);
  void visit_scan(const NodeProto& node, Scope& scope, const std::vector<ValueId>& inputs);
  void visit_function(const NodeProto& node, const FunctionProto& function, Scope& scope,
                      const std::vector<ValueId>& inputs);
  const FunctionProto* function_of(const NodeProto& node, int opset,
                                   const std::vector<ValueId>& inputs);
  std::vector<ValueId> branch(const GraphProto& body, const NodeProto& node, Scope& scope);
  double work_from(std::size_t first, std::size_t errors) const;
  const GraphProto& larger_branch(const GraphProto& then_body, const GraphProto& else_body,
                                  const NodeProto& node, Scope& scope);
  Scope body_scope(const Scope& scope, std::uint32_t region) const;
  std::uint32_t add_region(const Scope& scope, double trips);

  bool inputs_of(const NodeProto& node, const Scope& scope, std::vector<ValueId>& inputs);
  void bind(const NodeProto& node, int index, Scope& scope, ValueId id) const;
  void bind_bad(const NodeProto& node, Scope& scope);
  ValueId add_value(Value value);
  bool check_value(const Value& value, const std::string& label);
  bool settle_shape(const ShapeCall& call, std::size_t index, Inference& inference,
                    const Scope& scope, Value& value);
  void finish_output(const ShapeCall& call, std::size_t index, Inference& inference,
                     const std::vector<KnownPtr>& folded, Scope& scope);
  Value constant_of(const TensorProto& tensor, const std::string& name) const;
  void derive_constant(const ShapeCall& call, Value& value) const;
  void add_host_node(const NodeProto& node, std::vector<ValueId> inputs,
                     std::vector<ValueId> outputs, OpKind kind);
  ValueId loop_state(ValueId from, const std::string& name, Scope& scope);
  ValueId loop_node(const char* op, ValueId from, Shape shape, Scope& scope, std::int64_t axis);

  void report_deferred(const std::string& name);
  void error(std::string what, std::string hint);
  void warn(std::string what, std::string hint);
  std::string label(const NodeProto& node) const;
  int opset_of(const NodeProto& node, const Scope& scope) const;
  bool exhausted();

  const ModelProto& model_;
  std::string file_;
  Dimensions dimensions_;
  std::unordered_map<std::string, const FunctionProto*> functions_;
  FlatGraph graph_;
  Diagnostics errors_;
  Diagnostics warnings_;
  std::map<std::string, Diagnostic> deferred_;  ///< by the output that has no shape
  std::size_t visited_ = 0;
  std::size_t created_ = 0;
  std::size_t axes_ = 0;
  std::size_t copied_ = 0;
  bool stopped_ = false;
  ValueId bad_ = kNone;  ///< stands for what could not be computed; errors tell why
};

void Flattener::error(std::string what, std::string hint) {
  constexpr std::size_t kMost = 100;
  if (errors_.size() < kMost) errors_.push_back({{file_, 0, 0}, std::move(what), std::move(hint)});
}

void Flattener::warn(std::string what, std::string hint) {
  constexpr std::size_t kMost = 1000;
  if (warnings_.size() < kMost)
    warnings_.push_back({{file_, 0, 0}, std::move(what), std::move(hint)});
}

std::string Flattener::label(const NodeProto& node) const {
  std::string name = node.name();
  for (const std::string& output : node.output()) {
    if (name.empty()) name = output;
  }
  return "node '" + name + "' (" + node.op_type() + ")";
}

int Flattener::opset_of(const NodeProto& node, const Scope& scope) const {
  const auto found = scope.opsets->find(domain_of(node.domain()));
  return found == scope.opsets->end() ? 1 : found->second;
}

/// A model that asks for more than the limits ends with one error.
bool Flattener::exhausted() {
  if (stopped_) return true;
  if (visited_ <= kMaxNodes && created_ <= kMaxValues && axes_ <= kMaxAxes) return false;
  stopped_ = true;
  error("the model has more than " + std::to_string(kMaxNodes) +
            " nodes once its bodies and "
            "functions are unfolded",
        "import a part of it, or the model before unrolling");
  return true;
}

ValueId Flattener::add_value(Value value) {
  ++created_;
  axes_ += value.shape.size();
  const auto id = static_cast<ValueId>(graph_.values.size());
  if (value.source == Source::constant && value.root == kNone) value.root = id;
  graph_.values.push_back(std::move(value));
  return id;
}

bool Flattener::check_value(const Value& value, const std::string& label_text) {
  if (value.shape.size() > kMaxRank) {
    error(label_text + " makes a tensor of more than " + std::to_string(kMaxRank) + " axes",
          "check the model");
    return false;
  }
  if (!element_count(value.shape)) {
    error(label_text + " makes a tensor of impossible shape " + shape_text(value.shape),
          "check the sizes given with --dim");
    return false;
  }
  return true;
}

Value Flattener::constant_of(const TensorProto& tensor, const std::string& name) const {
  Value value;
  value.name = name;
  value.type = tensor.data_type();
  value.stored = value.type;
  value.source = Source::constant;
  const int rank = std::min(tensor.dims_size(), static_cast<int>(kMaxRank) + 1);
  value.shape.assign(tensor.dims().begin(), tensor.dims().begin() + rank);
  value.known = read_tensor(tensor);
  return value;
}

void Flattener::add_initializers(const GraphProto& graph, Scope& scope) {
  for (const TensorProto& tensor : graph.initializer()) {
    Value value = constant_of(tensor, tensor.name());
    const bool good = check_value(value, "the weight '" + tensor.name() + "'");
    scope.names[tensor.name()] = good ? add_value(std::move(value)) : bad_;
    if (exhausted()) return;
  }
  for (const auto& sparse : graph.sparse_initializer()) {
    Value value;
    value.name = sparse.values().name();
    value.type = value.stored = sparse.values().data_type();
    value.source = Source::constant;
    const int rank = std::min(sparse.dims_size(), static_cast<int>(kMaxRank) + 1);
    value.shape.assign(sparse.dims().begin(), sparse.dims().begin() + rank);
    const bool good = check_value(value, "the sparse weight '" + value.name + "'");
    const std::string name = value.name;
    scope.names[name] = good ? add_value(std::move(value)) : bad_;
  }
}

void Flattener::add_inputs(const GraphProto& graph, Scope& scope) {
  for (const auto& input : graph.input()) {
    if (scope.names.count(input.name()) > 0) continue;  // a weight that may be replaced
    const bool tensor = input.type().has_tensor_type() || input.type().has_sparse_tensor_type();
    const bool shaped =
        input.type().has_sparse_tensor_type() || input.type().tensor_type().has_shape();
    scope.names[input.name()] = bad_;
    if (!tensor) {
      error("the input '" + input.name() + "' is a sequence, map or optional",
            "only models whose inputs are tensors can be imported");
      continue;
    }
    if (!shaped) {
      error("the input '" + input.name() + "' has no shape, not even a number of axes",
            "export the model with the shapes of its inputs");
      continue;
    }
    Value value;
    value.name = input.name();
    value.source = Source::input;
    dimensions_.resolve(input.type(), value, true);
    const bool open = std::count(value.shape.begin(), value.shape.end(), -1) > 0;
    if (open || !check_value(value, "the input '" + input.name() + "'")) continue;
    const ValueId id = add_value(std::move(value));
    scope.names[input.name()] = id;
    graph_.inputs.push_back(id);
  }
}

bool Flattener::visit_graph(const GraphProto& graph, Scope& scope) {
  if (scope.depth > kMaxScopeDepth) {
    error("bodies are nested more than " + std::to_string(kMaxScopeDepth) + " deep",
          "check the model");
    return false;
  }
  add_initializers(graph, scope);
  for (const auto& info : graph.value_info())
    scope.declared[info.name()] = &info.type();
  for (const auto& info : graph.output())
    scope.declared[info.name()] = &info.type();
  return visit_nodes(graph.node(), scope);
}

bool Flattener::visit_nodes(const google::protobuf::RepeatedPtrField<NodeProto>& nodes,
                            Scope& scope) {
  const Result<std::vector<int>> order = execution_order(nodes, file_);
  if (!order) {
    errors_.insert(errors_.end(), order.error().begin(), order.error().end());
    return false;
  }
  for (const int index : *order) {
    ++visited_;
    if (exhausted()) return false;
    visit(nodes[index], scope);
  }
  return true;
}

bool Flattener::inputs_of(const NodeProto& node, const Scope& scope, std::vector<ValueId>& inputs) {
  bool good = true;
  for (const std::string& name : node.input()) {
    if (name.empty()) {
      inputs.push_back(kNone);
      continue;
    }
    const ValueId id = scope.find(name);
    if (id == kNone) {
      error(label(node) + " reads '" + name + "', which nothing writes",
            "the file is incomplete: export the model again");
    }
    if (id == bad_) report_deferred(name);
    good = good && id != kNone && id != bad_;
    inputs.push_back(id);
  }
  while (!inputs.empty() && inputs.back() == kNone && good)
    inputs.pop_back();
  return good;
}

void Flattener::report_deferred(const std::string& name) {
  const auto found = deferred_.find(name);
  if (found == deferred_.end()) return;
  errors_.push_back(found->second);
  deferred_.erase(found);
}

void Flattener::bind(const NodeProto& node, int index, Scope& scope, ValueId id) const {
  if (index < node.output_size() && !node.output(index).empty())
    scope.names[node.output(index)] = id;
}

void Flattener::bind_bad(const NodeProto& node, Scope& scope) {
  for (int i = 0; i < node.output_size(); ++i)
    bind(node, i, scope, bad_);
}

void Flattener::visit(const NodeProto& node, Scope& scope) {
  std::vector<ValueId> inputs;
  if (!inputs_of(node, scope, inputs)) return bind_bad(node, scope);
  const std::string& op = node.op_type();
  if (domain_of(node.domain()).empty()) {
    if (op == "Constant") return visit_constant(node, scope);
    if (op == "If") return visit_if(node, scope, inputs);
    if (op == "Loop") return visit_loop(node, scope, inputs);
    if (op == "Scan") return visit_scan(node, scope, inputs);
  }
  const FunctionProto* function = function_of(node, opset_of(node, scope), inputs);
  if (function != nullptr) return visit_function(node, *function, scope, inputs);
  visit_plain(node, scope, inputs);
}

void Flattener::visit_constant(const NodeProto& node, Scope& scope) {
  Value value;
  value.source = Source::constant;
  value.name = node.output_size() > 0 ? node.output(0) : "";
  const auto set = [&](int type, Shape shape, std::vector<long double> data) {
    value.type = value.stored = type;
    value.shape = shape;
    if (data.size() <= kMaxKnown) value.known = make_known(std::move(shape), std::move(data));
  };
  for (const AttributeProto& attribute : node.attribute()) {
    const auto& ints = attribute.ints();
    const auto& floats = attribute.floats();
    if (attribute.name() == "value" && attribute.has_t()) {
      value = constant_of(attribute.t(), value.name);
    } else if (attribute.name() == "value_int") {
      set(TensorProto::INT64, {}, {static_cast<long double>(attribute.i())});
    } else if (attribute.name() == "value_float") {
      set(TensorProto::FLOAT, {}, {static_cast<long double>(attribute.f())});
    } else if (attribute.name() == "value_ints") {
      set(TensorProto::INT64, {ints.size()}, {ints.begin(), ints.end()});
    } else if (attribute.name() == "value_floats") {
      set(TensorProto::FLOAT, {floats.size()}, {floats.begin(), floats.end()});
    } else if (attribute.name() == "value_string") {
      value.type = value.stored = TensorProto::STRING;
    } else if (attribute.name() == "value_strings") {
      value.type = value.stored = TensorProto::STRING;
      value.shape = {attribute.strings_size()};
    } else if (attribute.name() == "sparse_value" && attribute.has_sparse_tensor()) {
      const auto& dims = attribute.sparse_tensor().dims();
      value.type = value.stored = attribute.sparse_tensor().values().data_type();
      value.shape.assign(dims.begin(), dims.end());
    }
  }
  if (value.type == 0) {
    error(label(node) + " has no value", "the file is incomplete: export the model again");
    return bind_bad(node, scope);
  }
  const bool good = check_value(value, label(node));
  bind(node, 0, scope, good ? add_value(std::move(value)) : bad_);
}

/// A constant that comes from one stored tensor (transposed, reshaped, cast) stands for it.
void Flattener::derive_constant(const ShapeCall& call, Value& value) const {
  value.source = Source::constant;
  value.stored = value.type;
  const auto count = element_count(value.shape);
  for (const Value* input : call.inputs) {
    if (input == nullptr || input->source != Source::constant) continue;
    if (element_count(input->shape) != count || count == 1) continue;
    value.root = input->root;
    const bool unpacks = call.node.op_type() == "DequantizeLinear";
    if (unpacks || input->type == value.type) value.stored = input->stored;
    return;
  }
}

/// Fills unknown sizes of an output: by name, by the file's declaration, by the operator's bound.
bool Flattener::settle_shape(const ShapeCall& call, std::size_t index, Inference& inference,
                             const Scope& scope, Value& value) {
  TypeAndShape& out = inference.outputs[index];
  const auto open = [&] {
    return !out.ranked || std::count(out.shape.begin(), out.shape.end(), -1) > 0;
  };
  const auto declared = scope.declared.find(value.name);
  if ((open() || out.type == 0) && declared != scope.declared.end() &&
      declared->second->has_tensor_type()) {
    Value stated;
    stated.name = value.name;
    dimensions_.resolve(*declared->second, stated, false);
    if (out.type == 0) out.type = stated.type;
    const bool shaped = declared->second->tensor_type().has_shape();
    if (!out.ranked && shaped) {
      out.shape = stated.shape;
      out.ranked = true;
    }
    for (std::size_t i = 0; i < out.shape.size() && i < stated.shape.size(); ++i) {
      if (out.shape[i] < 0 && out.shape.size() == stated.shape.size())
        out.shape[i] = stated.shape[i];
    }
  }
  for (std::size_t i = 0; i < out.shape.size(); ++i) {
    if (out.shape[i] >= 0) continue;
    out.shape[i] = dimensions_.size_of(value.name + "." + std::to_string(i)).value_or(-1);
  }
  if (open() && apply_upper_bound(call, inference.outputs)) {
    warn(label(call.node) + " has an output whose size depends on data: taken as " +
             shape_text(out.shape) + ", the most it can be",
         "set it: --dim " + value.name + ".0=SIZE");
  }
  return !open() && out.type != 0;
}

void Flattener::finish_output(const ShapeCall& call, std::size_t index, Inference& inference,
                              const std::vector<KnownPtr>& folded, Scope& scope) {
  Value value;
  value.name = call.node.output(static_cast<int>(index));
  TypeAndShape& out = inference.outputs[index];
  if (index < folded.size() && out.type != 0) {
    value.known = folded[index];
    out.shape = folded[index]->shape;
    out.ranked = true;
  }
  if (!settle_shape(call, index, inference, scope, value)) {
    const std::string what = label(call.node) + " has an output '" + value.name + "' whose " +
                             (out.type == 0 ? "type" : "size") + " is not known";
    std::string hint = "export the model with shapes (value_info) for it";
    for (std::size_t i = 0; i < out.shape.size(); ++i) {
      if (out.shape[i] < 0)
        hint = "set it: --dim " + value.name + "." + std::to_string(i) + "=SIZE";
    }
    // An optional output without a rule matters only if it is read.
    if (index == 0)
      error(what, hint);
    else
      deferred_[value.name] = {{file_, 0, 0}, what, hint};
    return bind(call.node, static_cast<int>(index), scope, bad_);
  }
  value.type = out.type;
  value.shape = out.shape;
  if (!check_value(value, label(call.node)))
    return bind(call.node, static_cast<int>(index), scope, bad_);
  const bool constant =
      value.known != nullptr ||
      (!call.inputs.empty() && !is_random(call.node.op_type()) &&
       std::all_of(call.inputs.begin(), call.inputs.end(), [](const Value* input) {
         return input == nullptr || input->source == Source::constant;
       }));
  if (constant) derive_constant(call, value);
  mark_open(call, value);
  bind(call.node, static_cast<int>(index), scope, add_value(std::move(value)));
}

void Flattener::visit_plain(const NodeProto& node, Scope& scope,
                            const std::vector<ValueId>& inputs) {
  // A copy, since values may move while outputs are added.
  std::vector<Value> values;
  std::vector<const Value*> pointers;
  values.reserve(inputs.size());
  for (const ValueId id : inputs) {
    values.push_back(id == kNone ? Value{} : graph_.values[id]);
    pointers.push_back(id == kNone ? nullptr : &values.back());
  }
  const ShapeCall call{node, opset_of(node, scope), pointers};
  Inference inference = infer(call);
  const bool declared = inference.unknown_operator && is_opaque_candidate(node);
  if (!inference.problem.empty() && !declared) {
    const std::string domain(domain_of(node.domain()));
    error(label(node) + " of opset " + (domain.empty() ? "" : domain + " ") +
              std::to_string(call.opset) + ": " + inference.problem,
          inference.unknown_operator
              ? "the operator is not known: export with a set of standard operators"
              : "check the model, and the sizes given with --dim");
    return bind_bad(node, scope);
  }
  inference.outputs.resize(static_cast<std::size_t>(node.output_size()));
  const std::vector<KnownPtr> folded = fold({node, call.opset, pointers, 0});
  Node flat;
  flat.name = node.name();
  flat.proto = &node;
  flat.opset = call.opset;
  flat.inputs = inputs;
  flat.region = scope.region;
  bool runs = false;
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty()) {
      flat.outputs.push_back(kNone);
      continue;
    }
    finish_output(call, static_cast<std::size_t>(i), inference, folded, scope);
    const ValueId id = scope.names[node.output(i)];
    if (id == bad_ && i == 0) return bind_bad(node, scope);
    flat.outputs.push_back(id == bad_ ? kNone : id);
    if (id == bad_) continue;
    runs = runs || graph_.values[id].source != Source::constant;
  }
  if (runs) return graph_.nodes.push_back(std::move(flat));
  const bool open = std::any_of(flat.outputs.begin(), flat.outputs.end(), [&](ValueId id) {
    return id != kNone && graph_.values[id].open_content;
  });
  if (open) add_host_node(node, flat.inputs, flat.outputs, OpKind::host);
}

void Flattener::add_host_node(const NodeProto& node, std::vector<ValueId> inputs,
                              std::vector<ValueId> outputs, OpKind kind) {
  if (node.output_size() == 0) return;
  graph_.host.push_back(
      {node.name(), node.output(0), kind, std::move(inputs), std::move(outputs), 0});
}

Scope Flattener::body_scope(const Scope& scope, std::uint32_t region) const {
  Scope body;
  body.outer = &scope;
  body.opsets = scope.opsets;
  body.region = region;
  body.depth = scope.depth + 1;
  return body;
}

std::uint32_t Flattener::add_region(const Scope& scope, double trips) {
  graph_.regions.push_back({graph_.regions[scope.region].repeat * trips});
  return static_cast<std::uint32_t>(graph_.regions.size() - 1);
}

std::vector<ValueId> Flattener::branch(const GraphProto& body, const NodeProto& node,
                                       Scope& scope) {
  Scope inner = body_scope(scope, scope.region);
  std::vector<ValueId> outputs(static_cast<std::size_t>(node.output_size()), bad_);
  if (!visit_graph(body, inner)) return outputs;
  for (int i = 0; i < node.output_size() && i < body.output_size(); ++i) {
    const ValueId id = inner.find(body.output(i).name());
    outputs[static_cast<std::size_t>(i)] = id == kNone ? bad_ : id;
  }
  return outputs;
}

/// Of nodes from `first` on; below 0 where there are more than so many errors.
double Flattener::work_from(std::size_t first, std::size_t errors) const {
  double sum = 0;
  for (std::size_t i = first; i < graph_.nodes.size(); ++i)
    sum += rough_work(graph_, graph_.nodes[i]);
  return errors_.size() > errors ? -1.0 : sum;
}

/// Both are tried and taken back.
const GraphProto& Flattener::larger_branch(const GraphProto& then_body, const GraphProto& else_body,
                                           const NodeProto& node, Scope& scope) {
  const std::size_t nodes = graph_.nodes.size();
  const std::size_t host = graph_.host.size();
  const std::size_t regions = graph_.regions.size();
  const std::size_t errors = errors_.size();
  const std::size_t warnings = warnings_.size();
  std::array<double, 2> work{};
  for (const bool takes_else : {false, true}) {
    branch(takes_else ? else_body : then_body, node, scope);
    if (stopped_) break;  // its error stays
    work.at(takes_else ? 1 : 0) = work_from(nodes, errors);
    graph_.nodes.resize(nodes);
    graph_.host.resize(host);
    graph_.regions.resize(regions);
    errors_.resize(errors);
    warnings_.resize(warnings);
  }
  return work[0] >= work[1] ? then_body : else_body;
}

void Flattener::visit_if(const NodeProto& node, Scope& scope, const std::vector<ValueId>& inputs) {
  const GraphProto* then_body = graph_attribute(node, "then_branch");
  const GraphProto* else_body = graph_attribute(node, "else_branch");
  if (inputs.size() != 1 || inputs[0] == kNone || then_body == nullptr || else_body == nullptr) {
    error(label(node) + " has no condition or lacks a branch", "export the model again");
    return bind_bad(node, scope);
  }
  const KnownPtr known = graph_.values[inputs[0]].known;
  std::optional<std::size_t> place;
  if (known == nullptr || graph_.values[inputs[0]].open_content) {
    const std::size_t before = graph_.host.size();
    add_host_node(node, inputs, {}, OpKind::branch);
    if (graph_.host.size() > before) place = before;
  }
  const GraphProto* taken = nullptr;
  std::vector<ValueId> outputs;
  if (known != nullptr && !known->data.empty()) {
    taken = known->data[0] != 0 ? then_body : else_body;
    outputs = branch(*taken, node, scope);
  } else {
    taken = &larger_branch(*then_body, *else_body, node, scope);
    outputs = branch(*taken, node, scope);
    const bool take_then = taken == then_body;
    warn(label(node) + " depends on data: its " + (take_then ? "then" : "else") +
             " branch is counted, the one with more work",
         "export the model with the condition fixed to count the other");
  }
  if (place && taken != nullptr) graph_.host[*place].operators = operators_in(*taken);
  for (int i = 0; i < node.output_size(); ++i)
    bind(node, i, scope, outputs[static_cast<std::size_t>(i)]);
}

/// A loop's state inside the body: what enters has the value of the first iteration only.
ValueId Flattener::loop_state(ValueId from, const std::string& name, Scope& scope) {
  if (from == kNone || from == bad_) return bad_;
  if (graph_.values[from].known == nullptr) return from;
  Value value = graph_.values[from];
  value.name = name;
  value.known = nullptr;
  value.source = Source::computed;
  value.root = kNone;
  const ValueId id = add_value(std::move(value));
  NodeProto& proto = graph_.owned.emplace_back();
  proto.set_op_type("Identity");
  graph_.nodes.push_back({name, &proto, 0, {from}, {id}, scope.region});
  return id;
}

ValueId Flattener::loop_node(const char* op, ValueId from, Shape shape, Scope& scope,
                             std::int64_t axis) {
  if (from == kNone || from == bad_) return bad_;
  Value value;
  value.name = graph_.values[from].name + "." + op;
  value.type = graph_.values[from].type;
  value.shape = std::move(shape);
  if (!check_value(value, "the loop over '" + graph_.values[from].name + "'")) return bad_;
  NodeProto& proto = graph_.owned.emplace_back();
  proto.set_op_type(op);
  proto.set_domain(kLoopDomain);
  AttributeProto* attribute = proto.add_attribute();
  attribute->set_name("axis");
  attribute->set_i(axis);
  const std::string name = value.name;
  const ValueId id = add_value(std::move(value));
  graph_.nodes.push_back({name, &proto, 0, {from}, {id}, scope.region});
  return id;
}

void Flattener::visit_loop(const NodeProto& node, Scope& scope,
                           const std::vector<ValueId>& inputs) {
  const GraphProto* body = graph_attribute(node, "body");
  const int states = static_cast<int>(inputs.size()) - 2;
  if (body == nullptr || body->input_size() < 2 || states > body->input_size() - 2 ||
      body->output_size() < 1) {
    error(label(node) + " has no body that fits its inputs", "export the model again");
    return bind_bad(node, scope);
  }
  const std::string count_name = (node.name().empty() ? "loop" : node.name()) + ".trips";
  const KnownPtr limit =
      !inputs.empty() && inputs[0] != kNone ? graph_.values[inputs[0]].known : nullptr;
  double trips = 1;
  if (limit != nullptr && !limit->data.empty()) {
    trips = static_cast<double>(
        std::clamp<long double>(limit->data[0], 0, static_cast<long double>(kMaxTrips)));
  } else if (const auto given = dimensions_.size_of(count_name)) {
    trips = static_cast<double>(*given);
  } else {
    warn(label(node) + " runs as often as data says: counted once",
         "set it: --dim " + count_name + "=TRIPS");
  }
  const auto initial = [&](int i) {
    const auto at = static_cast<std::size_t>(i) + 2;
    return at < inputs.size() ? inputs[at] : kNone;
  };
  Scope inner = body_scope(scope, add_region(scope, std::max(trips, 1.0)));
  Value iteration;
  iteration.name = body->input(0).name();
  iteration.type = TensorProto::INT64;
  iteration.source = Source::input;
  Value going = iteration;
  going.name = body->input(1).name();
  going.type = TensorProto::BOOL;
  inner.names[body->input(0).name()] = add_value(std::move(iteration));
  inner.names[body->input(1).name()] = add_value(std::move(going));
  for (int i = 0; i + 2 < body->input_size(); ++i) {
    const std::string& name = body->input(i + 2).name();
    inner.names[name] = loop_state(initial(i), name, scope);
  }
  const std::size_t nodes = graph_.nodes.size();
  if (!visit_graph(*body, inner)) return bind_bad(node, scope);
  if (trips == 0) graph_.nodes.resize(nodes);
  for (int i = 0; i < node.output_size(); ++i) {
    const bool carried = i < states;
    ValueId id = i + 1 < body->output_size() ? inner.find(body->output(i + 1).name()) : bad_;
    if (id == kNone) id = bad_;
    if (carried && trips == 0) id = initial(i);
    if (!carried && id != bad_) {
      Shape shape = graph_.values[id].shape;
      shape.insert(shape.begin(), static_cast<std::int64_t>(trips));
      id = loop_node(kStackIterations, id, std::move(shape), scope, 0);
    }
    bind(node, i, scope, id == kNone ? bad_ : id);
  }
}

void Flattener::visit_scan(const NodeProto& node, Scope& scope,
                           const std::vector<ValueId>& inputs) {
  const GraphProto* body = graph_attribute(node, "body");
  const int scans = static_cast<int>(
      std::clamp<std::int64_t>(int_attribute(node, "num_scan_inputs", 0), 0, 1 << 20));
  const int total = static_cast<int>(inputs.size());
  const int states = total - scans;
  if (body == nullptr || opset_of(node, scope) < 9 || states < 0 || scans < 1 ||
      body->input_size() != total) {
    error(label(node) + " has no body that fits its inputs, or is of opset 8",
          "export the model with opset 9 or newer");
    return bind_bad(node, scope);
  }
  const std::vector<std::int64_t> axes = ints_attribute(node, "scan_input_axes");
  std::int64_t trips = -1;
  std::vector<std::size_t> scan_axis;
  for (int i = 0; i < scans; ++i) {
    const ValueId id = inputs[static_cast<std::size_t>(states + i)];
    const Shape shape = id == kNone ? Shape{} : graph_.values[id].shape;
    const auto want =
        static_cast<std::size_t>(i) < axes.size() ? axes[static_cast<std::size_t>(i)] : 0;
    const auto axis = axis_of(want, shape.size());
    const bool fits = axis && (trips < 0 || shape[*axis] == trips);
    if (!fits) {
      error(label(node) + " scans axes that do not exist or differ in size", "check the model");
      return bind_bad(node, scope);
    }
    trips = shape[*axis];
    scan_axis.push_back(*axis);
  }
  Scope inner = body_scope(scope, add_region(scope, std::max(static_cast<double>(trips), 1.0)));
  for (int i = 0; i < total; ++i) {
    const std::string& name = body->input(i).name();
    const ValueId from = inputs[static_cast<std::size_t>(i)];
    if (i < states) {
      inner.names[name] = loop_state(from, name, scope);
      continue;
    }
    const std::size_t axis = scan_axis[static_cast<std::size_t>(i - states)];
    Shape shape = graph_.values[from].shape;
    shape.erase(shape.begin() + static_cast<long>(axis));
    inner.names[name] =
        loop_node(kSliceIteration, from, std::move(shape), inner, static_cast<std::int64_t>(axis));
  }
  if (!visit_graph(*body, inner)) return bind_bad(node, scope);
  const std::vector<std::int64_t> out_axes = ints_attribute(node, "scan_output_axes");
  for (int i = 0; i < node.output_size(); ++i) {
    ValueId id = i < body->output_size() ? inner.find(body->output(i).name()) : bad_;
    if (id == kNone) id = bad_;
    if (i >= states && id != bad_) {
      Shape shape = graph_.values[id].shape;
      const auto which = static_cast<std::size_t>(i - states);
      const auto axis =
          axis_of(which < out_axes.size() ? out_axes[which] : 0, shape.size() + 1).value_or(0);
      shape.insert(shape.begin() + static_cast<long>(axis), trips);
      id =
          loop_node(kStackIterations, id, std::move(shape), scope, static_cast<std::int64_t>(axis));
    }
    bind(node, i, scope, id);
  }
}

/// Whether a node, or one in its bodies, takes an attribute from the function's call.
bool refers(const NodeProto& node, int depth) {
  if (depth > kMaxScopeDepth) return false;
  for (const AttributeProto& attribute : node.attribute()) {
    if (!attribute.ref_attr_name().empty()) return true;
    for (const NodeProto& inner : attribute.g().node()) {
      if (refers(inner, depth + 1)) return true;
    }
  }
  return false;
}

void substitute(NodeProto& node, const NodeProto& call, int depth) {
  auto* attributes = node.mutable_attribute();
  for (int i = attributes->size(); i-- > 0;) {
    AttributeProto& attribute = *attributes->Mutable(i);
    if (attribute.has_g() && depth < kMaxScopeDepth) {
      for (NodeProto& inner : *attribute.mutable_g()->mutable_node())
        substitute(inner, call, depth + 1);
    }
    if (attribute.ref_attr_name().empty()) continue;
    const AttributeProto* given = find_attribute(call, attribute.ref_attr_name());
    if (given == nullptr) {
      attributes->DeleteSubrange(i, 1);
      continue;
    }
    const std::string name = attribute.name();
    attribute = *given;
    attribute.set_name(name);
  }
}

/// Functions of the model; else those of the library that we do not map as one operator.
const FunctionProto* Flattener::function_of(const NodeProto& node, int opset,
                                            const std::vector<ValueId>& inputs) {
  const std::string domain(domain_of(node.domain()));
  const auto found = functions_.find(domain + ":" + node.op_type());
  if (found != functions_.end()) return found->second;
  if (is_mapped(node) || find_own_rule(node, opset) != nullptr) return nullptr;
  const auto* schema = ::onnx::OpSchemaRegistry::Schema(node.op_type(), opset, domain);
  if (schema == nullptr) return nullptr;
  try {
    if (schema->HasFunction()) return schema->GetFunction();
    if (!schema->HasContextDependentFunction()) return nullptr;
    std::vector<TypeProto> types;
    for (const ValueId id : inputs) {
      types.emplace_back();
      if (id == kNone) continue;
      types.back().mutable_tensor_type()->set_elem_type(graph_.values[id].type);
      auto* shape = types.back().mutable_tensor_type()->mutable_shape();
      for (const std::int64_t size : graph_.values[id].shape)
        shape->add_dim()->set_dim_value(size);
    }
    const ::onnx::FunctionBodyBuildContextImpl context(node, types);
    FunctionProto function;
    if (!schema->BuildContextDependentFunction(context, function)) return nullptr;
    return &graph_.functions.emplace_back(std::move(function));
  } catch (const std::exception&) {
    return nullptr;  // then its shape rule decides
  }
}

void Flattener::visit_function(const NodeProto& node, const FunctionProto& function, Scope& scope,
                               const std::vector<ValueId>& inputs) {
  if (scope.depth >= kMaxScopeDepth) {
    error(label(node) + " calls functions more than " + std::to_string(kMaxScopeDepth) +
              " deep, or itself",
          "check the model's functions");
    return bind_bad(node, scope);
  }
  Opsets opsets = opsets_of(function.opset_import());
  Scope inner;
  inner.opsets = opsets.empty() ? scope.opsets : &opsets;
  inner.region = scope.region;
  inner.depth = scope.depth + 1;
  for (int i = 0; i < function.input_size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (at < inputs.size() && inputs[at] != kNone) inner.names[function.input(i)] = inputs[at];
  }
  google::protobuf::RepeatedPtrField<NodeProto>* nodes = nullptr;
  constexpr std::size_t kMaxCopied = std::size_t{1} << 28;
  NodeProto& holder = graph_.owned.emplace_back();
  nodes = holder.add_attribute()->mutable_g()->mutable_node();
  copied_ += function.ByteSizeLong() + 1;
  visited_ += static_cast<std::size_t>(function.node_size());
  if (copied_ > kMaxCopied || exhausted()) {
    if (!stopped_)
      error("the model's functions are too large once unfolded", "export without functions");
    stopped_ = true;
    return bind_bad(node, scope);
  }
  *nodes = function.node();
  for (NodeProto& inner_node : *nodes) {
    if (refers(inner_node, 0)) substitute(inner_node, node, 0);
    // An optional input that the call leaves out is an empty name inside.
    for (std::string& name : *inner_node.mutable_input()) {
      const auto& formal = function.input();
      const bool left_out = std::find(formal.begin(), formal.end(), name) != formal.end() &&
                            inner.names.count(name) == 0;
      if (left_out) name.clear();
    }
  }
  if (!visit_nodes(*nodes, inner)) return bind_bad(node, scope);
  for (int i = 0; i < node.output_size() && i < function.output_size(); ++i) {
    const ValueId id = inner.find(function.output(i));
    bind(node, i, scope, id == kNone ? bad_ : id);
  }
}

Result<Imported<FlatGraph>> Flattener::run() {
  graph_.name = model_.graph().name();
  Value bad;
  bad.name = "?";
  bad_ = add_value(std::move(bad));
  Opsets opsets = opsets_of(model_.opset_import());
  if (opsets.empty()) opsets[""] = 1;
  const auto newest = opsets.find("");
  if (newest != opsets.end() && newest->second > kNewestOpset) {
    warn("opset " + std::to_string(newest->second) + " is newer than what is known (" +
             std::to_string(kNewestOpset) + "): operators are read as of the newest known",
         "export with opset " + std::to_string(kNewestOpset) + " if a figure looks wrong");
  }
  Scope scope;
  scope.opsets = &opsets;
  add_initializers(model_.graph(), scope);
  add_inputs(model_.graph(), scope);
  Diagnostics early = dimensions_.mistakes(file_);
  const bool sized = std::none_of(early.begin(), early.end(), [](const Diagnostic& item) {
    return item.place.file != "command line";
  });
  if (sized && errors_.empty()) {
    scope.names.reserve(static_cast<std::size_t>(model_.graph().node_size()));
    for (const auto& info : model_.graph().value_info())
      scope.declared[info.name()] = &info.type();
    for (const auto& info : model_.graph().output())
      scope.declared[info.name()] = &info.type();
    visit_nodes(model_.graph().node(), scope);
    for (const auto& output : model_.graph().output()) {
      const ValueId id = scope.find(output.name());
      if (id == kNone)
        error("the output '" + output.name() + "' is written by nothing", "export the model again");
      if (id == bad_) report_deferred(output.name());
      if (id != kNone && id != bad_) graph_.outputs.push_back(id);
    }
  }
  Diagnostics mistakes = dimensions_.mistakes(file_);
  mistakes.insert(mistakes.end(), errors_.begin(), errors_.end());
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return Imported<FlatGraph>{std::move(graph_), std::move(warnings_)};
}

}  // namespace

Result<Imported<FlatGraph>> flatten(const ModelProto& model, std::string_view file,
                                    const OnnxOptions& options) {
  return Flattener(model, file, options).run();
}

}  // namespace fastpath::onnx_import
