#include "ir/operator_shape.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "fastpath/number_format.h"

#include "base/text.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

using Sizes = std::vector<double>;
using Shapes = std::vector<Sizes>;

double product(const Sizes& sizes, std::size_t from = 0, std::size_t to = SIZE_MAX) {
  double all = 1;
  for (std::size_t i = from; i < std::min(to, sizes.size()); ++i)
    all *= sizes[i];
  return all;
}

/// Which inputs of a convolution hold what; the first two are the data and the filters.
struct ConvolutionInputs {
  std::string_view name;
  std::size_t padding = 0;
  std::size_t stride = 0;
  std::size_t dilation = 0;
  std::size_t transposed = 0;  ///< 0 = it has none
};

/// As native_functions.yaml of PyTorch declares them.
constexpr std::array<ConvolutionInputs, 10> kConvolutions{
    {{"conv1d", 4, 3, 5, 0},
     {"conv2d", 4, 3, 5, 0},
     {"conv3d", 4, 3, 5, 0},
     {"convolution", 4, 3, 5, 6},
     {"_convolution", 4, 3, 5, 6},
     {"cudnn_convolution", 2, 3, 4, 0},
     {"cudnn_convolution_relu", 4, 3, 5, 0},
     {"miopen_convolution", 3, 4, 5, 0},
     {"miopen_depthwise_convolution", 3, 4, 5, 0},
     {"mkldnn_convolution", 3, 4, 5, 0}}};

struct Maker {
  const Shapes& shapes;
  const Shapes& values;
  NumberFormat format;

  double bytes() const { return bytes_per_element(format).base(); }

  bool has(std::size_t input, std::size_t rank) const {
    return input < shapes.size() && shapes[input].size() == rank;
  }

  std::optional<OpShape> matmul(double batch, double m, double k, double n) const {
    if (!(batch > 0 && m > 0 && k > 0 && n > 0)) return std::nullopt;
    OpShape shape;
    shape.kind = OpKind::matmul;
    shape.compute_format = format;
    shape.m = m;
    shape.n = n;
    shape.k = k;
    shape.batch = batch;
    shape.work = Flops{2 * batch * m * n * k};
    shape.read = Bytes{bytes() * batch * (m * k + k * n)};
    shape.write = Bytes{bytes() * batch * m * n};
    return shape;
  }

  /// Inputs a[m k] and b[k n] from `first` on.
  std::optional<OpShape> product_of(std::size_t first) const {
    if (!has(first, 2) || !has(first + 1, 2)) return std::nullopt;
    const Sizes& a = shapes[first];
    const Sizes& b = shapes[first + 1];
    return a[1] == b[0] ? matmul(1, a[0], a[1], b[1]) : std::nullopt;
  }

  std::optional<OpShape> batched(std::size_t first) const {
    if (!has(first, 3) || !has(first + 1, 3)) return std::nullopt;
    const Sizes& a = shapes[first];
    const Sizes& b = shapes[first + 1];
    if (a[0] != b[0] || a[2] != b[1]) return std::nullopt;
    return matmul(a[0], a[1], a[2], b[2]);
  }

  /// x[... k] and w[n k].
  std::optional<OpShape> linear() const {
    if (shapes.size() < 2 || shapes[0].empty() || !has(1, 2)) return std::nullopt;
    const Sizes& x = shapes[0];
    if (x.back() != shapes[1][1]) return std::nullopt;
    return matmul(1, product(x, 0, x.size() - 1), x.back(), shapes[1][0]);
  }

  /// a[... m k] and b[k n], or b[... k n] of the same batch.
  std::optional<OpShape> any_product() const {
    if (shapes.size() < 2 || shapes[0].size() < 2 || shapes[1].size() < 2) return std::nullopt;
    const Sizes& a = shapes[0];
    const Sizes& b = shapes[1];
    const double k = a.back();
    if (k != b[b.size() - 2]) return std::nullopt;
    if (b.size() == 2) return matmul(1, product(a, 0, a.size() - 1), k, b.back());
    const double batch = product(b, 0, b.size() - 2);
    if (batch != product(a, 0, a.size() - 2)) return std::nullopt;
    return matmul(batch, a[a.size() - 2], k, b.back());
  }

  /// Value `axis` of the numbers in an input, which may be one for all axes.
  std::optional<double> value(std::size_t input, std::size_t axis) const {
    if (input >= values.size() || values[input].empty()) return std::nullopt;
    const Sizes& all = values[input];
    return all.size() == 1 ? all[0] : axis < all.size() ? std::optional(all[axis]) : std::nullopt;
  }

