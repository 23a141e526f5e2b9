#include "analyze/trace/operator_shape.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fastpath/number_format.h"

#include "base/text.h"

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

struct Maker {
  const Shapes& shapes;
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

  /// q, k and v of rank 4; `heads_first`: [batch heads seq dim], else [batch seq heads dim].
  std::optional<OpShape> attention(bool heads_first) const {
    if (!has(0, 4) || !has(1, 4)) return std::nullopt;
    const std::size_t heads = heads_first ? 1 : 2;
    const std::size_t seq = heads_first ? 2 : 1;
    const Sizes& q = shapes[0];
    const Sizes& k = shapes[1];
    OpShape shape;
    shape.kind = OpKind::attention;
    shape.compute_format = format;
    shape.m = q[seq];
    shape.n = k[seq];
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
  constexpr std::array<std::string_view, 20> kNames{
      "add",  "sub",     "mul",  "div",   "copy",    "gelu",          "relu",
      "silu", "sigmoid", "tanh", "clamp", "dropout", "threshold",     "hardtanh",
      "cat",  "neg",     "exp",  "sqrt",  "fill",    "native_dropout"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::optional<OpShape> shape_of(std::string_view name, const Maker& maker) {
  if (name == "mm") return maker.product_of(0);
  if (name == "addmm") return maker.product_of(1);
  if (name == "bmm") return maker.batched(0);
  if (name == "baddbmm") return maker.batched(1);
  if (name == "linear") return maker.linear();
  if (name.starts_with("_scaled_dot_product") || name == "scaled_dot_product_attention") {
    return maker.attention(true);
  }
  if (name == "_flash_attention_forward" || name == "_efficient_attention_forward") {
    return maker.attention(false);
  }
  constexpr double kNormWork = 7;
  if (name == "native_layer_norm" || name == "layer_norm")
    return maker.stream(OpKind::layer_norm, kNormWork);
  if (name == "rms_norm") return maker.stream(OpKind::rms_norm, kNormWork);
  constexpr double kSoftmaxWork = 5;
  if (name == "_softmax" || name == "softmax") return maker.stream(OpKind::softmax, kSoftmaxWork);
  if (is_elementwise(name)) return maker.stream(OpKind::elementwise, 1);
  return std::nullopt;
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

std::optional<OpShape> operator_shape(std::string_view name, std::string_view shapes,
                                      std::string_view types) {
  const auto sizes = read_shapes(shapes);
  const auto format = read_format(types);
  if (!sizes || !format) return std::nullopt;
  return shape_of(plain_name(name), Maker{*sizes, *format});
}

}  // namespace fastpath
