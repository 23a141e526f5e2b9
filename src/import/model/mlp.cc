/// Feed-forward parts: dense, and mixtures of experts.
#include <array>

#include "import/model/parts.h"

namespace fastpath::parts {
namespace {

/// One feed-forward network: dense, shared, or (with `experts`) one per expert.
struct Ffn {
  std::string prefix;
  std::string dim = "ffn";
  std::int64_t width = 0;
  NumberFormat format = NumberFormat::bf16;
  bool gated = true;
  bool bias = false;
  std::string activation;
};

/// x[batch seq hidden] -> [batch seq hidden].
TensorId add_ffn(const Frame& frame, BlockBuilder& block, const Ffn& ffn, TensorId x) {
  const DimId width = frame.dim(ffn.dim, DimKind::ffn, ffn.width);
  const NumberFormat format = frame.weights(ffn.format);
  const auto wide = [&](const std::string& name) {
    std::vector<TensorId> inputs = {
        x, block.weight("w_" + ffn.prefix + name, {frame.hidden, width}, format)};
    if (ffn.bias)
      inputs.push_back(block.weight("b_" + ffn.prefix + name, {width}, frame.activation()));
    return block.matmul(
        ffn.prefix + name + "_proj", inputs,
        {ffn.prefix + name, axes({frame.batch, frame.seq, width}), frame.activation()});
  };
  std::vector<TensorId> parts;
  if (ffn.gated) parts.push_back(wide("gate"));
  parts.push_back(wide("up"));
  Out out = block.like(parts[0], ffn.prefix + "act");
  out.format = frame.inputs_for(ffn.format);
  const TensorId a = block.map(ffn.activation + (ffn.gated ? "_mul" : ""), parts, out,
                               activation_work(ffn.activation) + (ffn.gated ? 1 : 0));
  std::vector<TensorId> inputs = {
      a, block.weight("w_" + ffn.prefix + "down", {width, frame.hidden}, format)};
  if (ffn.bias)
    inputs.push_back(block.weight("b_" + ffn.prefix + "down", {frame.hidden}, frame.activation()));
  return block.matmul(
      ffn.prefix + "down_proj", inputs,
      {ffn.prefix + "mlp_out", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()});
}

struct ExpertDims {
  DimId experts = 0;
  DimId top_k = 0;
  DimId ffn = 0;
};

std::vector<Axis> routed(const Frame& frame, const ExpertDims& dims, DimId last) {
  return {{frame.batch, false},
          {frame.seq, false},
          {dims.top_k, false},
          {last, false},
          {dims.experts, true}};
}

/// Which experts each token goes to: [batch seq top_k].
TensorId add_router(const Frame& frame, BlockBuilder& block, const MlpSpec& mlp, TensorId x) {
  // A dim of its own: every rank scores all experts, whichever of them it holds.
  const DimId scores = frame.dim("router_experts", DimKind::other, mlp.experts);
  const DimId top_k = frame.dim("top_k", DimKind::top_k, mlp.top_k);
  const NumberFormat format = frame.weights(frame.spec.formats.router);
  std::vector<TensorId> inputs = {x, block.weight("w_router", {frame.hidden, scores}, format)};
  if (mlp.router_bias) inputs.push_back(block.weight("b_router", {scores}, format));
  const TensorId logits =
      block.matmul("router", inputs,
                   {"router_logits", axes({frame.batch, frame.seq, scores}), NumberFormat::fp32});
  OpAttributes attributes;
  attributes.over = scores;
  attributes.work_per_element = 5;  // softmax or sigmoid with its normalisation, and a comparison
  return block.op("top_k", OpKind::top_k, {logits},
                  {"routes", axes({frame.batch, frame.seq, top_k}), NumberFormat::fp32},
                  attributes);
}

TensorId add_experts(const Frame& frame, BlockBuilder& block, const MlpSpec& mlp,
                     const std::array<TensorId, 2>& x_and_routes) {
  const auto [x, routes] = x_and_routes;
  const ExpertDims dims = {frame.dim("experts", DimKind::experts, mlp.experts),
                           frame.dim("top_k", DimKind::top_k, mlp.top_k),
                           frame.dim("moe_ffn", DimKind::ffn, mlp.ffn)};
  const NumberFormat published = frame.spec.formats.experts;
  const NumberFormat format = frame.weights(published);
  const TensorId xd =
      block.op("dispatch", OpKind::dispatch, {x, routes},
               {"dispatched", routed(frame, dims, frame.hidden), frame.inputs_for(published)});
  const auto wide = [&](const std::string& name) {
    std::vector<TensorId> inputs = {
        xd, block.weight("w_expert_" + name, {dims.experts, frame.hidden, dims.ffn}, format)};
    if (mlp.bias)
      inputs.push_back(
          block.weight("b_expert_" + name, {dims.experts, dims.ffn}, frame.activation()));
    return block.op("expert_" + name + "_proj", OpKind::grouped_matmul, inputs,
                    {"expert_" + name, routed(frame, dims, dims.ffn), frame.activation()});
  };
  std::vector<TensorId> parts;
  if (mlp.gated) parts.push_back(wide("gate"));
  parts.push_back(wide("up"));
  Out out = block.like(parts[0], "expert_act");
  out.format = frame.inputs_for(published);
  const TensorId a = block.map(mlp.activation + (mlp.gated ? "_mul" : ""), parts, out,
                               activation_work(mlp.activation) + (mlp.gated ? 1 : 0));
  std::vector<TensorId> inputs = {
      a, block.weight("w_expert_down", {dims.experts, dims.ffn, frame.hidden}, format)};
  if (mlp.bias)
    inputs.push_back(
        block.weight("b_expert_down", {dims.experts, frame.hidden}, frame.activation()));
  const TensorId yd =
      block.op("expert_down_proj", OpKind::grouped_matmul, inputs,
               {"expert_out", routed(frame, dims, frame.hidden), frame.activation()});
  OpAttributes attributes;
  attributes.work_per_element = 2;
  return block.op("combine", OpKind::combine, {yd, routes},
                  {"combined", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()},
                  attributes);
}

TensorId add_shared_expert(const Frame& frame, BlockBuilder& block, const MlpSpec& mlp,
                           TensorId x) {
  Ffn ffn;
  ffn.prefix = "shared_";
  ffn.dim = "shared_ffn";
  ffn.width = mlp.shared_ffn;
  ffn.format = frame.spec.formats.shared;
  ffn.gated = mlp.gated;
  ffn.bias = mlp.bias;
  ffn.activation = mlp.activation;
  const TensorId y = add_ffn(frame, block, ffn, x);
  if (!mlp.shared_gate) return y;
  const TensorId w = block.weight("w_shared_gate", {frame.hidden}, frame.activation());
  const TensorId gate = block.matmul(
      "shared_gate", {x, w}, {"shared_gate", axes({frame.batch, frame.seq}), frame.activation()});
  return block.map("sigmoid_mul", {y, gate}, block.like(y, "shared_gated"), 1);
}

}  // namespace

double activation_work(const std::string& function) {
  if (function == "relu") return 1;
  if (function == "relu2") return 2;
  if (function == "silu" || function == "quick_gelu") return 4;
  return 8;  // gelu by tanh: three products, an addition, a cube's two, tanh, a half
}

NumberFormat mlp_input_format(const Frame& frame, const MlpSpec& mlp) {
  return frame.inputs_for(mlp.kind == MlpKind::moe ? frame.spec.formats.experts
                                                   : frame.spec.formats.mlp);
}

TensorId add_mlp(const Frame& frame, BlockBuilder& block, const MlpSpec& mlp, TensorId n) {
  if (mlp.kind == MlpKind::none) return n;
  if (mlp.kind == MlpKind::dense) {
    Ffn ffn;
    ffn.width = mlp.ffn;
    ffn.format = frame.spec.formats.mlp;
    ffn.gated = mlp.gated;
    ffn.bias = mlp.bias;
    ffn.activation = mlp.activation;
    return add_ffn(frame, block, ffn, n);
  }
  const TensorId routes = add_router(frame, block, mlp, n);
  const TensorId y = add_experts(frame, block, mlp, {n, routes});
  if (mlp.shared_ffn == 0) return y;
  const TensorId shared = add_shared_expert(frame, block, mlp, n);
  return block.sum("shared_add", {y, shared}, block.like(y, "moe_out"));
}

}  // namespace fastpath::parts
