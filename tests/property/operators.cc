// Laws of operator times: bounds, growth, cliffs, for every kind, any device and any parameters.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "ir/semantics.h"
#include "model/device_model.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

using testing::round_device;

double between(int low, int high) { return *rc::gen::inRange(low, high + 1); }
double aligned_size() { return 64 * between(1, 256); }

/// Parameters anywhere in their ranges, `warm` at 0 as for models.
KernelParameters any_parameters() {
  KernelParameters parameters;
  for (std::size_t i = 0; i < kKernelParameters; ++i) {
    const KernelParameterInfo& range = info(static_cast<KernelParameter>(i));
    const double share = between(0, 100) / 100;
    parameters.values[i] = range.low * std::pow(range.high / range.low, share);
  }
  return parameters;
}

Device any_device() {
  Device device = round_device();
  device.units = std::to_string(static_cast<int>(between(1, 200))) + " SM";
  device.kernels.clear();
  for (std::size_t c = 0; c < kKernelClasses; ++c)
    device.kernels.push_back(
        {static_cast<KernelClass>(c), "", "", any_parameters(), 0, 1, 0.8, 1.3, {}, {}});
  return device;
}

OpShape matmul(double m, double n, double k) {
  OpShape shape;
  shape.kind = OpKind::matmul;
  shape.m = m;
  shape.n = n;
  shape.k = k;
  shape.work = Flops{2 * m * n * k};
  shape.weights = Bytes{2 * n * k};
  shape.read = shape.weights + Bytes{2 * m * k};
  shape.write = Bytes{2 * m * n};
  return shape;
}

/// `batch` images of size x size pixels, 3 x 3, stride 1, as an implicit matmul.
OpShape convolution(double batch, double size, double channels, double filters) {
  OpShape shape = matmul(batch * size * size, filters, 9 * channels);
  shape.kind = OpKind::convolution;
  shape.read = shape.weights + Bytes{2 * batch * size * size * channels};
  return shape;
}

struct Heads {
  double queries = 32;
  double keys = 8;  ///< heads of keys and values
  double width = 128;
};

/// `queries` new tokens at the end of `context`, causal, at most `window` keys each (0 = all).
OpShape attention(double batch, double queries, double context, double window, Heads heads = {}) {
  OpShape shape;
  shape.kind = OpKind::attention;
  shape.m = queries;
  shape.n = mean_keys(queries, context, true, window);
  shape.k = heads.width;
  shape.batch = batch * heads.queries;
  shape.group = heads.queries / heads.keys;
  shape.work = Flops{4 * shape.batch * queries * shape.n * heads.width};
  const double read = window > 0 ? std::min(context, window + queries) : context;
  shape.read = Bytes{2 * batch * heads.width * (heads.queries * queries + 2 * heads.keys * read)};
  shape.write = Bytes{2 * batch * heads.width * heads.queries * queries};
  return shape;
}

OpShape rows_of(OpKind kind, double rows, double columns) {
  OpShape shape;
  shape.kind = kind;
  shape.m = rows;
  shape.work = Flops{5 * rows * columns};
  shape.read = Bytes{2 * rows * columns};
  shape.write = kind == OpKind::top_k ? Bytes{64 * rows} : shape.read;
  return shape;
}

OpShape any_shape() {
  switch (*rc::gen::inRange(0, 6)) {
    case 0: return matmul(between(1, 9000), between(1, 9000), between(1, 9000));
    case 1: return attention(between(1, 64), 1, between(1, 30000), 0);
    case 2: return attention(between(1, 4), between(9, 8192), 8192, between(0, 4096));
    case 3: return convolution(between(1, 64), between(1, 112), between(1, 512), between(1, 512));
    case 4: return rows_of(OpKind::top_k, between(1, 9000), between(2, 512));
    default: return rows_of(OpKind::rms_norm, between(1, 9000), between(1, 16384));
  }
}

RC_GTEST_PROP(operators, none_beats_the_peak_or_the_bandwidth, ()) {
  const DeviceModel model(any_device(), Execution::graph);
  const OpShape shape = any_shape();
  RC_ASSERT(model.cost(shape).time >= (1 - 1e-9) * model.lower_bound(shape));
}

RC_GTEST_PROP(operators, transformed_convolutions_save_at_most_what_the_transform_does, ()) {
  const DeviceModel model(any_device(), Execution::graph);
  const OpShape direct =
      convolution(between(1, 64), between(3, 112), between(1, 512), between(1, 512));
  OpShape transformed = direct;
  transformed.winograd = true;
  RC_ASSERT(model.cost(transformed).time <= model.cost(direct).time);
  RC_ASSERT(2.25 * model.cost(transformed).time >= (1 - 1e-9) * model.lower_bound(direct));
}

