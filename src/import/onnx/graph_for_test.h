/// Small ONNX models for tests, built node by node.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "import/onnx/proto.h"

namespace fastpath::onnx_import {

/// A size, or the name of a dynamic dimension.
struct TestDim {
  TestDim(int size) : value(size) {}             // NOLINT(google-explicit-constructor)
  TestDim(const char* symbol) : name(symbol) {}  // NOLINT(google-explicit-constructor)
  std::int64_t value = -1;
  std::string name;
};

using TestShape = std::vector<TestDim>;

class TestGraph {
 public:
  explicit TestGraph(::onnx::GraphProto& graph) : graph_(graph) {}

  void input(const std::string& name, const TestShape& shape,
             int type = ::onnx::TensorProto::FLOAT) {
    declare(*graph_.add_input(), name, shape, type);
  }
  void output(const std::string& name) { graph_.add_output()->set_name(name); }
  void output(const std::string& name, const TestShape& shape,
              int type = ::onnx::TensorProto::FLOAT) {
    declare(*graph_.add_output(), name, shape, type);
  }
  void state(const std::string& name, const TestShape& shape) {
    declare(*graph_.add_value_info(), name, shape, ::onnx::TensorProto::FLOAT);
  }

  /// A stored tensor without contents (as with external data): shapes are enough.
  void weight(const std::string& name, std::initializer_list<std::int64_t> shape,
              int type = ::onnx::TensorProto::FLOAT) {
    auto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::int64_t size : shape)
      tensor.add_dims(size);
    tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  }
  void integers(const std::string& name, std::initializer_list<std::int64_t> values) {
    auto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(::onnx::TensorProto::INT64);
    tensor.add_dims(static_cast<std::int64_t>(values.size()));
    for (const std::int64_t value : values)
      tensor.add_int64_data(value);
  }
  void scalar(const std::string& name, int type, std::int64_t value) {
    auto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    if (type == ::onnx::TensorProto::INT64)
      tensor.add_int64_data(value);
    else
      tensor.add_int32_data(static_cast<std::int32_t>(value));
  }

  ::onnx::NodeProto& node(const std::string& op, std::initializer_list<const char*> inputs,
                          std::initializer_list<const char*> outputs) {
    auto& node = *graph_.add_node();
    node.set_op_type(op);
    node.set_name(*outputs.begin());
    for (const char* name : inputs)
      node.add_input(name);
    for (const char* name : outputs)
      node.add_output(name);
    return node;
  }

 private:
  static void declare(::onnx::ValueInfoProto& info, const std::string& name, const TestShape& shape,
                      int type) {
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape();
    for (const TestDim& dim : shape) {
      auto& axis = *tensor.mutable_shape()->add_dim();
      if (dim.name.empty())
        axis.set_dim_value(dim.value);
      else
        axis.set_dim_param(dim.name);
    }
  }

  ::onnx::GraphProto& graph_;
};

inline void set_int(::onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(::onnx::AttributeProto::INT);
  attribute.set_i(value);
}

inline void set_ints(::onnx::NodeProto& node, const std::string& name,
                     std::initializer_list<std::int64_t> values) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(::onnx::AttributeProto::INTS);
  for (const std::int64_t value : values)
    attribute.add_ints(value);
}

inline void set_text(::onnx::NodeProto& node, const std::string& name, const std::string& value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(::onnx::AttributeProto::STRING);
  attribute.set_s(value);
}

inline ::onnx::GraphProto& add_body(::onnx::NodeProto& node, const std::string& name) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(::onnx::AttributeProto::GRAPH);
  return *attribute.mutable_g();
}

struct TestModel {
  explicit TestModel(int opset = 17) : graph(*model.mutable_graph()) {
    model.set_ir_version(8);
    model.add_opset_import()->set_version(opset);
  }
  TestModel(const TestModel&) = delete;
  TestModel& operator=(const TestModel&) = delete;

  void use_domain(const std::string& domain, int version) {
    auto& entry = *model.add_opset_import();
    entry.set_domain(domain);
    entry.set_version(version);
  }
  std::string bytes() const { return model.SerializeAsString(); }

  ::onnx::ModelProto model;
  TestGraph graph;
};

}  // namespace fastpath::onnx_import
