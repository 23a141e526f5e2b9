#include "import/onnx/probes.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "base/text.h"
#include "import/onnx/proto.h"
#include "import/onnx/runnable.h"

namespace fastpath {
namespace {

using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using Sizes = std::vector<std::int64_t>;

constexpr double kElement = 4;     // bytes of fp32
constexpr double kMostWork = 8e8;  // multiplications of a probe: some milliseconds
constexpr double kLeastWork = 2e5;
constexpr double kMostWeights = 1.5e6;      // numbers
constexpr double kMostActivations = 4.2e6;  // numbers
constexpr std::int64_t kMostNormed = 56;    // height: norms take some nanoseconds a number

bool is_convolution(RuntimeKernel kernel) {
  return kernel == RuntimeKernel::pointwise || kernel == RuntimeKernel::window ||
         kernel == RuntimeKernel::first || kernel == RuntimeKernel::depthwise ||
         kernel == RuntimeKernel::im2col;
}

/// Along one axis of `height` places.
bool is_line(const RuntimeProbe& probe) { return probe.kernel == RuntimeKernel::im2col; }

/// A convolution's or matmul's m, n and k.
RuntimePoint point_of(const RuntimeProbe& probe) {
  const auto rows = (probe.height + probe.stride - 1) / probe.stride;
  const auto places = static_cast<double>(rows);
  const auto taps =
      static_cast<double>(is_line(probe) ? probe.window : probe.window * probe.window);
  RuntimePoint point{probe.kernel, 1, 1, 1, {}};
  if (is_convolution(probe.kernel)) {
    const bool depthwise = probe.kernel == RuntimeKernel::depthwise;
    point.m = is_line(probe) ? places : places * places;
    point.n = static_cast<double>(probe.outputs);
    point.k = depthwise ? taps : taps * static_cast<double>(probe.channels);
  } else if (probe.kernel == RuntimeKernel::matmul) {
    point.m = static_cast<double>(probe.height);
    point.n = static_cast<double>(probe.outputs);
    point.k = static_cast<double>(probe.channels);
  }
  return point;
}

bool fits(const RuntimeProbe& probe) {
  const RuntimePoint point = point_of(probe);
  const double work = point.m * point.n * point.k;
  const auto area = static_cast<double>(probe.height * probe.height);
  const double activations =
      std::max(area * static_cast<double>(probe.channels), point.m * point.n);
  const bool small = activations <= kMostActivations && work <= kMostWork && work >= kLeastWork;
  return small && point.n * point.k <= kMostWeights;
}

void add_convolutions(std::vector<RuntimeProbe>& probes) {
  using K = RuntimeKernel;
  const auto add = [&](RuntimeProbe probe) {
    if (fits(probe)) probes.push_back(std::move(probe));
  };
  for (const std::int64_t height : {7, 14, 28, 56, 112, 160, 224}) {
    for (const std::int64_t in : {16, 64, 256, 1024}) {
      for (const std::int64_t out : {16, 64, 256, 1024})
        add({K::pointwise, "Conv", height, in, out, 1, 1});
    }
    for (const std::int64_t in : {16, 96, 256}) {
      for (const std::int64_t out : {32, 128, 512})
        add({K::window, "Conv", height, in, out, 3, 1});
    }
    add({K::window, "Conv", height, 64, 64, 5, 1});
    add({K::window, "Conv", height, 128, 128, 3, 2});
    for (const std::int64_t channels : {16, 64, 256, 1024}) {
      for (const std::int64_t window : {1, 3, 5})
        add({K::depthwise, "Conv", height, channels, channels, window, 1});
    }
  }
  for (const std::int64_t height : {96, 224, 448}) {
    add({K::first, "Conv", height, 3, 16, 3, 2});
    add({K::first, "Conv", height, 3, 64, 3, 2});
    add({K::first, "Conv", height, 3, 64, 7, 2});
  }
}

/// Of one place, behind global pools.
void add_pooled(std::vector<RuntimeProbe>& probes) {
  for (const std::int64_t in : {64, 512}) {
    for (const std::int64_t out : {64, 512})
      probes.push_back({RuntimeKernel::pointwise, "Conv", 1, in, out, 1, 1});
  }
}

/// As audio has them, down to a few places, and images whose channels fill no blocks.
void add_lines(std::vector<RuntimeProbe>& probes) {
  for (const std::int64_t length : {1, 3, 12, 50, 200, 1600, 12800}) {
    for (const std::int64_t channels : {32, 128}) {
      for (const std::int64_t window : {1, 3})
        probes.push_back({RuntimeKernel::im2col, "Conv", length, channels, 128, window, 1});
    }
  }
}

void add_matmuls(std::vector<RuntimeProbe>& probes) {
  for (const std::int64_t rows : {1, 10, 40, 160, 640, 5120, 25600}) {
    for (const std::int64_t in : {32, 128, 512, 2048}) {
      for (const std::int64_t out : {32, 128, 512, 2048}) {
        const double work = static_cast<double>(rows * in * out);
        const bool tall = rows > 640;  // as products by position of an image
        if (tall && (in > 128 || out > 128)) continue;
        if (work > kMostWork || static_cast<double>(in * out) > kMostWeights) continue;
        probes.push_back({RuntimeKernel::matmul, "MatMul", rows, in, out, 1, 1});
      }
    }
  }
}

void add_maps(std::vector<RuntimeProbe>& probes) {
  using K = RuntimeKernel;
  for (const std::int64_t height : {2, 4, 7, 14, 28, 56, 112, 224}) {
    for (const char* op : {"Add", "MulScalar", "Clip"})
      probes.push_back({K::map, op, height, 48, 48, 1, 1});
    probes.push_back({K::division, "DivScalar", height, 48, 48, 1, 1});
    probes.push_back({K::function, "Sigmoid", height, 48, 48, 1, 1});
    probes.push_back({K::copy, "Concat", height, 48, 48, 1, 1});
    probes.push_back({K::reorder, "Transpose", height, 48, 48, 1, 1});
    probes.push_back({K::softmax, "Softmax", height, 48, 48, 1, 1});
    probes.push_back({K::reduce, "ReduceMean", height, 48, 48, 1, 1});
    if (height <= kMostNormed) {
      probes.push_back({K::norm, "LayerNormalization", height, 128, 128, 1, 1});
    }
    probes.push_back({K::pool, "MaxPool", height, 48, 48, 3, 2});
    probes.push_back({K::pool, "GlobalAveragePool", height, 48, 48, 1, 1});
  }
}

/// Windows as large as their strides, as decoders and detectors enlarge images, and twice as large.
void add_transposed(std::vector<RuntimeProbe>& probes) {
  for (const std::int64_t height : {4, 8, 16, 32, 64, 128}) {
    for (const std::int64_t channels : {16, 64}) {
      for (const std::int64_t outputs : {1, 32})
        probes.push_back(
            {RuntimeKernel::scatter, "ConvTranspose", height, channels, outputs, 2, 2});
      probes.push_back({RuntimeKernel::scatter, "ConvTranspose", height, channels, 32, 4, 2});
    }
  }
}

/// Builds the model's graph, a branch for each probe.
class ProbeGraph {
 public:
  explicit ProbeGraph(GraphProto& graph) : graph_(graph) {}