  /// Places of an output along one axis.
  std::optional<double> extent(const ConvolutionInputs& at, std::size_t axis) const {
    const auto padding = value(at.padding, axis);
    const auto stride = value(at.stride, axis);
    const auto dilation = value(at.dilation, axis);
    if (!padding || !stride || !dilation || !(*stride >= 1)) return std::nullopt;
    const double reach = *dilation * (shapes[1][2 + axis] - 1) + 1;
    return std::floor((shapes[0][2 + axis] + 2 * *padding - reach) / *stride) + 1;
  }

  /// x[batch channels ...] and w[filters channels/groups ...].
  std::optional<OpShape> convolution(const ConvolutionInputs& at) const {
    if (shapes.size() < 2 || shapes[0].size() < 3 || shapes[0].size() != shapes[1].size()) {
      return std::nullopt;
    }
    if (at.transposed > 0 && value(at.transposed, 0).value_or(0) != 0) return std::nullopt;
    const Sizes& x = shapes[0];
    const Sizes& w = shapes[1];
    OpShape shape;
    shape.kind = OpKind::convolution;
    shape.compute_format = format;
    shape.m = x[0];
    shape.winograd = x.size() == 4 && w[2] == 3 && w[3] == 3;
    for (std::size_t axis = 0; axis + 2 < x.size(); ++axis) {
      const auto places = extent(at, axis);
      if (!places) return std::nullopt;
      shape.m *= *places;
      shape.winograd = shape.winograd && value(at.stride, axis) == 1.0;
    }
    shape.n = w[0];
    shape.k = product(w, 1);
    if (!(shape.m > 0 && shape.n > 0 && shape.k > 0 && w[1] > 0)) return std::nullopt;
    shape.group = std::max(1.0, x[1] / w[1]);
    shape.work = Flops{2 * shape.m * shape.n * shape.k};
    shape.weights = Bytes{bytes() * product(w)};
    shape.read = Bytes{bytes() * product(x)} + shape.weights;
    shape.write = Bytes{bytes() * shape.m * shape.n};
    return shape;
  }

  /// q, k and v of rank 4; `heads_first`: [batch heads seq dim], else [batch seq heads dim].
  /// Input `causal` says whether keys behind the query are left out.
  std::optional<OpShape> attention(bool heads_first, std::size_t causal) const {
    if (!has(0, 4) || !has(1, 4)) return std::nullopt;
    const std::size_t heads = heads_first ? 1 : 2;
    const std::size_t seq = heads_first ? 2 : 1;
    const Sizes& q = shapes[0];
    const Sizes& k = shapes[1];
    OpShape shape;
    shape.kind = OpKind::attention;
    shape.compute_format = format;
    shape.m = q[seq];
    shape.n = mean_keys(q[seq], k[seq], value(causal, 0).value_or(0) != 0, 0);
    shape.k = q[3];
    shape.batch = q[0] * q[heads];
    if (!(product(q) > 0 && product(k) > 0)) return std::nullopt;
    shape.group = std::max(1.0, q[heads] / k[heads]);
    shape.work = Flops{4 * shape.batch * shape.m * shape.n * shape.k};
    shape.read = Bytes{bytes() * (product(q) + 2 * product(k))};
    shape.write = Bytes{bytes() * product(q)};
    return shape;
  }

  /// Reads its inputs once and writes as much as the largest.
  std::optional<OpShape> stream(OpKind kind, double work_per_element) const {
    double read = 0;
    const Sizes* largest = nullptr;
    for (const Sizes& sizes : shapes) {
      if (sizes.empty()) continue;
      read += product(sizes);
      if (largest == nullptr || product(sizes) > product(*largest)) largest = &sizes;
    }
    if (largest == nullptr || !(product(*largest) > 0)) return std::nullopt;
    OpShape shape;
    shape.kind = kind;
    shape.compute_format = format;
    shape.m = product(*largest, 0, largest->size() - 1);
    shape.work = Flops{work_per_element * product(*largest)};
    shape.read = Bytes{bytes() * read};
    shape.write = Bytes{bytes() * product(*largest)};
    return shape;
  }
};

/// Without "aten::", and without the underscore of an operator in place.
std::string_view plain_name(std::string_view name) {
  if (const std::size_t colons = name.rfind("::"); colons != std::string_view::npos) {
    name.remove_prefix(colons + 2);
  }
  while (name.ends_with('_'))
    name.remove_suffix(1);
  return name;
}

