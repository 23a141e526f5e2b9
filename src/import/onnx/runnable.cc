#include "import/onnx/runnable.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <random>
#include <unordered_map>
#include <unordered_set>

#include <google/protobuf/stubs/logging.h>

#include "base/text.h"
#include "import/onnx/dimensions.h"
#include "import/onnx/load.h"

namespace fastpath {
namespace {

using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using onnx_import::Shape;

std::size_t width_of(int type) {
  switch (type) {
    case TensorProto::FLOAT:
    case TensorProto::INT32:
    case TensorProto::UINT32: return 4;
    case TensorProto::DOUBLE:
    case TensorProto::INT64:
    case TensorProto::UINT64: return 8;
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::INT16:
    case TensorProto::UINT16: return 2;
    case TensorProto::INT8:
    case TensorProto::UINT8:
    case TensorProto::BOOL: return 1;
    default: return 0;
  }
}

/// The upper half of a float, by truncation.
std::uint16_t brain_bits(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<std::uint16_t>(bits >> 16U);
}

/// Normal numbers of half precision, by truncation; smaller ones are zero.
std::uint16_t half_bits(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = bits >> 16U & 0x8000U;
  const auto exponent = static_cast<int>(bits >> 23U & 0xffU) - 127 + 15;
  if (exponent <= 0) return static_cast<std::uint16_t>(sign);
  if (exponent >= 31) return static_cast<std::uint16_t>(sign | 0x7bffU);
  return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(exponent) << 10U |
                                    (bits >> 13U & 0x3ffU));
}

template <class T>
void put(std::string& bytes, std::size_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof value, &value, sizeof value);
}

void put_number(std::string& bytes, std::size_t index, int type, double value) {
  const auto whole = static_cast<std::int64_t>(value);
  switch (type) {
    case TensorProto::FLOAT: return put(bytes, index, static_cast<float>(value));
    case TensorProto::DOUBLE: return put(bytes, index, value);
    case TensorProto::FLOAT16: return put(bytes, index, half_bits(static_cast<float>(value)));
    case TensorProto::BFLOAT16: return put(bytes, index, brain_bits(static_cast<float>(value)));
    default: break;
  }
  switch (width_of(type)) {
    case 1: return put(bytes, index, static_cast<std::int8_t>(whole));
    case 2: return put(bytes, index, static_cast<std::int16_t>(whole));
    case 4: return put(bytes, index, static_cast<std::int32_t>(whole));
    default: return put(bytes, index, whole);
  }
}

/// Uniform between two bounds; of integer types 0 or 1. splitmix64 (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014): the same on every platform.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : state_(seed) {}

  std::string fill(int type, std::size_t count, double low, double high) {
    std::string bytes(count * width_of(type), '\0');
    for (std::size_t i = 0; i < count; ++i) {
      const double share = next();
      const double value =
          onnx_import::is_floating(type) ? low + share * (high - low) : std::floor(2 * share);
      put_number(bytes, i, type, value);
    }
    return bytes;
  }

 private:
  double next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27U) * 0x94d049bb133111ebU;
    return static_cast<double>((z ^ z >> 31U) >> 11U) * 0x1p-53;
  }

  std::uint64_t state_;
};

class Runnable {
 public:
  Runnable(::onnx::ModelProto model, std::string_view file, const RunnableOptions& options)
      : model_(std::move(model)),
        file_(file),
        options_(options),
        dimensions_({.dims = options.dims, .phase = Phase::forward}),
        filler_(options.seed) {}

  Result<RunnableModel> run() {
    GraphProto& graph = *model_.mutable_graph();
    name_nodes(graph);
    fill_external(graph);
    replace_constants(graph);
    fill_inputs(graph);
    check_values();
    for (const auto& output : graph.output())
      result_.outputs.push_back(output.name());
    Diagnostics mistakes = dimensions_.mistakes(file_);
    mistakes.insert(mistakes.end(), mistakes_.begin(), mistakes_.end());
    if (!mistakes.empty()) return failure(std::move(mistakes));
    if (!model_.SerializeToString(&result_.model)) {
      return failure({file_, 0, 0}, "with its weights the model is larger than 2 GB",
                     "the runtime reads larger models from external data only");
    }
    return std::move(result_);
  }

 private:
  static void name_nodes(GraphProto& graph) {
    for (NodeProto& node : *graph.mutable_node()) {
      if (node.name().empty() && node.output_size() > 0) node.set_name(node.output(0));
    }
  }

  void fill_weight(TensorProto& tensor) {
    const Shape shape(tensor.dims().begin(), tensor.dims().end());
    const auto count = onnx_import::element_count(shape);
    if (!count || width_of(tensor.data_type()) == 0) return;
    double low = 0.5;
    double high = 1.5;
    if (shape.size() > 1) {
      const double fan_in = static_cast<double>(*count) / static_cast<double>(shape[0]);
      high = std::sqrt(3 / std::max(fan_in, 1.0));
      low = -high;
    }
    const auto elements = static_cast<std::size_t>(*count);
    tensor.set_raw_data(filler_.fill(tensor.data_type(), elements, low, high));
    ++result_.filled_weights;
  }

