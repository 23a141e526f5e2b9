/// Families of the Llama kind: RMS norm, rotary embedding, grouped attention, gated MLP or experts.
#include "import/hf/families.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fastpath::hf {
namespace {

constexpr std::int64_t kMostLayers = 10'000;

/// The kinds of attention by layer from `layer_types`; empty if the key is not there.
std::vector<std::string> read_layer_types(Source& source, std::int64_t layers) {
  std::vector<std::string> types = source.texts_or_empty("layer_types");
  if (!types.empty() && types.size() != static_cast<std::size_t>(layers)) {
    source.fail("layer_types",
                fmt::format("\"layer_types\" has {} entries for {} layers", types.size(), layers));
    types.clear();
  }
  return types;
}

/// Experts of a gated kind with their router.
MlpSpec read_experts(Source& source) {
  MlpSpec mlp;
  mlp.kind = MlpKind::moe;
  mlp.ffn = source.size({"moe_intermediate_size", "intermediate_size"});
  mlp.experts = source.size({"num_experts", "num_local_experts", "n_routed_experts"});
  mlp.top_k = source.size({"num_experts_per_tok", "experts_per_token"});
  mlp.activation = read_activation(source, {"hidden_act", "hidden_activation"}, "silu");
  return mlp;
}

}  // namespace

std::int64_t read_layers(Source& source, Source::Keys keys) {
  const std::int64_t layers = source.size(keys);
  if (layers >= 1 && layers <= kMostLayers) return layers;
  source.fail(*keys.begin(),
              fmt::format("a model of {} layers is not possible (1 to {})", layers, kMostLayers));
  return 1;
}

std::string read_activation(Source& source, Source::Keys keys, std::string_view otherwise) {
  std::string name = source.text_or(keys, otherwise);
  if (name.find("gelu") != std::string::npos) return name == "quick_gelu" ? name : "gelu";
  if (name == "swish" || name == "swiglu") return "silu";
  return name;
}

void read_common(Source& source, DecoderSpec& spec) {
  spec.hidden = source.size({"hidden_size", "n_embd", "d_model"});
  spec.vocab = source.size({"vocab_size"});
  spec.max_context = source.size_or({"max_position_embeddings", "n_positions", "max_seq_len"}, 0);
  spec.tied = source.flag_or({"tie_word_embeddings"}, false);
}

MixerSpec read_attention(Source& source, const DecoderSpec& spec) {
  MixerSpec mixer;
  mixer.kind = MixerKind::attention;
  mixer.heads = source.size({"num_attention_heads", "n_head", "n_heads"});
  mixer.kv_heads = source.size_or({"num_key_value_heads"}, mixer.heads);
  const std::int64_t natural = spec.hidden / std::max<std::int64_t>(1, mixer.heads);
  mixer.head_dim = source.size_or({"head_dim", "attention_head_dim"}, natural);
  double part = source.number_or({"partial_rotary_factor", "rotary_pct"}, 1);
  if (auto rope = source.nested("rope_parameters"))
    part = rope->number_or({"partial_rotary_factor"}, part);
  const double rotary = part * static_cast<double>(mixer.head_dim);
  mixer.rope_dim =
      source.size_or({"rotary_dim"}, static_cast<std::int64_t>(std::clamp(rotary, 0.0, 1e9)));
  mixer.qkv_bias = source.flag_or({"attention_bias", "qkv_bias"}, false);
  mixer.output_bias = mixer.qkv_bias;
  return mixer;
}

MlpSpec read_gated_mlp(Source& source) {
  MlpSpec mlp;
  mlp.kind = MlpKind::dense;
  mlp.ffn = source.size({"intermediate_size"});
  mlp.bias = source.flag_or({"mlp_bias"}, false);
  mlp.activation = read_activation(source, {"hidden_act", "hidden_activation"}, "silu");
  return mlp;
}

void read_llama(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  LayerSpec layer;
  layer.mixer = read_attention(source, spec);
  layer.mlp = read_gated_mlp(source);
  if (source.flag_or({"use_sliding_window"}, true))
    layer.mixer.window = source.size_or({"sliding_window"}, 0);
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
}