bool is_elementwise(std::string_view name) {
  constexpr std::array<std::string_view, 31> kNames{
      "add",   "sub",       "mul",       "div",     "copy",    "gelu",           "relu",
      "silu",  "sigmoid",   "tanh",      "clamp",   "dropout", "threshold",      "hardtanh",
      "cat",   "neg",       "exp",       "sqrt",    "fill",    "native_dropout", "pow",
      "rsqrt", "clamp_min", "addcmul",   "addcdiv", "lerp",    "masked_fill",    "where",
      "log",   "zero",      "leaky_relu"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Which input says that attention is causal (native_functions.yaml of PyTorch).
std::size_t causal_input(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 6> kInputs{
      {{"scaled_dot_product_attention", 5},
       {"_scaled_dot_product_flash_attention", 4},
       {"_scaled_dot_product_efficient_attention", 6},
       {"_scaled_dot_product_cudnn_attention", 6},
       {"_flash_attention_forward", 8},
       {"_efficient_attention_forward", 9}}};  // the kind of its mask: 0 is none
  for (const auto& [known, input] : kInputs) {
    if (name == known) return input;
  }
  return SIZE_MAX;
}

constexpr double kNormWork = 7;     ///< operations an element
constexpr double kSoftmaxWork = 5;  ///< operations an element

std::optional<OpShape> shape_of(std::string_view name, const Maker& maker) {
  if (name == "mm") return maker.product_of(0);
  if (name == "addmm") return maker.product_of(1);
  if (name == "bmm") return maker.batched(0);
  if (name == "baddbmm") return maker.batched(1);
  if (name == "linear") return maker.linear();
  if (name == "matmul") return maker.any_product();
  for (const ConvolutionInputs& inputs : kConvolutions) {
    if (name == inputs.name) return maker.convolution(inputs);
  }
  if (name.starts_with("_scaled_dot_product") || name == "scaled_dot_product_attention") {
    return maker.attention(true, causal_input(name));
  }
  if (name == "_flash_attention_forward" || name == "_efficient_attention_forward") {
    return maker.attention(false, causal_input(name));
  }
  if (name == "native_layer_norm" || name == "layer_norm")
    return maker.stream(OpKind::layer_norm, kNormWork);
  if (name == "rms_norm" || name == "_fused_rms_norm")
    return maker.stream(OpKind::rms_norm, kNormWork);
  if (name == "_softmax" || name == "softmax") return maker.stream(OpKind::softmax, kSoftmaxWork);
  if (is_elementwise(name)) return maker.stream(OpKind::elementwise, 1);
  return std::nullopt;
}

/// convolution_backward(gradient, x, w, bias sizes, strides, ...): the gradients of x and of w.
std::vector<OpShape> convolution_gradients(const OperatorCall& call) {
  if (call.sizes.size() < 3) return {};
  OperatorCall forward{"convolution", {call.sizes.begin() + 1, call.sizes.end()}, {}, call.format};
  if (!call.values.empty()) forward.values = {call.values.begin() + 1, call.values.end()};
  const auto shape = operator_shape(forward);
  if (!shape) return {};
  const std::vector<double>& x = call.sizes[1];
  const double pixels = product(x, 2);
  OpShape input = *shape;
  input.m = x[0] * pixels;
  input.n = x[1];
  input.k = shape->work.base() / (2 * input.m * input.n);
  input.read = shape->write + shape->weights;
  input.write = shape->read - shape->weights;
  OpShape weights = *shape;
  weights.winograd = false;
  weights.m = shape->k;
  weights.n = shape->n;
  weights.k = shape->m;
  weights.weights = {};
  weights.read = shape->read - shape->weights + shape->write;
  weights.write = shape->weights;
  return {input, weights};
}

/// _scaled_dot_product_..._backward(gradient, q, k, v, ...): five products for the forward's two.
std::vector<OpShape> attention_gradients(const OperatorCall& call) {
  if (call.sizes.size() < 4) return {};
  const OperatorCall forward{"scaled_dot_product_attention",
                             {call.sizes.begin() + 1, call.sizes.begin() + 4},
                             {},
                             call.format};  // without a mask: its place differs by kind
  auto shape = operator_shape(forward);
  if (!shape) return {};
  constexpr double kProducts = 2.5;
  const Bytes keys = shape->read - shape->write;
  shape->work = kProducts * shape->work;
  shape->read += 2.0 * shape->write;  // the output and its gradient
  shape->write += keys;
  return {*shape};
}

std::optional<double> size_of(std::string_view text) {
  constexpr double kMostSize = 1e12;
  const auto size = parse_number(text);
  return size && *size >= 0 && *size <= kMostSize ? size : std::nullopt;
}

}  // namespace

std::optional<Shapes> read_shapes(std::string_view text) {
  Shapes shapes;
  int depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("[], ", at), text.size());
    if (end > at) {
      const auto size = size_of(text.substr(at, end - at));
      if (depth != 2 || !size) return std::nullopt;
      shapes.back().push_back(*size);
      at = end;
      continue;
    }
    if (text[at] == '[' && ++depth == 2) shapes.emplace_back();
    if (text[at] == ']') --depth;
    if (depth < 0 || depth > 2) return std::nullopt;  // 3: lists of tensors
    ++at;
  }
  if (depth != 0 || shapes.empty()) return std::nullopt;
  return shapes;
}