  void fill_external(GraphProto& graph) {
    for (TensorProto& tensor : *graph.mutable_initializer()) {
      if (tensor.data_location() != TensorProto::EXTERNAL) continue;
      tensor.clear_data_location();
      tensor.clear_external_data();
      fill_weight(tensor);
    }
  }

  /// Sizes that a ConstantOfShape asks for, where they stand in the file.
  std::optional<Shape> stored_shape(const GraphProto& graph, const std::string& name) const {
    for (const TensorProto& tensor : graph.initializer()) {
      if (tensor.name() != name || tensor.data_type() != TensorProto::INT64) continue;
      if (tensor.has_raw_data()) {
        Shape shape(tensor.raw_data().size() / sizeof(std::int64_t));
        std::memcpy(shape.data(), tensor.raw_data().data(), shape.size() * sizeof(std::int64_t));
        return shape;
      }
      return Shape(tensor.int64_data().begin(), tensor.int64_data().end());
    }
    return std::nullopt;
  }

  void replace_constants(GraphProto& graph) {
    google::protobuf::RepeatedPtrField<NodeProto> kept;
    for (NodeProto& node : *graph.mutable_node()) {
      if (!replace_constant(graph, node)) *kept.Add() = std::move(node);
    }
    *graph.mutable_node() = std::move(kept);
  }

  bool replace_constant(GraphProto& graph, const NodeProto& node) {
    if (node.op_type() != "ConstantOfShape" || node.input_size() != 1) return false;
    const std::optional<Shape> shape = stored_shape(graph, node.input(0));
    if (!shape || shape->empty()) return false;
    int type = TensorProto::FLOAT;
    for (const auto& attribute : node.attribute()) {
      if (attribute.name() == "value") type = attribute.t().data_type();
    }
    if (!onnx_import::is_floating(type)) return false;
    TensorProto tensor;
    tensor.set_name(node.output(0));
    tensor.set_data_type(type);
    for (const std::int64_t size : *shape)
      tensor.add_dims(size);
    fill_weight(tensor);
    *graph.add_initializer() = std::move(tensor);
    return true;
  }

  void fill_inputs(const GraphProto& graph) {
    std::unordered_set<std::string_view> stored;
    for (const TensorProto& tensor : graph.initializer())
      stored.insert(tensor.name());
    for (const auto& input : graph.input()) {
      if (stored.count(input.name()) == 0) fill_input(input);
    }
  }

  void fill_input(const ::onnx::ValueInfoProto& input) {
    const int type = input.type().tensor_type().elem_type();
    const Place place{file_, 0, 0};
    if (!input.type().has_tensor_type() || width_of(type) == 0) {
      mistakes_.push_back({place, "input '" + input.name() + "' is not a tensor of numbers",
                           "only tensors of numbers can be filled: run a part of the model"});
      return;
    }
    onnx_import::Value value;
    value.name = input.name();
    dimensions_.resolve(input.type(), value, true);
    const auto count = onnx_import::element_count(value.shape);
    if (!count) return;  // a size is missing: noted
    RunInput filled{input.name(), type, value.shape, {}};
    const auto elements = static_cast<std::size_t>(*count);
    filled.bytes = filler_.fill(type, elements, -1, 1);
    if (const double* given = value_of(input.name())) {
      for (std::size_t i = 0; i < elements; ++i)
        put_number(filled.bytes, i, type, *given);
    }
    result_.inputs.push_back(std::move(filled));
  }

  const double* value_of(const std::string& input) const {
    for (const auto& [name, value] : options_.values) {
      if (name == input) return &value;
    }
    return nullptr;
  }

  void check_values() {
    std::vector<std::string> names;
    for (const RunInput& input : result_.inputs)
      names.push_back(input.name);
    for (const auto& [name, value] : options_.values) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      mistakes_.push_back({{"command line", 0, 0},
                           "the model has no input '" + name + "'",
                           did_you_mean(name, names)});
    }
  }

  ::onnx::ModelProto model_;
  std::string file_;
  const RunnableOptions& options_;
  onnx_import::Dimensions dimensions_;
  Filler filler_;
  RunnableModel result_;
  Diagnostics mistakes_;
};

}  // namespace

Result<RunnableModel> make_runnable(std::string_view bytes, std::string_view file,
                                    const RunnableOptions& options) {
  const google::protobuf::LogSilencer silence;
  try {
    auto model = onnx_import::parse_model(bytes, file);
    if (!model) return failure(model.error());
    return Runnable(std::move(*model), file, options).run();
  } catch (const std::exception& error) {
    return failure({std::string(file), 0, 0},
                   std::string("the ONNX library could not read the model: ") + error.what(),
                   "check the model with onnx.checker");
  }
}

}  // namespace fastpath