  void add(const RuntimeProbe& probe, std::size_t index) {
    const std::string name = name_of_probe(index);
    const Sizes shape = input_of(probe);
    declare(*graph_.add_input(), name + ".x", shape);
    std::string input = name + ".made";
    node("Abs", name + ".abs", {name + ".x"}, input);  // nothing fuses with it
    set_windows(operator_of(probe, name, input), probe);
    keep_a_number(name, name, shape.size());
  }

  /// Without `run`, what is behind the operator reads what is in front of it.
  void add_branch(const RuntimeProbe& probe, std::size_t index, bool run) {
    const std::string name = name_of_probe(index);
    const Sizes shape = input_of(probe);
    declare(*graph_.add_input(), name + ".x", shape);
    const std::string input = name + ".made";
    node("Abs", name + ".abs", {name + ".x"}, input);  // nothing fuses with it
    if (run) set_windows(operator_of(probe, name, input), probe);
    keep_a_number(name, run ? name : input, shape.size());
  }

  /// Convolutions one behind the other, every second one back to the channels of the first.
  void add_convolutions(const RuntimeProbe& probe, int length) {
    declare(*graph_.add_input(), "x", input_of(probe));
    RuntimeProbe back = probe;
    std::swap(back.channels, back.outputs);
    std::string last = "x";
    for (int i = 0; i < length; ++i) {
      const RuntimeProbe& one = i % 2 == 0 ? probe : back;
      const std::string name = name_of_probe(static_cast<std::size_t>(i));
      set_windows(operator_of(one, name, last), one);
      last = name;
    }
    keep_a_number("last", last, input_of(probe).size());
  }