std::optional<NumberFormat> read_format(std::string_view types) {
  constexpr std::array<std::pair<std::string_view, NumberFormat>, 8> kTypes{
      {{"BFloat16", NumberFormat::bf16},
       {"bfloat16", NumberFormat::bf16},
       {"Half", NumberFormat::fp16},
       {"Float8", NumberFormat::fp8},
       {"double", NumberFormat::fp64},
       {"float", NumberFormat::fp32},
       {"Float", NumberFormat::fp32},
       {"signed char", NumberFormat::int8}}};
  std::optional<NumberFormat> found;
  std::size_t first = std::string_view::npos;
  for (const auto& [name, format] : kTypes) {
    const std::size_t at = types.find(name);
    if (at < first) {
      first = at;
      found = format;
    }
  }
  return found;
}

std::vector<std::vector<double>> read_values(std::string_view text) {
  std::vector<std::vector<double>> values;
  for (std::size_t at = text.find('"'); at != std::string_view::npos;) {
    const std::size_t end = text.find('"', at + 1);
    if (end == std::string_view::npos) break;
    std::vector<double>& input = values.emplace_back();
    const std::string_view one = text.substr(at + 1, end - at - 1);
    for (std::size_t i = 0; i < one.size();) {
      const std::size_t stop = std::min(one.find_first_of("[], ", i), one.size());
      const std::string_view word = one.substr(i, stop - i);
      if (word == "True" || word == "False") {
        input.push_back(word == "True" ? 1 : 0);
      } else if (const auto number = parse_number(word)) {
        input.push_back(*number);
      }
      i = stop + 1;
    }
    at = text.find('"', end + 1);
  }
  return values;
}

std::optional<OpShape> operator_shape(const OperatorCall& call) {
  return shape_of(plain_name(call.name), Maker{call.sizes, call.values, call.format});
}

std::vector<OpShape> operator_parts(const OperatorCall& call) {
  if (const auto shape = operator_shape(call)) return {*shape};
  const std::string_view name = plain_name(call.name);
  const Maker maker{call.sizes, call.values, call.format};
  if (name == "convolution_backward") return convolution_gradients(call);
  if (name.starts_with("_scaled_dot_product") && name.ends_with("_backward")) {
    return attention_gradients(call);
  }
  std::optional<OpShape> shape;
  if (name == "native_layer_norm_backward") shape = maker.stream(OpKind::layer_norm, kNormWork);
  if (name == "_fused_rms_norm_backward") shape = maker.stream(OpKind::rms_norm, kNormWork);
  if (name == "_softmax_backward_data" || name == "_log_softmax_backward_data") {
    shape = maker.stream(OpKind::softmax, kSoftmaxWork);
  }
  constexpr std::string_view kBackward = "_backward";
  if (!shape && name.ends_with(kBackward) &&
      is_elementwise(name.substr(0, name.size() - kBackward.size()))) {
    shape = maker.stream(OpKind::elementwise, 1);
  }
  return shape ? std::vector<OpShape>{*shape} : std::vector<OpShape>{};
}

std::optional<OpShape> operator_shape(std::string_view name, std::string_view shapes,
                                      std::string_view types, std::string_view values) {
  const auto sizes = read_shapes(shapes);
  const auto format = read_format(types);
  if (!sizes || !format) return std::nullopt;
  return operator_shape({name, *sizes, read_values(values), *format});
}

}  // namespace fastpath
