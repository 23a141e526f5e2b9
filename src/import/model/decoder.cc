#include "import/model/decoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "import/model/parts.h"

namespace fastpath {
namespace parts {

TensorId add_norm(const Frame& frame, BlockBuilder& block, std::string name, TensorId x,
                  NumberFormat format) {
  const bool rms = frame.spec.norm == NormKind::rms;
  std::vector<TensorId> inputs = {x, block.weight("w_" + name, {frame.hidden}, frame.activation())};
  if (frame.spec.norm == NormKind::layer) {
    inputs.push_back(block.weight("b_" + name, {frame.hidden}, frame.activation()));
  }
  OpAttributes attributes;
  attributes.over = frame.hidden;
  // Square, add, scale, weight; layer norm besides: mean, subtract, bias.
  attributes.work_per_element = rms ? 4 : 7;
  Out out = block.like(x, name + "_out");
  out.format = format;
  return block.op(std::move(name), rms ? OpKind::rms_norm : OpKind::layer_norm, inputs, out,
                  attributes);
}

TensorId add_rms_norm(BlockBuilder& block, std::string name, TensorId x,
                      std::initializer_list<DimId> dims, DimId over) {
  const TensorId w = block.weight("w_" + name, dims, block.at(x).format);
  OpAttributes attributes;
  attributes.over = over;
  attributes.work_per_element = 4;
  Out out = block.like(x, name + "_out");
  return block.op(std::move(name), OpKind::rms_norm, {x, w}, std::move(out), attributes);
}

TensorId add_dropout(const Frame& frame, BlockBuilder& block, const std::string& name, TensorId x) {
  constexpr double kWork = 2;  // mask and scale
  return frame.drops() ? block.map("dropout", {x}, block.like(x, name + "_dropped"), kWork) : x;
}

TensorId add_rope(BlockBuilder& block, std::string name, TensorId x) {
  OpAttributes attributes;
  attributes.work_per_element = 3;  // four products and two sums per pair
  Out out = block.like(x, name + "_out");
  return block.op(std::move(name), OpKind::rope, {x}, std::move(out), attributes);
}

Collapsed collapse_streams(const Frame& frame, BlockBuilder& block, TensorId x) {
  // DeepSeek-V4 report, section 2.2: weights that collapse (streams), put back (streams) and mix
  // (streams^2) the residual streams come from one projection of them all.
  const std::int64_t streams = frame.spec.streams;
  const DimId mixes = frame.dim("stream_mixes", DimKind::other, (2 + streams) * streams);
  const std::string name =
      "mix_" + std::to_string(block.at(x).axes.size()) + "_" + block.at(x).name;
  const TensorId w =
      block.weight("w_" + name, {frame.streams, frame.hidden, mixes}, NumberFormat::fp32);
  const TensorId b = block.weight("b_" + name, {mixes}, NumberFormat::fp32);
  TensorId mix = block.matmul("stream_mix", {x, w, b},
                              {name, axes({frame.batch, frame.seq, mixes}), NumberFormat::fp32});
  // A sigmoid, then rounds of row and column normalisation: a sum and a division each.
  mix = block.map("sinkhorn", {mix}, block.like(mix, name + "_normed"),
                  4 + 4 * static_cast<double>(frame.spec.sinkhorn));
  OpAttributes attributes;
  attributes.work_per_element = 2;
  const TensorId stream =
      block.op("collapse", OpKind::reduce, {x, mix},
               {name + "_stream", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()},
               attributes);
  return {stream, mix};
}

TensorId expand_streams(const Frame& frame, BlockBuilder& block, TensorId x, TensorId y,
                        TensorId mix) {
  const double work = 2 * static_cast<double>(frame.spec.streams) + 2;
  return block.map("expand", {x, y, mix}, block.like(x, block.at(mix).name + "_x"), work);
}

}  // namespace parts

namespace {

using parts::Frame;

/// What a model's own tokens are asked for: an image has as many as it has; a prefill of an
/// encoder-decoder reads its source and makes the first token.
ModelRequest own_request(const DecoderSpec& spec, ModelRequest request) {
  if (spec.patches) {
    request.sequence = spec.patches->tokens();
  } else if (spec.encoder && request.phase == Phase::prefill) {
    request.past = 0;
    request.sequence = 1;
  }
  return request;
}

/// Tokens of the source: in a decode step as many as stand before the new ones.
ModelRequest source_request(ModelRequest request) {
  if (request.phase == Phase::decode) request.sequence = std::max<std::int64_t>(1, request.past);
  request.past = 0;
  return request;
}

Frame source_frame(const DecoderSpec& spec, const ModelRequest& request, Workload& workload) {
  Frame frame{spec, request, workload};
  frame.encoding = true;
  frame.batch = frame.dim("batch", DimKind::batch, request.batch);
  frame.seq = frame.dim("source", DimKind::sequence, request.sequence);
  frame.context = frame.dim("source_context", DimKind::context, request.sequence);
  frame.hidden = frame.dim("hidden", DimKind::hidden, spec.hidden);
  return frame;
}

Frame make_frame(const DecoderSpec& spec, const ModelRequest& request, Workload& workload) {
  Frame frame{spec, request, workload};
  frame.encoding = spec.patches.has_value();
  frame.batch = frame.dim("batch", DimKind::batch, request.batch);
  frame.seq = frame.dim("seq", DimKind::sequence, request.sequence);
  frame.context = frame.dim("context", DimKind::context, frame.keys());
  frame.hidden = frame.dim("hidden", DimKind::hidden, spec.hidden);
  if (spec.streams > 1) frame.streams = frame.dim("streams", DimKind::other, spec.streams);
  return frame;
}

Out residual(const Frame& frame, std::string name) {
  Out out = {std::move(name), axes({frame.batch, frame.seq}), frame.activation()};
  if (frame.spec.streams > 1) out.axes.push_back({frame.streams, false});
  out.axes.push_back({frame.hidden, false});
  return out;
}

/// Pixels[batch seq pixels] to rows of the model's width; the class token is a row as well.
Block patch_block(const Frame& frame, const PatchSpec& patches) {
  BlockBuilder block(frame.workload, "embedding");
  const NumberFormat format = frame.weights(frame.spec.formats.embedding);
  const DimId pixels =
      frame.dim("patch_pixels", DimKind::other, patches.channels * patches.patch * patches.patch);
  const DimId extra = frame.dim("extra_tokens", DimKind::other, patches.extra);
  const DimId positions = frame.dim("positions", DimKind::other, patches.tokens());
  const TensorId x = block.tensor(
      {"pixels", axes({frame.batch, frame.seq, pixels}), frame.activation(), TensorRole::input});
  const TensorId w = block.weight("w_patch", {pixels, frame.hidden}, format);
  const TensorId b = block.weight("b_patch", {frame.hidden}, frame.activation());
  const TensorId y =
      block.matmul("patch_embedding", {x, w, b},
                   {"patches", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()});
  const TensorId table = block.weight("w_positions", {positions, frame.hidden}, frame.activation());
  const TensorId tokens = block.weight("w_extra", {extra, frame.hidden}, frame.activation());
  block.sum("position_add", {y, table, tokens}, residual(frame, "x"));
  return block.finish();
}

/// `tied`: the table is stored with another block.
Block embedding_block(const Frame& frame, std::string called, bool tied) {
  const DecoderSpec& spec = frame.spec;
  BlockBuilder block(frame.workload, std::move(called));
  const DimId vocab = frame.dim("vocab", DimKind::vocab, spec.vocab);
  const TensorId ids =
      block.tensor({"ids", axes({frame.batch, frame.seq}), NumberFormat::int32, TensorRole::input});
  const TensorId table =
      block.weight("w_embedding", {vocab, frame.hidden}, frame.weights(spec.formats.embedding));
  block.set_tied(table, tied);
  const Out plain = {"x", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()};
  Out out = plain;
  if (spec.streams > 1) out.name = "x_single";
  TensorId x = block.op("embedding", OpKind::embedding, {ids, table}, out);
  const auto add_table = [&](const std::string& name, std::int64_t rows) {
    if (rows == 0) return;
    const DimId dim = frame.dim(name, DimKind::other, rows);
    const TensorId weight = block.weight("w_" + name, {dim, frame.hidden}, frame.activation());
    const TensorId row =
        block.op(name + "_embedding", OpKind::embedding, {ids, weight}, block.like(x, name));
    x = block.sum(name + "_add", {x, row}, block.like(x, "x_" + name));
  };
  add_table("positions", spec.positions);
  add_table("token_types", spec.token_types);
  if (spec.embedding_norm)
    x = parts::add_norm(frame, block, "embedding_norm", x, frame.activation());
  x = parts::add_dropout(frame, block, "embedding", x);
  if (spec.streams > 1) block.op("copy_streams", OpKind::copy, {x}, residual(frame, "x_streams"));
  return block.finish();
}

/// One sublayer: norm, `part`, norm, and the residual add. Returns the new residual.
template <class Part>
TensorId add_sublayer(const Frame& frame, BlockBuilder& block, TensorId x, const LayerSpec& layer,
                      const std::pair<std::string, Part>& named) {
  const auto& [name, part] = named;
  const NumberFormat input = name == "attention" ? parts::mixer_input_format(frame, layer.mixer)
                                                 : parts::mlp_input_format(frame, layer.mlp);
  if (frame.spec.streams > 1) {
    const parts::Collapsed collapsed = parts::collapse_streams(frame, block, x);
    const TensorId n = parts::add_norm(frame, block, name + "_norm", collapsed.stream, input);
    return parts::expand_streams(frame, block, x, part(n), collapsed.mix);
  }
  const TensorId n = layer.norm_after ? x : parts::add_norm(frame, block, name + "_norm", x, input);
  TensorId y = part(n);
  if (layer.post_norms) {
    y = parts::add_norm(frame, block, name + "_post_norm", y, frame.activation());
  }
  y = parts::add_dropout(frame, block, name, y);
  const TensorId sum = block.sum(name + "_add", {x, y}, block.like(x, "x_" + name));
  if (!layer.norm_after) return sum;
  return parts::add_norm(frame, block, name + "_norm", sum, frame.activation());
}

/// Mixer and MLP side by side on the same residual.
TensorId add_parallel(const Frame& frame, BlockBuilder& block, TensorId x, const LayerSpec& layer) {
  const NumberFormat input = parts::mixer_input_format(frame, layer.mixer);
  const TensorId n = parts::add_norm(frame, block, "attention_norm", x, input);
  const TensorId m = layer.single_norm ? n
                                       : parts::add_norm(frame, block, "mlp_norm", x,
                                                         parts::mlp_input_format(frame, layer.mlp));
  const TensorId a = parts::add_mixer(frame, block, layer.mixer, n);
  const TensorId b = parts::add_mlp(frame, block, layer.mlp, m);
  return block.sum("parallel_add", {x, a, b}, block.like(x, "x_out"));
}

TensorId add_layer(const Frame& frame, BlockBuilder& block, TensorId x, const LayerSpec& layer) {
  const bool both = layer.mixer.kind != MixerKind::none && layer.mlp.kind != MlpKind::none;
  if (layer.parallel && both) return add_parallel(frame, block, x, layer);
  if (layer.mixer.kind != MixerKind::none) {
    const auto mix = [&](TensorId n) { return parts::add_mixer(frame, block, layer.mixer, n); };
    x = add_sublayer(frame, block, x, layer, std::pair{std::string("attention"), mix});
  }
  if (layer.cross) {
    const auto attend = [&](TensorId n) {
      return parts::add_cross_attention(frame, block, layer.mixer, n);
    };
    x = add_sublayer(frame, block, x, layer, std::pair{std::string("cross"), attend});
  }
  if (layer.mlp.kind != MlpKind::none) {
    const auto mlp = [&](TensorId n) { return parts::add_mlp(frame, block, layer.mlp, n); };
    x = add_sublayer(frame, block, x, layer, std::pair{std::string("mlp"), mlp});
  }
  return x;
}

/// The logits of x[... hidden], and the loss in training.
void add_logits(const Frame& frame, BlockBuilder& block, TensorId x, bool counted) {
  const DecoderSpec& spec = frame.spec;
  const DimId vocab = spec.outputs > 0 ? frame.dim("outputs", DimKind::other, spec.outputs)
                                       : frame.dim("vocab", DimKind::vocab, spec.vocab);
  const TensorId w =
      block.weight("w_head", {frame.hidden, vocab}, frame.weights(spec.formats.head));
  block.set_tied(w, (spec.tied && spec.outputs == 0) || !counted);
  std::vector<TensorId> inputs = {x, w};
  if (spec.head_bias) inputs.push_back(block.weight("b_head", {vocab}, frame.activation()));
  Out out = block.like(x, "logits");
  out.axes.back().dim = vocab;
  out.format = NumberFormat::fp32;
  const TensorId logits = block.matmul("logits", inputs, out);
  if (frame.request.phase != Phase::training) return;
  std::vector<Axis> rows = block.at(x).axes;
  rows.pop_back();
  Out targets = {"targets", rows, NumberFormat::int32, TensorRole::input};
  OpAttributes attributes;
  attributes.over = vocab;
  attributes.work_per_element = 5;  // maximum, subtract, exp, sum, divide
  Out loss = {"loss", rows, NumberFormat::fp32};
  block.op("cross_entropy", OpKind::cross_entropy, {logits, block.tensor(targets)}, loss,
           attributes);
}

Block head_block(const Frame& frame) {
  const DecoderSpec& spec = frame.spec;
  BlockBuilder block(frame.workload, "head");
  TensorId x = block.tensor(residual(frame, "x"));
  // Only the last token's logits are needed to go on; classes are told from one token. A decode
  // step of several tokens checks proposed ones: by the logits of each.
  const bool goes_on = frame.caching() && frame.request.phase != Phase::decode;
  const bool one_only = goes_on || spec.outputs > 0;
  const bool last_only = one_only && spec.head && frame.request.sequence > 1;
  if (last_only) {
    Out last = residual(frame, "x_last");
    last.axes.erase(last.axes.begin() + 1);
    x = block.op("last_token", OpKind::copy, {x}, last);
  }
  if (spec.streams > 1) {
    const DimId mixes = frame.dim("head_mixes", DimKind::other, spec.streams);
    const TensorId w =
        block.weight("w_head_mix", {frame.streams, frame.hidden, mixes}, NumberFormat::fp32);
    Out mix_out = block.like(x, "head_mix");
    mix_out.axes.resize(mix_out.axes.size() - 2);
    Out stream = mix_out;
    stream.name = "head_stream";
    stream.axes.push_back({frame.hidden, false});
    mix_out.axes.push_back({mixes, false});
    mix_out.format = NumberFormat::fp32;
    const TensorId mix = block.matmul("head_mix", {x, w}, mix_out);
    OpAttributes attributes;
    attributes.work_per_element = 2;
    x = block.op("head_collapse", OpKind::reduce, {x, mix}, stream, attributes);
  }
  if (spec.final_norm) {
    const NumberFormat format =
        spec.head ? frame.inputs_for(spec.formats.head) : frame.activation();
    x = parts::add_norm(frame, block, "final_norm", x, format);
  }
  if (spec.head) add_logits(frame, block, x, true);
  return block.finish();
}

std::string block_name(const DecoderSpec& spec, std::size_t index) {
  if (spec.layers.size() == 1) return "layer";
  const LayerSpec& layer = spec.layers[index];
  std::string name = "layer_" + std::to_string(index + 1);
  constexpr std::array<const char*, 6> kMixers = {"",        "_attention", "_mla",
                                                  "_mamba2", "_delta",     "_compressed"};
  constexpr std::array<const char*, 3> kMlps = {"", "_dense", "_moe"};
  name += kMixers[static_cast<std::size_t>(layer.mixer.kind)];
  if (layer.mixer.window > 0) name += "_window";
  name += kMlps[static_cast<std::size_t>(layer.mlp.kind)];
  return name;
}

Block layer_block(const Frame& frame, const LayerSpec& layer, std::string name) {
  BlockBuilder block(frame.workload, std::move(name));
  const TensorId x = block.tensor(residual(frame, "x"));
  add_layer(frame, block, x, layer);
  return block.finish();
}

/// A multi-token prediction module (arXiv 2412.19437, section 2.2): the last hidden state and the
/// next token's embedding, normed, joined and projected, one layer, and the shared head.
Block draft_block(const Frame& frame, const LayerSpec& layer, std::string name) {
  const DecoderSpec& spec = frame.spec;
  BlockBuilder block(frame.workload, std::move(name));
  const TensorId x = block.tensor(residual(frame, "x"));
  const DimId vocab = frame.dim("vocab", DimKind::vocab, spec.vocab);
  const TensorId ids =
      block.tensor({"ids", axes({frame.batch, frame.seq}), NumberFormat::int32, TensorRole::input});
  const TensorId table =
      block.weight("w_embedding", {vocab, frame.hidden}, frame.weights(spec.formats.embedding));
  block.set_tied(table, true);
  Out single = {"x_next", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()};
  TensorId e = block.op("embedding", OpKind::embedding, {ids, table}, single);
  e = parts::add_norm(frame, block, "embedding_norm", e, frame.activation());
  const TensorId h = parts::add_norm(frame, block, "hidden_norm", x, frame.activation());
  const DimId joined = frame.dim("draft_input", DimKind::other, 2 * spec.hidden);
  Out join = block.like(h, "joined");
  join.axes.back().dim = joined;
  const TensorId j = block.op("join", OpKind::copy, {e, h}, join);
  const TensorId w = block.weight("w_join", {joined, frame.hidden}, frame.activation());
  TensorId y = block.matmul("join_proj", {j, w}, residual(frame, "x_draft"));
  y = add_layer(frame, block, y, layer);
  y = parts::add_norm(frame, block, "draft_norm", y, frame.activation());
  if (spec.streams > 1) {
    single.name = "draft_stream";
    y = block.op("draft_collapse", OpKind::reduce, {y}, single);
  }
  if (spec.head) add_logits(frame, block, y, false);
  return block.finish();
}

void append_block(Workload& workload, Block block, std::int64_t repeat, SegmentUse use) {
  workload.blocks.push_back(std::move(block));
  workload.segments.push_back(
      {static_cast<std::uint32_t>(workload.blocks.size() - 1), repeat, use});
}

}  // namespace

std::int64_t layer_count(const DecoderSpec& spec) {
  std::int64_t count = 0;
  for (const LayerRun& run : spec.runs)
    count += run.repeat;
  return count;
}

void append_layer(DecoderSpec& spec, const LayerSpec& layer, std::int64_t repeat) {
  const auto found = std::find(spec.layers.begin(), spec.layers.end(), layer);
  const auto index = static_cast<std::size_t>(found - spec.layers.begin());
  if (found == spec.layers.end()) spec.layers.push_back(layer);
  if (!spec.runs.empty() && spec.runs.back().layer == index) {
    spec.runs.back().repeat += repeat;
  } else {
    spec.runs.push_back({index, repeat});
  }
}

namespace {

/// Embedding, layers and last norm of the encoder. A decode step only keeps their weights.
/// Returns the source's context, as the decoder sees it.
DimId add_encoder(const DecoderSpec& spec, const ModelRequest& asked, Workload& workload) {
  const EncoderSpec& encoder = *spec.encoder;
  const ModelRequest request = source_request(asked);
  const Frame frame = source_frame(spec, request, workload);
  const SegmentUse use = asked.phase == Phase::decode ? SegmentUse::idle : SegmentUse::executed;
  append_block(workload, embedding_block(frame, "source_embedding", true), 1, use);
  append_block(workload, layer_block(frame, encoder.layer, "encoder"), encoder.repeat, use);
  if (spec.final_norm) {
    BlockBuilder end(workload, "encoder_end");
    const TensorId x = end.tensor(residual(frame, "x"));
    parts::add_norm(frame, end, "encoder_norm", x, frame.activation());
    append_block(workload, end.finish(), 1, use);
  }
  return frame.context;
}

}  // namespace

Workload build_decoder(const DecoderSpec& spec, const ModelRequest& asked) {
  Workload workload;
  workload.name = spec.name;
  workload.phase = spec.patches && asked.phase == Phase::prefill ? Phase::forward : asked.phase;
  DimId source = 0;
  if (spec.encoder) source = add_encoder(spec, asked, workload);
  const ModelRequest request = own_request(spec, asked);
  Frame frame = make_frame(spec, request, workload);
  frame.source = source;
  if (spec.vision) parts::add_vision(frame, *spec.vision);
  append_block(
      workload,
      spec.patches ? patch_block(frame, *spec.patches) : embedding_block(frame, "embedding", false),
      1, SegmentUse::executed);
  const auto first = static_cast<std::uint32_t>(workload.blocks.size());
  for (std::size_t i = 0; i < spec.layers.size(); ++i)
    workload.blocks.push_back(layer_block(frame, spec.layers[i], block_name(spec, i)));
  for (const LayerRun& run : spec.runs) {
    const auto block = first + static_cast<std::uint32_t>(run.layer);
    workload.segments.push_back({block, run.repeat, SegmentUse::executed});
  }
  append_block(workload, head_block(frame), 1, SegmentUse::executed);
  for (std::size_t i = 0; i < spec.drafts.size(); ++i) {
    Block block = draft_block(frame, spec.drafts[i], "draft_" + std::to_string(i + 1));
    append_block(workload, std::move(block), 1, SegmentUse::draft);
  }
  return workload;
}

}  // namespace fastpath