  void add_chain(int length, std::int64_t numbers) {
    declare(*graph_.add_input(), "x", {numbers});
    std::string last = "x";
    for (int i = 0; i < length; ++i) {
      const std::string next = "y" + std::to_string(i);
      node(i % 2 == 0 ? "Abs" : "Neg", next, {last}, next);
      last = next;
    }
    graph_.add_output()->set_name(last);
  }

  /// So many times `operators` one behind the other, each time in the branch of an `If` where
  /// `choose`.
  void add_branches(int length, int operators, bool choose) {
    const Sizes shape{16};
    declare(*graph_.add_input(), "x", shape);
    ::onnx::ValueInfoProto& condition = *graph_.add_input();
    declare(condition, "condition", {1});
    condition.mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::BOOL);
    std::string last = "x";
    for (int i = 0; i < length; ++i) {
      const std::string next = "y" + std::to_string(i);
      if (choose) {
        NodeProto& branch = node("If", next, {"condition"}, next);
        add_body(branch, "then_branch", operators, last);
        add_body(branch, "else_branch", operators, last);
        last = next;
      } else {
        last = add_sums(next, operators, last);
      }
    }
    keep_a_number("last", last, 1);
    // Else the runtime may drop the input that nothing reads.
    node("Not", "read", {"condition"}, "read");
    graph_.add_output()->set_name("read");
  }

  static std::string name_of_probe(std::size_t index) { return "probe" + std::to_string(index); }

 private:
  static Sizes input_of(const RuntimeProbe& probe) {
    if (probe.kernel == RuntimeKernel::matmul) return {probe.height, probe.channels};
    if (is_line(probe)) return {1, probe.channels, probe.height};
    if (probe.op == "LayerNormalization") return {1, probe.height * probe.height, probe.channels};
    return {1, probe.channels, probe.height, probe.height};
  }

  /// One number of a result leaves the graph: the result's memory is free again, as in a network,
  /// and later results find it in the cache.
  void keep_a_number(const std::string& name, const std::string& of, std::size_t axes) {
    const Sizes zeros(axes, 0);
    const Sizes ones(axes, 1);
    node("Slice", name + ".slice",
         {of, integers(name + ".from", zeros), integers(name + ".to", ones)}, name + ".out");
    graph_.add_output()->set_name(name + ".out");
  }

  static void add_body(NodeProto& branch, const std::string& name, int operators,
                       const std::string& input) {
    auto& attribute = *branch.add_attribute();
    attribute.set_name(name);
    attribute.set_type(::onnx::AttributeProto::GRAPH);
    GraphProto& body = *attribute.mutable_g();
    body.set_name(branch.name() + "." + name);
    ProbeGraph inside(body);
    declare(*body.add_output(), inside.add_sums(body.name(), operators, input), {16});
  }

  /// Sums with constants, which stand in the graph as exporters write them.
  std::string add_sums(const std::string& name, int count, std::string last) {
    for (int i = 0; i < count; ++i) {
      const std::string next = name + ".y" + std::to_string(i);
      const std::string addend = next + ".c";
      auto& attribute = *node("Constant", addend, {}, addend).add_attribute();
      attribute.set_name("value");
      attribute.set_type(::onnx::AttributeProto::TENSOR);
      attribute.mutable_t()->set_data_type(TensorProto::FLOAT);
      attribute.mutable_t()->add_float_data(0.5F);
      node("Add", next, {last, addend}, next);
      last = next;
    }
    return last;
  }

