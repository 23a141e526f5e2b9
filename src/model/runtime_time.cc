#include "model/runtime_time.h"

#include <algorithm>
#include <cmath>

namespace fastpath {
namespace {

/// Channels of a block of the blocked layout: vectors of 512 bits hold 16 numbers of 32.
constexpr double kBlock = 16;
/// Images have 1 to 4 channels; strides of 2 show each output position 4 times as many.
constexpr double kFewInputs = 16;
/// Sigmoid and its like count 4 FLOP an element (import/onnx/op_table.cc), arithmetic 1 or 2.
constexpr double kFunctionWork = 3;

constexpr std::size_t kTerms = 4;  // a constant and three slopes

using Vector = std::array<double, kTerms>;
using Matrix = std::array<Vector, kTerms>;

/// Of a symmetric positive definite system, by elimination.
Vector solve(Matrix a, Vector b) {
  for (std::size_t i = 0; i < kTerms; ++i) {
    for (std::size_t row = i + 1; row < kTerms; ++row) {
      const double factor = a[row][i] / a[i][i];
      for (std::size_t column = i; column < kTerms; ++column)
        a[row][column] -= factor * a[i][column];
      b[row] -= factor * b[i];
    }
  }
  Vector x{};
  for (std::size_t i = kTerms; i-- > 0;) {
    double sum = b[i];
    for (std::size_t column = i + 1; column < kTerms; ++column)
      sum -= a[i][column] * x[column];
    x[i] = sum / a[i][i];
  }
  return x;
}

bool is_blocked(RuntimeKernel kernel) {
  return kernel == RuntimeKernel::pointwise || kernel == RuntimeKernel::window ||
         kernel == RuntimeKernel::first || kernel == RuntimeKernel::depthwise;
}

/// Logarithms of what the time depends on. Output channels are computed in whole blocks.
Vector terms_of(RuntimeKernel kernel, double m, double n, double k) {
  if (is_blocked(kernel)) n = std::ceil(n / kBlock) * kBlock;
  const auto log_of = [](double x) { return std::log2(std::max(x, 1.0)); };
  return {1, log_of(m), log_of(n), log_of(k)};
}

/// log2 of the units of work.
double work_of(const Vector& terms) { return terms[1] + terms[2] + terms[3]; }

/// Kernels whose points stand in where one has none.
std::optional<RuntimeKernel> stand_in(RuntimeKernel kernel) {
  using K = RuntimeKernel;
  switch (kernel) {
    case K::pointwise:
    case K::first:
    case K::depthwise: return K::window;
    case K::window: return K::matmul;
    case K::division:
    case K::function:
    case K::pool:
    case K::copy:
    case K::softmax:
    case K::reduce: return K::map;
    case K::norm: return K::reduce;
    case K::reorder:
    case K::scatter: return K::copy;
    case K::im2col: return K::matmul;
    case K::branch:
    case K::call:
    case K::matmul:
    case K::map: return std::nullopt;
  }
  return std::nullopt;
}

bool has_extents(const OpShape& shape) { return shape.m > 0 && shape.n > 0 && shape.k > 0; }

RuntimeWork convolution_work(const OpShape& shape) {
  using K = RuntimeKernel;
  if (shape.im2col) return {K::im2col, shape.m, shape.n / shape.group, shape.k, shape.group};
  const bool depthwise = shape.group > 1 && shape.n <= shape.group;
  if (depthwise) return {K::depthwise, shape.m, shape.n, shape.k, 1};
  // Of a number of the input: in how many outputs it counts.
  const double inputs =
      (shape.read - shape.weights - shape.summed) / bytes_per_element(shape.compute_format);
  const double a_position = inputs / shape.m;
  const double uses = shape.k * shape.group / std::max(a_position, 1e-9);
  const K kernel = a_position < kFewInputs ? K::first : uses > 1.01 ? K::window : K::pointwise;
  return {kernel, shape.m, shape.n / shape.group, shape.k, shape.group};
}

RuntimeWork map_work(const OpShape& shape, double bytes) {
  using K = RuntimeKernel;
  if (shape.k > 0) return {K::scatter, bytes, 1, 1, 1};  // products that are added up at a place
  const double elements = shape.write / bytes_per_element(shape.compute_format);
  const bool function = elements > 0 && shape.work.base() / elements >= kFunctionWork;
  if (function) return {K::function, bytes, 1, 1, 1};
  return {shape.division ? K::division : K::map, bytes, 1, 1, 1};
}

}  // namespace

RuntimeWork runtime_work(const OpShape& shape) {
  using K = RuntimeKernel;
  const double bytes = std::max((shape.read + shape.write).base(), 1.0);
  switch (shape.kind) {
    case OpKind::convolution:
      if (!has_extents(shape)) return {K::map, bytes, 1, 1, 1};
      return convolution_work(shape);
    case OpKind::matmul:
    case OpKind::grouped_matmul:
      if (!has_extents(shape)) return {K::map, bytes, 1, 1, 1};
      return {K::matmul, shape.m, shape.n, shape.k, shape.batch * std::max(shape.steps, 1.0)};
    case OpKind::pool: return {K::pool, bytes, 1, 1, 1};
    case OpKind::softmax: return {K::softmax, bytes, 1, 1, 1};
    case OpKind::rms_norm:
    case OpKind::layer_norm: return {K::norm, bytes, 1, 1, 1};
    case OpKind::reduce: return {K::reduce, bytes, 1, 1, 1};
    case OpKind::copy:
    case OpKind::embedding: return {K::copy, bytes, 1, 1, 1};
    case OpKind::opaque: return {K::reorder, bytes, 1, 1, 1};
    case OpKind::host: return {K::map, 1, 1, 1, 0};  // nothing beyond its launch
    case OpKind::branch: return {K::branch, shape.m, 1, 1, 1};
    case OpKind::call: return {K::call, 1, 1, 1, 1};
    default: return map_work(shape, bytes);
  }
}

std::optional<Seconds> runtime_time(const Runtime& runtime, const RuntimeWork& work,
                                    const RuntimePoint* left_out) {
  constexpr double kRidge = 0.05;      // of the slopes, over the sum of the weights
  constexpr double kNearest = 0.0025;  // a twentieth of an octave: a point at its own place counts
                                       // 400 times as much as one an octave away
  // Systems that were measured before these kernels were known.
  const bool host = work.kernel == RuntimeKernel::branch || work.kernel == RuntimeKernel::call;
  const Vector at = terms_of(work.kernel, work.m, work.n, work.k);
  Matrix a{};
  Vector b{};
  double weights = 0;
  for (const RuntimePoint& point : runtime.points) {
    if (point.kernel != work.kernel || &point == left_out) continue;
    const Vector terms = terms_of(point.kernel, point.m, point.n, point.k);
    Vector offset{1};
    double distance = kNearest;
    for (std::size_t i = 1; i < kTerms; ++i) {
      offset[i] = terms[i] - at[i];
      distance += offset[i] * offset[i];
    }
    const double weight = 1 / (distance * distance);
    const double value = std::log2(point.time.base()) - work_of(terms);
    for (std::size_t i = 0; i < kTerms; ++i) {
      for (std::size_t j = 0; j < kTerms; ++j)
        a[i][j] += weight * offset[i] * offset[j];
      b[i] += weight * offset[i] * value;
    }
    weights += weight;
  }
  if (weights <= 0) {
    const auto other = stand_in(work.kernel);
    if (!other) return host ? std::optional(Seconds{}) : std::nullopt;
    RuntimeWork same = work;
    same.kernel = *other;
    return runtime_time(runtime, same, left_out);
  }
  for (std::size_t i = 1; i < kTerms; ++i)
    a[i][i] += kRidge * weights;
  const double rate = solve(a, b)[0];
  return Seconds{work.times * std::exp2(rate + work_of(at))};
}

std::optional<Seconds> runtime_time(const Runtime& runtime, const OpShape& shape) {
  const auto own = runtime_time(runtime, runtime_work(shape));
  if (!own || !(shape.summed > Bytes{})) return own;
  // Read once more, by a kernel that writes its result anyway.
  const auto sum = runtime_time(runtime, {RuntimeKernel::map, shape.summed.base(), 1, 1, 1});
  return sum ? *own + *sum : own;
}

std::array<double, 2> leave_one_out(const Runtime& runtime) {
  std::vector<double> ratios;
  for (const RuntimePoint& point : runtime.points) {
    const auto time = runtime_time(runtime, {point.kernel, point.m, point.n, point.k, 1}, &point);
    if (time && *time > Seconds{}) ratios.push_back(point.time / *time);
  }
  if (ratios.size() < 20) return {0, 0};
  std::sort(ratios.begin(), ratios.end());
  const auto at = [&](double share) {
    return ratios[static_cast<std::size_t>(share * static_cast<double>(ratios.size() - 1))];
  };
  return {at(0.05), at(0.95)};
}

}  // namespace fastpath