void read_mimo(Source& source, DecoderSpec& spec) {
  read_llama(source, spec);
  // Its modelling code keeps the output projection without bias, as Qwen2 does.
  for (LayerSpec& layer : spec.layers)
    layer.mixer.output_bias = false;
  const std::int64_t drafts = source.size_or({"num_nextn_predict_layers"}, 0);
  spec.drafts.assign(static_cast<std::size_t>(std::min<std::int64_t>(drafts, 16)),
                     spec.layers.front());
}

namespace {

/// Which layers of a Qwen mixture are sparse.
struct Sparse {
  std::vector<std::int64_t> dense_layers;
  std::int64_t step = 1;

  bool at(std::int64_t layer) const {
    const bool dense =
        std::find(dense_layers.begin(), dense_layers.end(), layer) != dense_layers.end();
    return !dense && (layer + 1) % step == 0;
  }
};

void read_qwen_mixture(Source& source, DecoderSpec& spec, const MixerSpec& mixer) {
  MlpSpec experts = read_experts(source);
  experts.shared_ffn = source.size_or({"shared_expert_intermediate_size"}, 0);
  experts.shared_gate = experts.shared_ffn > 0;
  Sparse sparse;
  sparse.dense_layers = source.sizes_or_empty("mlp_only_layers");
  sparse.step = std::max<std::int64_t>(1, source.size_or({"decoder_sparse_step"}, 1));
  const std::int64_t layers = read_layers(source, {"num_hidden_layers"});
  for (std::int64_t i = 0; i < layers; ++i) {
    LayerSpec layer;
    layer.mixer = mixer;
    layer.mlp = sparse.at(i) ? experts : read_gated_mlp(source);
    append_layer(spec, layer);
  }
}

void read_qwen(Source& source, DecoderSpec& spec, const MixerSpec& mixer) {
  if (source.has("num_experts")) {
    read_qwen_mixture(source, spec, mixer);
    return;
  }
  LayerSpec layer;
  layer.mixer = mixer;
  layer.mlp = read_gated_mlp(source);
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
}

}  // namespace

void read_qwen2(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  MixerSpec mixer = read_attention(source, spec);
  mixer.qkv_bias = true;
  mixer.output_bias = false;
  read_qwen(source, spec, mixer);
}

void read_qwen3(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  MixerSpec mixer = read_attention(source, spec);
  mixer.qk_norm = QkNorm::per_head;
  read_qwen(source, spec, mixer);
}

namespace {

MixerSpec read_delta_net(Source& source) {
  constexpr std::int64_t kChunk = 64;  // of the reference kernels of arXiv 2412.06464
  MixerSpec mixer;
  mixer.kind = MixerKind::delta;
  mixer.heads = source.size({"linear_num_value_heads"});
  mixer.kv_heads = source.size({"linear_num_key_heads"});
  mixer.head_dim = source.size({"linear_key_head_dim"});
  mixer.value_dim = source.size({"linear_value_head_dim"});
  mixer.conv_kernel = source.size({"linear_conv_kernel_dim"});
  mixer.chunk = kChunk;
  return mixer;
}

}  // namespace

void read_qwen3_5(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  MixerSpec full = read_attention(source, spec);
  full.qk_norm = QkNorm::per_head;
  full.output_gate = source.flag_or({"attn_output_gate"}, true);
  const MixerSpec linear = read_delta_net(source);
  LayerSpec layer;
  if (source.has("num_experts")) {
    layer.mlp = read_experts(source);
    layer.mlp.shared_ffn = source.size_or({"shared_expert_intermediate_size"}, 0);
    layer.mlp.shared_gate = layer.mlp.shared_ffn > 0;
  } else {
    layer.mlp = read_gated_mlp(source);
  }
  const std::int64_t layers = read_layers(source, {"num_hidden_layers"});
  const std::int64_t interval =
      std::max<std::int64_t>(1, source.size_or({"full_attention_interval"}, 4));
  const std::vector<std::string> types = read_layer_types(source, layers);
  for (std::int64_t i = 0; i < layers; ++i) {
    const bool is_full = types.empty() ? (i + 1) % interval == 0
                                       : types[static_cast<std::size_t>(i)] == "full_attention";
    layer.mixer = is_full ? full : linear;
    append_layer(spec, layer);
  }
  const std::int64_t drafts = source.size_or({"mtp_num_hidden_layers"}, 0);
  layer.mixer = full;
  spec.drafts.assign(static_cast<std::size_t>(std::min<std::int64_t>(drafts, 16)), layer);
}