  std::string integers(const std::string& name, const Sizes& values) {
    TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(TensorProto::INT64);
    tensor.add_dims(static_cast<std::int64_t>(values.size()));
    for (const std::int64_t value : values)
      tensor.add_int64_data(value);
    return name;
  }

  static void declare(::onnx::ValueInfoProto& info, const std::string& name, const Sizes& shape) {
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(TensorProto::FLOAT);
    for (const std::int64_t size : shape)
      tensor.mutable_shape()->add_dim()->set_dim_value(size);
  }

  NodeProto& node(const std::string& op, const std::string& name,
                  const std::vector<std::string>& in, const std::string& out) {
    NodeProto& made = *graph_.add_node();
    made.set_op_type(op);
    made.set_name(name);
    for (const std::string& one : in)
      made.add_input(one);
    made.add_output(out);
    return made;
  }

  /// Filled with random numbers later, as weights that a file leaves out are.
  std::string weight(const std::string& name, const Sizes& shape) {
    TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(TensorProto::FLOAT);
    for (const std::int64_t size : shape)
      tensor.add_dims(size);
    tensor.set_data_location(TensorProto::EXTERNAL);
    return name;
  }

  std::string scalar(const std::string& name, float value) {
    TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(TensorProto::FLOAT);
    tensor.add_float_data(value);
    return name;
  }

  NodeProto& operator_of(const RuntimeProbe& probe, const std::string& name, const std::string& x) {
    const std::string& y = name;  // the runtime calls what it rewrites by the output
    if (is_convolution(probe.kernel)) {
      const std::int64_t in = probe.kernel == RuntimeKernel::depthwise ? 1 : probe.channels;
      Sizes shape{probe.outputs, in, probe.window};
      if (!is_line(probe)) shape.push_back(probe.window);
      NodeProto& made = node(
          "Conv", name, {x, weight(name + ".w", shape), weight(name + ".b", {probe.outputs})}, y);
      set_int(made, "group", probe.channels / in);
      return made;
    }
    if (probe.op == "ConvTranspose") {
      const Sizes shape{probe.channels, probe.outputs, probe.window, probe.window};
      return node("ConvTranspose", name, {x, weight(name + ".w", shape)}, y);
    }
    if (probe.op == "LayerNormalization") {
      const Sizes shape{probe.channels};
      return node(probe.op, name, {x, weight(name + ".s", shape), weight(name + ".b", shape)}, y);
    }
    if (probe.op == "MatMul") {
      return node("MatMul", name, {x, weight(name + ".w", {probe.channels, probe.outputs})}, y);
    }
    if (probe.op == "Add") return node("Add", name, {x, name + ".x"}, y);
    if (probe.op == "MulScalar") return node("Mul", name, {x, scalar(name + ".s", 1.5F)}, y);
    if (probe.op == "DivScalar") return node("Div", name, {x, scalar(name + ".s", 1.5F)}, y);
    if (probe.op == "Clip") {
      return node("Clip", name, {x, scalar(name + ".l", 0.1F), scalar(name + ".h", 0.9F)}, y);
    }
    if (probe.op == "Concat") {
      NodeProto& made = node("Concat", name, {x, x}, y);
      set_int(made, "axis", 1);
      return made;
    }
    NodeProto& made = node(probe.op, name, {x}, y);
    if (probe.op == "Transpose") set_ints(made, "perm", {0, 2, 3, 1});
    if (probe.op == "ReduceMean") set_ints(made, "axes", {3});
    return made;
  }

  static void set_int(NodeProto& node, const std::string& name, std::int64_t value) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(value);
  }

  static void set_ints(NodeProto& node, const std::string& name, const Sizes& values) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(::onnx::AttributeProto::INTS);
    for (const std::int64_t value : values)
      attribute.add_ints(value);
  }

  static void set_windows(NodeProto& node, const RuntimeProbe& probe) {
    const bool transposed = probe.op == "ConvTranspose";
    if (!is_convolution(probe.kernel) && probe.op != "MaxPool" && !transposed) return;
    // Transposed: `stride` times as many places.
    const std::int64_t pad = transposed ? (probe.window - probe.stride) / 2 : probe.window / 2;
    const std::size_t axes = is_line(probe) ? 1 : 2;
    set_ints(node, "kernel_shape", Sizes(axes, probe.window));
    set_ints(node, "strides", Sizes(axes, probe.stride));
    set_ints(node, "pads", Sizes(2 * axes, pad));
  }

  GraphProto& graph_;
};

