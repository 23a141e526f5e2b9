/// Mixers with a state instead of keys: Mamba-2 and the gated delta net.
#include <algorithm>

#include "import/model/parts.h"

namespace fastpath::parts {
namespace {

/// A causal depth-wise convolution of a few taps over the sequence; keeps the last taps in the
/// cache. `channels` are the axes of `x` behind batch and seq.
TensorId short_convolution(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                           TensorId x) {
  const std::string name = block.at(x).name;
  const DimId taps = frame.dim("conv_kernel", DimKind::other, mixer.conv_kernel);
  Out weight = {"w_conv_" + name, {}, frame.activation(), TensorRole::weight};
  weight.axes.assign(block.at(x).axes.begin() + 2, block.at(x).axes.end());
  Out bias = weight;
  bias.name = "b_conv_" + name;
  weight.axes.push_back({taps, false});
  std::vector<TensorId> inputs = {x, block.tensor(weight)};
  if (mixer.conv_bias) inputs.push_back(block.tensor(bias));
  if (frame.caching() && mixer.conv_kernel > 1) {
    Out state = {"conv_cache_" + name, block.at(x).axes, frame.activation(), TensorRole::cache};
    state.axes[1].dim = frame.dim("conv_past", DimKind::other, mixer.conv_kernel - 1);
    inputs.push_back(block.tensor(state));
  }
  const double silu = activation_work("silu");
  return block.map("short_conv", inputs, block.like(x, name + "_conv"),
                   2 * static_cast<double>(mixer.conv_kernel) + silu);
}

/// x[batch seq hidden] times a weight [hidden to...].
TensorId project(const Frame& frame, BlockBuilder& block, const std::string& name, TensorId x,
                 const std::vector<DimId>& to) {
  Out weight = {"w_" + name, axes({frame.hidden}), frame.weights(frame.spec.formats.attention),
                TensorRole::weight};
  Out out = {name, axes({frame.batch, frame.seq}), frame.activation()};
  for (const DimId dim : to) {
    weight.axes.push_back({dim, false});
    out.axes.push_back({dim, false});
  }
  const TensorId w = block.tensor(weight);
  return block.matmul(name + "_proj", {x, w}, out);
}

/// Rows of the step times heads.
double head_rows(const Frame& frame, const MixerSpec& mixer) {
  return static_cast<double>(frame.request.batch) * static_cast<double>(frame.request.sequence) *
         static_cast<double>(mixer.heads);
}

/// The ordered scan: reads the state of the last step and leaves the new one in the cache.
struct Scan {
  std::string function;
  std::vector<TensorId> inputs;
  Out output;
  std::vector<Axis> state;
  double work = 0;
};

TensorId add_scan(const Frame& frame, BlockBuilder& block, Scan scan) {
  Op op;
  op.name = "scan";
  op.kind = OpKind::scan;
  op.attributes.function = scan.function;
  op.inputs = std::move(scan.inputs);
  const TensorId result = block.tensor(scan.output);
  op.outputs = {result};
  if (frame.caching()) {
    const NumberFormat format = frame.spec.formats.state;
    const Out state = {"state", scan.state, format, TensorRole::cache};
    if (frame.request.past > 0) {
      // The state is updated in place: one tensor in memory, read and written.
      op.inputs.push_back(block.tensor(state));
      op.outputs.push_back(block.tensor({"state_out", scan.state, format, TensorRole::activation}));
    } else {
      op.outputs.push_back(block.tensor(state));
    }
  }
  block.op_with_work(std::move(op), scan.work);
  return result;
}

/// y[batch seq heads size] -> normed with a gate -> [batch seq hidden].
TensorId gated_output(const Frame& frame, BlockBuilder& block, TensorId y, TensorId gate,
                      bool norm_over_heads) {
  const NumberFormat format = frame.spec.formats.attention;
  const DimId heads = block.at(y).axes[2].dim;
  const DimId size = block.at(y).axes[3].dim;
  const TensorId w = norm_over_heads
                         ? block.weight("w_gate_norm", {heads, size}, frame.activation())
                         : block.weight("w_gate_norm", {size}, frame.activation());
  OpAttributes attributes;
  attributes.over = size;
  attributes.work_per_element = 4 + activation_work("silu") + 1;
  attributes.function = "gated_rms_norm";
  Out out = block.like(y, "o");
  out.format = frame.inputs_for(format);
  const TensorId o = block.op("gate_norm", OpKind::rms_norm, {y, w, gate}, out, attributes);
  const TensorId wo = block.weight("wo", {heads, size, frame.hidden}, frame.weights(format));
  return block.matmul(
      "o_proj", {o, wo},
      {"mixer_out", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()});
}

/// FLOP per token and head of state space duality (arXiv 2405.21060, section 6): the recurrence in
/// decode (decay, outer product, read-out, skip), else chunks of `c` tokens: scores per group of
/// heads, scores times values, and the chunk's state in and out.
double mamba2_work(const Frame& frame, const MixerSpec& mixer) {
  const auto p = static_cast<double>(mixer.head_dim);
  const auto n = static_cast<double>(mixer.state);
  if (frame.request.sequence == 1) return 5 * p * n + 2 * p;
  const auto c =
      static_cast<double>(std::min(std::max<std::int64_t>(mixer.chunk, 1), frame.request.sequence));
  const double shared = static_cast<double>(mixer.kv_heads) / static_cast<double>(mixer.heads);
  return 2 * c * n * shared + 2 * c * p + 4 * n * p + 2 * p;
}

/// FLOP per token and value head of the gated delta rule: the recurrence in decode (decay, read,
/// rank-one update, read-out), else its chunked form (arXiv 2406.06484, section 3; 2412.06464,
/// section 3.3): key-key and query-key scores, the two triangular products, scores times values,
/// and three products with the state.
double delta_work(const Frame& frame, const MixerSpec& mixer) {
  const auto k = static_cast<double>(mixer.head_dim);
  const auto v = static_cast<double>(mixer.value_dim);
  if (frame.request.sequence == 1) return 7 * k * v;
  const auto c =
      static_cast<double>(std::min(std::max<std::int64_t>(mixer.chunk, 1), frame.request.sequence));
  return 2 * c * (3 * k + 2 * v) + 6 * k * v;
}

}  // namespace

TensorId add_mamba2(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer, TensorId n) {
  const DimId heads = frame.dim("state_heads", DimKind::heads, mixer.heads);
  const DimId groups = frame.dim("state_groups", DimKind::kv_heads, mixer.kv_heads);
  const DimId size = frame.dim("state_head_dim", DimKind::head_dim, mixer.head_dim);
  const DimId state = frame.dim("state_size", DimKind::other, mixer.state);
  const DimId pair = frame.dim("pair", DimKind::other, 2);
  const TensorId z = project(frame, block, "z", n, {heads, size});
  TensorId x = project(frame, block, "x_in", n, {heads, size});
  TensorId bc = project(frame, block, "bc", n, {groups, pair, state});
  const TensorId dt = project(frame, block, "dt", n, {heads});
  x = short_convolution(frame, block, mixer, x);
  bc = short_convolution(frame, block, mixer, bc);
  const TensorId per_head =
      block.weight("w_scan", {heads, frame.dim("scan_scalars", DimKind::other, 3)},
                   frame.activation());  // A_log, D, dt_bias
  Scan scan;
  scan.function = "mamba2";
  scan.inputs = {x, bc, dt, per_head};
  scan.output = block.like(x, "y");
  scan.state = axes({frame.batch, heads, size, state});
  scan.work = head_rows(frame, mixer) * mamba2_work(frame, mixer);
  const TensorId y = add_scan(frame, block, std::move(scan));
  return gated_output(frame, block, y, z, true);
}

TensorId add_delta_net(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                       TensorId n) {
  const DimId heads = frame.dim("state_heads", DimKind::heads, mixer.heads);
  const DimId groups = frame.dim("state_groups", DimKind::kv_heads, mixer.kv_heads);
  const DimId key = frame.dim("state_key_dim", DimKind::head_dim, mixer.head_dim);
  const DimId value = frame.dim("state_value_dim", DimKind::head_dim, mixer.value_dim);
  const DimId pair = frame.dim("pair", DimKind::other, 2);
  TensorId qk = project(frame, block, "qk", n, {groups, pair, key});
  TensorId v = project(frame, block, "v", n, {heads, value});
  const TensorId z = project(frame, block, "z", n, {heads, value});
  const TensorId ab = project(frame, block, "ab", n, {heads, pair});  // decay and write strength
  qk = short_convolution(frame, block, mixer, qk);
  v = short_convolution(frame, block, mixer, v);
  const TensorId per_head =
      block.weight("w_scan", {heads, pair}, frame.activation());  // A_log, dt_bias
  Scan scan;
  scan.function = "gated_delta_rule";
  scan.inputs = {qk, v, ab, per_head};
  scan.output = block.like(v, "y");
  scan.state = axes({frame.batch, heads, key, value});
  scan.work = head_rows(frame, mixer) * delta_work(frame, mixer);
  const TensorId y = add_scan(frame, block, std::move(scan));
  return gated_output(frame, block, y, z, false);
}

}  // namespace fastpath::parts