void read_mixtral(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  LayerSpec layer;
  layer.mixer = read_attention(source, spec);
  layer.mixer.window = source.size_or({"sliding_window"}, 0);
  layer.mlp = read_experts(source);
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
}

void read_minimax(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  LayerSpec layer;
  layer.mixer = read_attention(source, spec);
  if (source.flag_or({"use_qk_norm"}, false)) {
    const bool whole = source.text_or({"qk_norm_type"}, "per_layer") == "per_layer";
    layer.mixer.qk_norm = whole ? QkNorm::per_layer : QkNorm::per_head;
  }
  layer.mlp = read_experts(source);
  layer.mlp.shared_ffn = source.size_or({"shared_intermediate_size"}, 0);
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
  const std::int64_t modules =
      source.size_or({"num_mtp_modules"}, 0) * source.size_or({"mtp_transformer_layers"}, 1);
  if (source.flag_or({"use_mtp"}, false))
    spec.drafts.assign(static_cast<std::size_t>(std::clamp<std::int64_t>(modules, 0, 16)), layer);
}

void read_gpt_oss(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  LayerSpec layer;
  layer.mixer = read_attention(source, spec);
  layer.mixer.sinks = true;
  layer.mlp = read_experts(source);
  layer.mlp.bias = true;
  layer.mlp.router_bias = true;
  const std::int64_t layers = read_layers(source, {"num_hidden_layers"});
  const std::int64_t window = source.size_or({"sliding_window"}, 128);
  const std::vector<std::string> types = read_layer_types(source, layers);
  for (std::int64_t i = 0; i < layers; ++i) {
    const bool full =
        types.empty() ? i % 2 == 1 : types[static_cast<std::size_t>(i)] == "full_attention";
    layer.mixer.window = full ? 0 : window;
    append_layer(spec, layer);
  }
}

namespace {

/// The published tower of Llama 4 (config.json of meta-llama/Llama-4-Scout-17B-16E, 2025-04): 336
/// pixels, patches of 14, a pixel shuffle of 2 x 2 and two projections.
VisionSpec llama4_tower() {
  VisionSpec vision;
  vision.layers = 34;
  vision.hidden = 1408;
  vision.heads = 16;
  vision.ffn = 5632;
  vision.patch = 14;
  vision.positions = 577;
  vision.merge = 2;
  vision.projector = {4096, 4096, 5120};
  vision.projector_bias = false;
  return vision;
}

}  // namespace

void read_llama4(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  LayerSpec layer;
  layer.mixer = read_attention(source, spec);
  if (source.flag_or({"use_qk_norm"}, true)) layer.mixer.qk_norm = QkNorm::unweighted;
  MlpSpec experts = read_experts(source);
  experts.shared_ffn = experts.ffn;
  MlpSpec dense = read_gated_mlp(source);
  dense.ffn = source.size({"intermediate_size_mlp"});
  const std::int64_t step =
      std::max<std::int64_t>(1, source.size_or({"interleave_moe_layer_step"}, 1));
  const std::int64_t chunk = source.size_or({"attention_chunk_size"}, 8192);
  const std::int64_t rope = layer.mixer.rope_dim;
  const std::int64_t layers = read_layers(source, {"num_hidden_layers"});
  constexpr std::int64_t kFullEvery = 4;  // "iRoPE": every fourth layer has no rotary embedding
  for (std::int64_t i = 0; i < layers; ++i) {
    const bool full = (i + 1) % kFullEvery == 0;
    layer.mixer.rope_dim = full ? 0 : rope;
    layer.mixer.window = full ? 0 : chunk;
    layer.mlp = (i + 1) % step == 0 ? experts : dense;
    append_layer(spec, layer);
  }
  source.warn("attention_chunk_size",
              "attention in chunks is taken as a sliding window of the same size, in three of four "
              "layers");
  spec.vision = llama4_tower();
  source.warn("architectures",
              "the image tower is not in this file; that of the published Llama 4 is assumed");
}