/// The shortest of long times, which a busy machine disturbs least; of short ones the mean of the
/// shorter half: the profiler cuts to whole microseconds, which a mean undoes.
double undisturbed(std::vector<double> values) {
  constexpr double kLong = 20e-6;
  std::sort(values.begin(), values.end());
  if (values.front() >= kLong) return values.front();
  const std::size_t half = (values.size() + 1) / 2;
  return std::accumulate(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half), 0.0) /
         static_cast<double>(half);
}

/// Product of the sizes of "1x64x56x56, 64x3x3x3 -> ..."'s first shape, and of its last.
double elements_in(std::string_view shape) {
  double product = 1;
  for (const std::string_view part : split(shape, 'x')) {
    if (const auto size = parse_number(part)) product *= *size;
  }
  return product;
}

}  // namespace

double bytes_of(std::string_view shapes) {
  double elements = 0;
  const std::size_t arrow = shapes.find(" -> ");
  if (arrow == std::string_view::npos) return 0;
  for (std::string_view side : {shapes.substr(0, arrow), shapes.substr(arrow + 4)}) {
    while (!side.empty()) {
      const std::size_t comma = side.find(", ");
      elements += elements_in(side.substr(0, comma));
      side = comma == std::string_view::npos ? std::string_view{} : side.substr(comma + 2);
    }
  }
  return kElement * elements;
}

namespace {

/// Of the products of a transposed convolution, read, and its result, written.
double scattered_bytes(const RuntimeProbe& probe) {
  const RuntimePoint product = product_of(probe);
  const auto places = static_cast<double>(probe.height * probe.stride);
  return kElement * (product.m * product.n + places * places * static_cast<double>(probe.outputs));
}

/// The probe that a node's name stands for: "probe12", "probe12_nchwc".
std::optional<std::size_t> probe_of(std::string_view name, std::size_t count) {
  constexpr std::string_view kName = "probe";
  if (!name.starts_with(kName)) return std::nullopt;
  name.remove_prefix(kName.size());
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  const std::string_view rest = name.substr(digits);
  const auto index = parse_integer(name.substr(0, digits));
  if (!index || (!rest.empty() && rest != "_nchwc")) return std::nullopt;
  if (*index < 0 || static_cast<std::size_t>(*index) >= count) return std::nullopt;
  return static_cast<std::size_t>(*index);
}

/// How often an operator is repeated: an even number; fewer where its weights would fill the
/// caches.
int repeats_of(const RuntimeProbe& probe) {
  constexpr double kMostRepeats = 16;
  constexpr double kMostNumbers = 1e6;
  const RuntimePoint point = point_of(probe);
  const double weights = point.n * point.k;
  return 2 * static_cast<int>(std::clamp(kMostNumbers / weights, 4.0, kMostRepeats) / 2);
}

using Build = std::function<void(ProbeGraph&)>;

RunnableModel model_of(const std::string& name, std::uint64_t seed, const Build& build) {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  ProbeGraph graph(*model.mutable_graph());
  build(graph);
  RunnableOptions options;
  options.seed = seed;
  auto made = make_runnable(model.SerializeAsString(), name, options);
  return made ? std::move(*made) : RunnableModel{};
}

}  // namespace

RuntimePoint product_of(const RuntimeProbe& probe) {
  const auto places = static_cast<double>(probe.height * probe.height);
  const auto taps = static_cast<double>(probe.window * probe.window);
  return {RuntimeKernel::matmul, places, taps * static_cast<double>(probe.outputs),
          static_cast<double>(probe.channels), Seconds{}};
}

