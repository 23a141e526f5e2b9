/// An image tower: patches, transformer layers and the projection into the model's tokens.
#include <algorithm>

#include "import/model/parts.h"

namespace fastpath::parts {
namespace {

struct Tower {
  const Frame& frame;
  const VisionSpec& vision;
  DimId images = 0;
  DimId patches = 0;
  DimId keys = 0;
  DimId tokens = 0;
  DimId hidden = 0;
  DimId heads = 0;
  DimId head_dim = 0;
  DimId ffn = 0;

  NumberFormat format() const { return frame.activation(); }
  std::vector<Axis> rows(std::initializer_list<DimId> last) const {
    std::vector<Axis> result = axes({frame.batch, images, patches});
    for (const DimId dim : last)
      result.push_back({dim, false});
    return result;
  }
};

Tower make_tower(const Frame& frame, const VisionSpec& vision) {
  Tower tower{frame, vision};
  const std::int64_t side = std::max<std::int64_t>(1, frame.request.image_side / vision.patch);
  const std::int64_t merged = std::max<std::int64_t>(1, side / vision.merge);
  tower.images =
      frame.dim("images", DimKind::other, std::max<std::int64_t>(1, frame.request.images));
  tower.patches = frame.dim("patches", DimKind::sequence, side * side);
  tower.keys = frame.dim("patch_context", DimKind::context, side * side);
  tower.tokens = frame.dim("image_tokens", DimKind::sequence, merged * merged);
  tower.hidden = frame.dim("vision_hidden", DimKind::hidden, vision.hidden);
  tower.heads = frame.dim("vision_heads", DimKind::heads, vision.heads);
  tower.head_dim = frame.dim("vision_head_dim", DimKind::head_dim, vision.hidden / vision.heads);
  tower.ffn = frame.dim("vision_ffn", DimKind::ffn, vision.ffn);
  return tower;
}

TensorId tower_norm(const Tower& tower, BlockBuilder& block, const std::string& name, TensorId x) {
  OpAttributes attributes;
  attributes.over = tower.hidden;
  attributes.work_per_element = 7;
  const TensorId w = block.weight("w_" + name, {tower.hidden}, tower.format());
  const TensorId b = block.weight("b_" + name, {tower.hidden}, tower.format());
  return block.op(name, OpKind::layer_norm, {x, w, b}, block.like(x, name + "_out"), attributes);
}

Block patch_block(const Tower& tower) {
  const VisionSpec& vision = tower.vision;
  BlockBuilder block(tower.frame.workload, "vision_patches");
  const DimId pixels =
      tower.frame.dim("patch_pixels", DimKind::other,
                      vision.channels * vision.temporal_patch * vision.patch * vision.patch);
  const TensorId x =
      block.tensor({"pixels", tower.rows({pixels}), tower.format(), TensorRole::input});
  const TensorId w = block.weight("w_patch", {pixels, tower.hidden}, tower.format());
  const TensorId b = block.weight("b_patch", {tower.hidden}, tower.format());
  const TensorId y = block.matmul("patch_embedding", {x, w, b},
                                  {"patch", tower.rows({tower.hidden}), tower.format()});
  std::vector<TensorId> inputs = {y};
  if (vision.positions > 0) {
    const DimId positions = tower.frame.dim("vision_positions", DimKind::other, vision.positions);
    inputs.push_back(block.weight("w_positions", {positions, tower.hidden}, tower.format()));
  }
  // Of the table only the rows in use are added; it is small beside the patches.
  block.sum("position_add", inputs, block.like(y, "xv"));
  return block.finish();
}

TensorId tower_attention(const Tower& tower, BlockBuilder& block, TensorId n) {
  const auto project = [&](const std::string& name) {
    const TensorId w =
        block.weight("w" + name, {tower.hidden, tower.heads, tower.head_dim}, tower.format());
    const TensorId b = block.weight("b" + name, {tower.heads, tower.head_dim}, tower.format());
    return block.matmul(name + "_proj", {n, w, b},
                        {name, tower.rows({tower.heads, tower.head_dim}), tower.format()});
  };
  const auto as_keys = [&](TensorId x, const std::string& name) {
    Out out = block.like(x, name + "_keys");
    out.axes[2].dim = tower.keys;
    return block.op("append_" + name, OpKind::cache_append, {x}, out);
  };
  const TensorId q = project("q");
  const TensorId k = as_keys(project("k"), "k");
  const TensorId v = as_keys(project("v"), "v");
  const TensorId o = block.op("attention", OpKind::attention, {q, k, v}, block.like(q, "o"));
  const TensorId wo =
      block.weight("wo", {tower.heads, tower.head_dim, tower.hidden}, tower.format());
  const TensorId bo = block.weight("bo", {tower.hidden}, tower.format());
  return block.matmul("o_proj", {o, wo, bo},
                      {"attention_out", tower.rows({tower.hidden}), tower.format()});
}

Block layer_block(const Tower& tower) {
  BlockBuilder block(tower.frame.workload, "vision_layer");
  const TensorId x = block.tensor({"xv", tower.rows({tower.hidden}), tower.format()});
  TensorId y = tower_attention(tower, block, tower_norm(tower, block, "attention_norm", x));
  const TensorId mid = block.sum("attention_add", {x, y}, block.like(x, "xv_mid"));
  const TensorId n = tower_norm(tower, block, "mlp_norm", mid);
  const auto wide = [&](const std::string& name) {
    const TensorId w = block.weight("w_" + name, {tower.hidden, tower.ffn}, tower.format());
    const TensorId b = block.weight("b_" + name, {tower.ffn}, tower.format());
    return block.matmul(name + "_proj", {n, w, b}, {name, tower.rows({tower.ffn}), tower.format()});
  };
  std::vector<TensorId> parts;
  if (tower.vision.gated) parts.push_back(wide("gate"));
  parts.push_back(wide("up"));
  const TensorId a = block.map("gelu", parts, block.like(parts[0], "act"), activation_work("gelu"));
  const TensorId w = block.weight("w_down", {tower.ffn, tower.hidden}, tower.format());
  const TensorId b = block.weight("b_down", {tower.hidden}, tower.format());
  y = block.matmul("down_proj", {a, w, b}, {"mlp_out", tower.rows({tower.hidden}), tower.format()});
  block.sum("mlp_add", {mid, y}, block.like(x, "xv_out"));
  return block.finish();
}

/// Merged patches through the projection's widths.
Block projector_block(const Tower& tower) {
  const VisionSpec& vision = tower.vision;
  const Frame& frame = tower.frame;
  BlockBuilder block(frame.workload, "vision_projector");
  const TensorId x = block.tensor({"xv", tower.rows({tower.hidden}), tower.format()});
  const TensorId n = tower_norm(tower, block, "projector_norm", x);
  DimId in =
      frame.dim("merged_hidden", DimKind::other, vision.hidden * vision.merge * vision.merge);
  const auto row = [&](DimId last) {
    return axes({frame.batch, tower.images, tower.tokens, last});
  };
  TensorId y = block.op("merge_patches", OpKind::copy, {n}, {"merged", row(in), tower.format()});
  for (std::size_t i = 0; i < vision.projector.size(); ++i) {
    const std::string name = "projector_" + std::to_string(i + 1);
    const DimId width =
        frame.dim("projector_width_" + std::to_string(i + 1), DimKind::other, vision.projector[i]);
    std::vector<TensorId> inputs = {y, block.weight("w_" + name, {in, width}, tower.format())};
    if (vision.projector_bias) inputs.push_back(block.weight("b_" + name, {width}, tower.format()));
    y = block.matmul(name, inputs, {name + "_out", row(width), tower.format()});
    const bool last = i + 1 == vision.projector.size();
    if (!last) y = block.map("gelu", {y}, block.like(y, name + "_act"), activation_work("gelu"));
    in = width;
  }
  return block.finish();
}

}  // namespace

void add_vision(const Frame& frame, const VisionSpec& vision) {
  Workload& workload = frame.workload;
  const Tower tower = make_tower(frame, vision);
  const SegmentUse use = frame.request.images > 0 ? SegmentUse::executed : SegmentUse::idle;
  const auto append = [&](Block block, std::int64_t repeat) {
    workload.blocks.push_back(std::move(block));
    workload.segments.push_back(
        {static_cast<std::uint32_t>(workload.blocks.size() - 1), repeat, use});
  };
  append(patch_block(tower), 1);
  append(layer_block(tower), vision.layers);
  append(projector_block(tower), vision.projectors);
}

}  // namespace fastpath::parts