namespace {

MixerSpec read_mla(Source& source) {
  MixerSpec mixer;
  mixer.kind = MixerKind::mla;
  mixer.heads = source.size({"num_attention_heads"});
  mixer.kv_heads = 1;
  mixer.rope_dim = source.size({"qk_rope_head_dim"});
  mixer.head_dim = source.size({"qk_nope_head_dim"}) + mixer.rope_dim;
  mixer.value_dim = source.size({"v_head_dim"});
  mixer.q_lora = source.size_or({"q_lora_rank"}, 0);
  mixer.kv_lora = source.size({"kv_lora_rank"});
  if (source.has("index_topk")) {
    mixer.index_heads = source.size({"index_n_heads"});
    mixer.index_head_dim = source.size({"index_head_dim"});
    mixer.index_top_k = source.size({"index_topk"});
    if (mixer.q_lora == 0)
      source.fail("index_topk", "an indexer needs a query of low rank (\"q_lora_rank\")");
  }
  return mixer;
}

MlpSpec read_deepseek_experts(Source& source) {
  MlpSpec mlp = read_experts(source);
  mlp.shared_ffn = mlp.ffn * source.size_or({"n_shared_experts"}, 0);
  return mlp;
}

}  // namespace

void read_deepseek(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  LayerSpec layer;
  layer.mixer = read_mla(source);
  const MlpSpec experts = read_deepseek_experts(source);
  const MlpSpec dense = read_gated_mlp(source);
  const std::int64_t first = source.size_or({"first_k_dense_replace"}, 0);
  const std::int64_t every = std::max<std::int64_t>(1, source.size_or({"moe_layer_freq"}, 1));
  const std::int64_t layers = read_layers(source, {"num_hidden_layers"});
  for (std::int64_t i = 0; i < layers; ++i) {
    layer.mlp = i >= first && i % every == 0 ? experts : dense;
    append_layer(spec, layer);
  }
  layer.mlp = experts;
  const std::int64_t drafts = source.size_or({"num_nextn_predict_layers"}, 0);
  spec.drafts.assign(static_cast<std::size_t>(std::min<std::int64_t>(drafts, 16)), layer);
}

namespace {

/// Attention of DeepSeek-V4 (report of 2026-04; read from the public modelling code of
/// huggingface/transformers, which agrees with the published parameter totals).
MixerSpec read_compressed(Source& source) {
  MixerSpec mixer;
  mixer.kind = MixerKind::compressed;
  mixer.heads = source.size({"num_attention_heads"});
  mixer.kv_heads = 1;
  mixer.head_dim = source.size({"head_dim"});
  mixer.rope_dim = source.size({"qk_rope_head_dim"});
  mixer.q_lora = source.size({"q_lora_rank"});
  mixer.output_lora = source.size({"o_lora_rank"});
  mixer.output_groups = source.size({"o_groups"});
  mixer.window = source.size({"sliding_window"});
  mixer.sinks = true;
  return mixer;
}

/// The layer of a compression ratio: 0 a window only; small ones select pooled keys by an index.
MixerSpec with_ratio(MixerSpec mixer, std::int64_t ratio, const MixerSpec& index) {
  mixer.compress_ratio = ratio;
  constexpr std::int64_t kSelectedRatio = 4;
  if (ratio == kSelectedRatio) {
    mixer.index_heads = index.index_heads;
    mixer.index_head_dim = index.index_head_dim;
    mixer.index_top_k = index.index_top_k;
  }
  return mixer;
}

}  // namespace