RC_GTEST_PROP(operators, more_rows_or_images_or_sequences_never_take_less, ()) {
  const DeviceModel model(any_device(), Execution::graph);
  const auto time = [&](const OpShape& shape) { return (1 - 1e-9) * model.cost(shape).time; };
  const double n = aligned_size();
  const double k = aligned_size();
  const double m = between(1, 8000);
  RC_ASSERT(time(matmul(m, n, k)) <= model.cost(matmul(m + 1, n, k)).time);
  RC_ASSERT(time(convolution(m, 14, 64, n)) <= model.cost(convolution(m + 1, 14, 64, n)).time);
  RC_ASSERT(time(attention(m, 1, k, 0)) <= model.cost(attention(m + 1, 1, k, 0)).time);
  RC_ASSERT(time(attention(2, m + 9, 8192, 0)) <= model.cost(attention(3, m + 9, 8192, 0)).time);
  for (const OpKind kind : {OpKind::top_k, OpKind::softmax, OpKind::rms_norm, OpKind::elementwise})
    RC_ASSERT(time(rows_of(kind, m, n)) <= model.cost(rows_of(kind, m + 1, n)).time);
}

RC_GTEST_PROP(operators, longer_rows_of_a_norm_or_a_routing_never_take_less, ()) {
  const DeviceModel model(any_device(), Execution::graph);
  const double rows = between(1, 4096);
  const double columns = between(1, 8192);
  for (const OpKind kind : {OpKind::top_k, OpKind::softmax, OpKind::rms_norm})
    RC_ASSERT((1 - 1e-9) * model.cost(rows_of(kind, rows, columns)).time <=
              model.cost(rows_of(kind, rows, columns + 1)).time);
}

RC_GTEST_PROP(operators, a_sliding_window_bounds_what_context_costs, ()) {
  const DeviceModel model(any_device(), Execution::graph);
  const double window = 128 * between(1, 32);
  const double context = window + 1 + between(1, 50000);
  const double batch = between(1, 64);
  const Seconds windowed = model.cost(attention(batch, 1, context, window)).time;
  RC_ASSERT(windowed <= (1 + 1e-9) * model.cost(attention(batch, 1, context, 0)).time);
  RC_ASSERT(windowed == model.cost(attention(batch, 1, 2 * context, window)).time);
}

RC_GTEST_PROP(operators, a_latent_shared_by_all_heads_costs_no_more_than_a_key_for_each, ()) {
  const DeviceModel model(any_device(), Execution::graph);
  const double batch = between(1, 64);
  const double context = between(64, 30000);
  constexpr double kLatent = 576;  // 512 + 64 of position, as DeepSeek-V2
  const OpShape latent = attention(batch, 1, context, 0, {128, 1, kLatent});
  const OpShape apart = attention(batch, 1, context, 0, {128, 128, kLatent});
  RC_ASSERT(latent.read < apart.read);
  RC_ASSERT(model.cost(latent).time <= (1 + 1e-9) * model.cost(apart).time);
}

RC_GTEST_PROP(operators, a_column_past_a_wide_load_costs_at_least_as_much_as_before_it, ()) {
  const DeviceModel model(any_device(), Execution::graph);
  const double m = between(1, 8192);
  const double n = aligned_size();
  const double k = aligned_size();
  const Seconds aligned = model.cost(matmul(m, n, k)).time;
  RC_ASSERT(model.cost(matmul(m, n + 1, k)).time >= (1 - 1e-9) * aligned);
  RC_ASSERT(model.cost(matmul(m, n, k + 1)).time >= (1 - 1e-9) * aligned);
}

RC_GTEST_PROP(operators, a_fused_operator_costs_no_launch_and_no_traffic, ()) {
  const DeviceModel model(any_device(), Execution::eager);
  OpShape shape = rows_of(OpKind::elementwise, between(1, 9000), between(1, 16384));
  const Seconds alone = model.cost(shape).time;
  shape.fused = true;
  const TaskCost inside = model.cost(shape);
  RC_ASSERT(inside.time < alone);
  RC_ASSERT(inside.launch == Seconds{});
  RC_ASSERT(inside.traffic == Bytes{});
}

RC_GTEST_PROP(operators, a_host_that_launches_is_never_faster_than_a_graph, ()) {
  const Device device = any_device();
  const OpShape shape = any_shape();
  RC_ASSERT(DeviceModel(device, Execution::eager).cost(shape).time >=
            DeviceModel(device, Execution::graph).cost(shape).time);
}

}  // namespace
}  // namespace fastpath