std::optional<MarginalModels> marginal_models(const RuntimeProbe& probe, std::uint64_t seed) {
  using K = RuntimeKernel;
  const bool convolution = is_convolution(probe.kernel);
  if (probe.kernel == K::first || probe.kernel == K::scatter) return std::nullopt;
  if (convolution && probe.stride != 1) return std::nullopt;
  const int times = repeats_of(probe);
  MarginalModels models;
  models.times = times;
  const auto chain = [&](int length) {
    return model_of("chain", seed,
                    [&](ProbeGraph& graph) { graph.add_convolutions(probe, length); });
  };
  const auto branches = [&](bool run) {
    return model_of("branches", seed, [&](ProbeGraph& graph) {
      for (int i = 0; i < times; ++i)
        graph.add_branch(probe, static_cast<std::size_t>(i), run);
    });
  };
  models.with = convolution ? chain(times + 2) : branches(true);
  models.without = convolution ? chain(2) : branches(false);
  return models;
}

MarginalModels branch_models(int operators, std::uint64_t seed) {
  constexpr int kOperators = 256;
  constexpr int kMostTimes = 64;
  const int times = std::clamp(kOperators / operators, 1, kMostTimes);
  const auto branches = [&](bool choose) {
    return model_of("branches", seed,
                    [&](ProbeGraph& graph) { graph.add_branches(times, operators, choose); });
  };
  return {branches(true), branches(false), static_cast<double>(times)};
}

std::vector<RuntimeProbe> runtime_probes() {
  std::vector<RuntimeProbe> probes;
  add_convolutions(probes);
  add_pooled(probes);
  add_lines(probes);
  add_matmuls(probes);
  add_maps(probes);
  add_transposed(probes);
  return probes;
}

bool is_small(const RuntimeProbe& probe) {
  constexpr double kSmallWork = 5e6;
  constexpr double kSmallTensor = 2e5;  // numbers
  const RuntimePoint point = point_of(probe);
  const std::int64_t places = is_line(probe) ? probe.height : probe.height * probe.height;
  const auto tensor = static_cast<double>(probe.channels * places);
  return point.m * point.n * point.k < kSmallWork &&
         (point.kernel == RuntimeKernel::matmul || tensor < kSmallTensor);
}

RunnableModel probe_model(const std::vector<RuntimeProbe>& probes, std::uint64_t seed) {
  return model_of("probes", seed, [&](ProbeGraph& graph) {
    for (std::size_t i = 0; i < probes.size(); ++i)
      graph.add(probes[i], i);
  });
}

RunnableModel chain_model(int length, std::int64_t numbers) {
  return model_of("chain", 0, [&](ProbeGraph& graph) { graph.add_chain(length, numbers); });
}

std::vector<ProbePoint> probe_points(const std::vector<RuntimeProbe>& probes,
                                     const std::vector<RuntimeEvent>& events,
                                     std::size_t warm_ups) {
  std::map<std::size_t, std::vector<double>> times;
  std::map<std::size_t, double> bytes;
  std::map<std::pair<double, std::string>, std::vector<double>> reorders;
  for (const RuntimeEvent& event : events) {
    if (event.run < warm_ups) continue;
    const double time = event.duration.base();
    if (event.op_type == "ReorderInput" || event.op_type == "ReorderOutput") {
      reorders[{bytes_of(event.shapes), event.op_type}].push_back(time);
    } else if (const auto probe = probe_of(event.name, probes.size())) {
      times[*probe].push_back(time);
      bytes[*probe] = bytes_of(event.shapes);
    }
  }
  std::vector<ProbePoint> points;
  for (auto& [probe, values] : times) {
    RuntimePoint point = point_of(probes[probe]);
    const bool product = is_convolution(point.kernel) || point.kernel == RuntimeKernel::matmul;
    if (!product) point.m = bytes[probe];
    if (point.kernel == RuntimeKernel::scatter) point.m = scattered_bytes(probes[probe]);
    point.time = Seconds{undisturbed(values)};
    points.push_back({point, probe});
  }
  // A tensor that leaves the blocked layout mostly came into it: the mean of both ways.
  std::map<double, std::vector<double>> both;
  for (const auto& [key, values] : reorders)
    both[key.first].push_back(undisturbed(values));
  for (const auto& [size, values] : both) {
    if (size <= 0) continue;
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    const Seconds mean{sum / static_cast<double>(values.size())};
    points.push_back({{RuntimeKernel::reorder, size, 1, 1, mean}, std::nullopt});
  }
  return points;
}

}  // namespace fastpath