void read_deepseek_v4(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  const MixerSpec mixer = read_compressed(source);
  MixerSpec index;
  index.index_heads = source.size({"index_n_heads"});
  index.index_head_dim = source.size({"index_head_dim"});
  index.index_top_k = source.size({"index_topk"});
  LayerSpec layer;
  layer.mlp = read_deepseek_experts(source);
  const std::int64_t layers = read_layers(source, {"num_hidden_layers"});
  const std::vector<std::int64_t> ratios = source.sizes_or_empty("compress_ratios");
  const auto count = static_cast<std::size_t>(layers);
  if (ratios.size() < count) {
    source.fail("compress_ratios", fmt::format("\"compress_ratios\" has {} entries for {} layers",
                                               ratios.size(), layers));
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    layer.mixer = with_ratio(mixer, ratios[i], index);
    append_layer(spec, layer);
  }
  const std::int64_t drafts = source.size_or({"num_nextn_predict_layers"}, 0);
  layer.mixer = with_ratio(mixer, ratios.size() > count ? ratios[count] : 0, index);
  spec.drafts.assign(static_cast<std::size_t>(std::min<std::int64_t>(drafts, 16)), layer);
  spec.streams = source.size_or({"hc_mult"}, 0);
  spec.sinkhorn = source.size_or({"hc_sinkhorn_iters"}, 0);
  source.warn("compress_ratios",
              "attention, pooling and hyper-connections are counted as in the public modelling "
              "code of DeepSeek-V4; the tables of hash-routed layers are left out");
}

namespace {

MixerSpec read_mamba2(Source& source) {
  MixerSpec mixer;
  mixer.kind = MixerKind::mamba2;
  mixer.heads = source.size({"mamba_num_heads"});
  mixer.head_dim = source.size({"mamba_head_dim"});
  mixer.kv_heads = source.size({"n_groups"});
  mixer.state = source.size({"ssm_state_size"});
  mixer.conv_kernel = source.size({"conv_kernel"});
  mixer.conv_bias = source.flag_or({"use_conv_bias"}, true);
  mixer.chunk = source.size_or({"chunk_size"}, 128);
  return mixer;
}

MlpSpec read_nemotron_mlp(Source& source) {
  MlpSpec mlp;
  mlp.kind = MlpKind::dense;
  mlp.ffn = source.size({"intermediate_size"});
  mlp.gated = false;
  mlp.bias = source.flag_or({"mlp_bias"}, false);
  mlp.activation = read_activation(source, {"mlp_hidden_act"}, "relu2");
  return mlp;
}

MlpSpec read_nemotron_experts(Source& source) {
  MlpSpec mlp = read_nemotron_mlp(source);
  mlp.kind = MlpKind::moe;
  mlp.ffn = source.size({"moe_intermediate_size"});
  mlp.experts = source.size({"n_routed_experts"});
  mlp.top_k = source.size({"num_experts_per_tok"});
  mlp.shared_ffn = source.size_or({"moe_shared_expert_intermediate_size"}, 0) *
                   source.size_or({"n_shared_experts"}, 1);
  return mlp;
}

}  // namespace

void read_nemotron_h(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  const std::int64_t layers = read_layers(source, {"num_hidden_layers"});
  const std::string pattern = source.text_or({"hybrid_override_pattern"}, "");
  if (pattern.size() != static_cast<std::size_t>(layers)) {
    source.fail("hybrid_override_pattern",
                fmt::format("\"hybrid_override_pattern\" has {} letters for {} layers",
                            pattern.size(), layers));
    return;
  }
  MixerSpec attention = read_attention(source, spec);
  attention.rope_dim = 0;  // the modelling code has no position embedding
  for (const char kind : pattern) {
    LayerSpec layer;
    switch (kind) {
      case 'M': layer.mixer = read_mamba2(source); break;
      case '*': layer.mixer = attention; break;
      case '-': layer.mlp = read_nemotron_mlp(source); break;
      case 'E': layer.mlp = read_nemotron_experts(source); break;
      default:
        source.fail("hybrid_override_pattern", "the pattern has a letter other than M, *, - and E");
        return;
    }
    append_layer(spec, layer);
  }
}

namespace {

/// Width of an MLP from its multiple of the hidden size: two thirds of it, as gated MLPs have,
/// rounded up to 256 (modelling code of DeciLM).
std::int64_t nas_width(double multiple, std::int64_t hidden) {
  constexpr std::int64_t kStep = 256;
  const double exact = std::clamp(2 * multiple * static_cast<double>(hidden) / 3, 1.0, 1e9);
  const auto width = static_cast<std::int64_t>(exact);
  return (width + kStep - 1) / kStep * kStep;
}

LayerSpec read_nas_layer(Source& block, const MixerSpec& full, std::int64_t hidden) {
  LayerSpec layer;
  if (auto attention = block.nested("attention")) {
    if (attention->flag_or({"replace_with_linear"}, false))
      attention->fail("replace_with_linear",
                      "attention replaced by a linear layer is not supported");
    if (!attention->flag_or({"no_op"}, false)) {
      layer.mixer = full;
      const std::int64_t group = std::max<std::int64_t>(1, attention->size({"n_heads_in_group"}));
      layer.mixer.kv_heads = std::max<std::int64_t>(1, full.heads / group);
      layer.mixer.window = attention->size_or({"window_length"}, 0);
    }
  }
  if (auto ffn = block.nested("ffn")) {
    if (ffn->flag_or({"replace_with_linear"}, false))
      ffn->fail("replace_with_linear", "an MLP replaced by a linear layer is not supported");
    if (!ffn->flag_or({"no_op"}, false)) {
      layer.mlp.kind = MlpKind::dense;
      layer.mlp.ffn = nas_width(ffn->number_or({"ffn_mult"}, 0), hidden);
    }
  }
  return layer;
}

}  // namespace

void read_nemotron_nas(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  const std::int64_t layers = read_layers(source, {"num_hidden_layers"});
  const MixerSpec full = read_attention(source, spec);
  const nlohmann::json* blocks = source.find({"block_configs"});
  if (blocks == nullptr || !blocks->is_array() ||
      blocks->size() != static_cast<std::size_t>(layers)) {
    source.fail("block_configs",
                fmt::format("\"block_configs\" is not a list of {} layers", layers));
    return;
  }
  const std::string activation = read_activation(source, {"hidden_act"}, "silu");
  for (const nlohmann::json& item : *blocks) {
    if (!item.is_object()) {
      source.fail("block_configs", "\"block_configs\" holds something else than objects");
      return;
    }
    Source block(item, source.report());
    LayerSpec layer = read_nas_layer(block, full, spec.hidden);
    if (layer.mlp.kind != MlpKind::none) layer.mlp.activation = activation;
    const bool empty = layer.mixer.kind == MixerKind::none && layer.mlp.kind == MlpKind::none;
    if (!empty) append_layer(spec, layer);
  }
}

void read_qwen_vision(Source& source, DecoderSpec& spec) {
  VisionSpec vision;
  vision.layers = read_layers(source, {"depth"});
  vision.hidden = source.size({"hidden_size", "embed_dim"});
  vision.heads = source.size({"num_heads"});
  vision.ffn = source.size({"intermediate_size"});
  vision.patch = source.size({"patch_size"});
  vision.temporal_patch = source.size_or({"temporal_patch_size"}, 1);
  vision.channels = source.size_or({"in_channels", "in_chans"}, 3);
  vision.positions = source.size_or({"num_position_embeddings"}, 0);
  vision.merge = source.size_or({"spatial_merge_size"}, 2);
  vision.projector = {vision.hidden * vision.merge * vision.merge,
                      source.size_or({"out_hidden_size"}, spec.hidden)};
  vision.projectors =
      1 + static_cast<std::int64_t>(source.sizes_or_empty("deepstack_visual_indexes").size());
  spec.vision = vision;
}

void read_kimi_vision(Source& source, DecoderSpec& spec) {
  VisionSpec vision;
  vision.layers = read_layers(source, {"vt_num_hidden_layers"});
  vision.hidden = source.size({"vt_hidden_size"});
  vision.heads = source.size({"vt_num_attention_heads"});
  vision.ffn = source.size({"vt_intermediate_size"});
  vision.patch = source.size({"patch_size"});
  vision.positions =
      source.size_or({"init_pos_emb_height"}, 1) * source.size_or({"init_pos_emb_width"}, 1);
  const std::vector<std::int64_t> kernel = source.sizes_or_empty("merge_kernel_size");
  vision.merge = kernel.empty() ? 2 : kernel.front();
  vision.projector = {vision.hidden * vision.merge * vision.merge,
                      source.size_or({"text_hidden_size"}, spec.hidden)};
  spec.vision = vision;
}

}  // namespace fastpath::hf
