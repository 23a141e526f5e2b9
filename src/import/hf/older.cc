/// Families with key names and layer forms of their own: Gemma, Phi, GPT-2 and its contemporaries.
#include <algorithm>

#include <fmt/format.h>

#include "import/hf/families.h"

namespace fastpath::hf {
namespace {

/// Layers of which every `period`-th sees all keys and the others a window.
void append_alternating(DecoderSpec& spec, LayerSpec layer, std::int64_t layers,
                        std::int64_t period) {
  const std::int64_t window = layer.mixer.window;
  for (std::int64_t i = 0; i < layers; ++i) {
    layer.mixer.window = (i + 1) % period == 0 ? 0 : window;
    append_layer(spec, layer);
  }
}

LayerSpec gemma_layer(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  spec.tied = source.flag_or({"tie_word_embeddings"}, true);
  LayerSpec layer;
  layer.mixer = read_attention(source, spec);
  layer.mlp = read_gated_mlp(source);
  if (!source.has("hidden_act") && !source.has("hidden_activation")) layer.mlp.activation = "gelu";
  return layer;
}

}  // namespace

MlpSpec plain_mlp(std::int64_t width, std::string activation, bool bias) {
  MlpSpec mlp;
  mlp.kind = MlpKind::dense;
  mlp.ffn = width;
  mlp.gated = false;
  mlp.bias = bias;
  mlp.activation = std::move(activation);
  return mlp;
}

MixerSpec plain_attention(Source& source, const DecoderSpec& spec, bool bias) {
  MixerSpec mixer;
  mixer.kind = MixerKind::attention;
  mixer.heads = source.size({"num_attention_heads", "n_head", "n_heads", "num_heads"});
  mixer.kv_heads = mixer.heads;
  mixer.head_dim = spec.hidden / std::max<std::int64_t>(1, mixer.heads);
  mixer.qkv_bias = bias;
  mixer.output_bias = bias;
  return mixer;
}

void read_gemma(Source& source, DecoderSpec& spec) {
  const LayerSpec layer = gemma_layer(source, spec);
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
}

void read_gemma2(Source& source, DecoderSpec& spec) {
  LayerSpec layer = gemma_layer(source, spec);
  layer.post_norms = true;
  layer.mixer.window = source.size_or({"sliding_window"}, 4096);
  append_alternating(spec, layer, read_layers(source, {"num_hidden_layers"}), 2);
}

void read_gemma3(Source& source, DecoderSpec& spec) {
  LayerSpec layer = gemma_layer(source, spec);
  layer.post_norms = true;
  layer.mixer.qk_norm = QkNorm::per_head;
  layer.mixer.window = source.size_or({"sliding_window"}, 1024);
  const std::int64_t period =
      std::max<std::int64_t>(1, source.size_or({"sliding_window_pattern"}, 6));
  append_alternating(spec, layer, read_layers(source, {"num_hidden_layers"}), period);
}

void read_phi(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  spec.norm = NormKind::layer;
  spec.head_bias = true;
  LayerSpec layer;
  layer.mixer = read_attention(source, spec);
  layer.mixer.qkv_bias = true;
  layer.mixer.output_bias = true;
  const std::string activation = read_activation(source, {"hidden_act"}, "gelu");
  layer.mlp = plain_mlp(source.size({"intermediate_size"}), activation, true);
  layer.parallel = true;
  layer.single_norm = true;
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
}

void read_gpt2(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  spec.norm = NormKind::layer;
  spec.tied = source.flag_or({"tie_word_embeddings"}, true);
  spec.positions = source.size({"n_positions", "n_ctx"});
  LayerSpec layer;
  layer.mixer = plain_attention(source, spec, true);
  const std::string activation = read_activation(source, {"activation_function"}, "gelu");
  layer.mlp = plain_mlp(source.size_or({"n_inner"}, 4 * spec.hidden), activation, true);
  append_layer(spec, layer, read_layers(source, {"n_layer"}));
}

void read_gptj(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  spec.norm = NormKind::layer;
  spec.head_bias = true;
  LayerSpec layer;
  layer.mixer = plain_attention(source, spec, false);
  layer.mixer.rope_dim = source.size_or({"rotary_dim"}, layer.mixer.head_dim);
  const std::string activation = read_activation(source, {"activation_function"}, "gelu");
  layer.mlp = plain_mlp(source.size_or({"n_inner"}, 4 * spec.hidden), activation, true);
  layer.parallel = true;
  layer.single_norm = true;
  append_layer(spec, layer, read_layers(source, {"n_layer"}));
}

void read_gpt_neox(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  spec.norm = NormKind::layer;
  LayerSpec layer;
  layer.mixer = read_attention(source, spec);
  layer.mixer.qkv_bias = source.flag_or({"attention_bias"}, true);
  layer.mixer.output_bias = layer.mixer.qkv_bias;
  const std::string activation = read_activation(source, {"hidden_act"}, "gelu");
  layer.mlp = plain_mlp(source.size({"intermediate_size"}), activation, true);
  layer.parallel = source.flag_or({"use_parallel_residual"}, true);
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
}

void read_opt(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  spec.norm = NormKind::layer;
  spec.tied = source.flag_or({"tie_word_embeddings"}, true);
  constexpr std::int64_t kReservedPositions = 2;  // of OPT's position table
  spec.positions = source.size({"max_position_embeddings"}) + kReservedPositions;
  LayerSpec layer;
  layer.mixer = plain_attention(source, spec, source.flag_or({"enable_bias"}, true));
  const std::string activation = read_activation(source, {"activation_function"}, "relu");
  layer.mlp = plain_mlp(source.size({"ffn_dim"}), activation, layer.mixer.qkv_bias);
  layer.norm_after = !source.flag_or({"do_layer_norm_before"}, true);
  spec.final_norm = !layer.norm_after;
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
  const std::int64_t projected = source.size_or({"word_embed_proj_dim"}, spec.hidden);
  if (projected != spec.hidden) {
    source.warn("word_embed_proj_dim",
                fmt::format("embeddings of width {} are taken as wide as the model", projected));
  }
}

void read_bloom(Source& source, DecoderSpec& spec) {
  spec.hidden = source.size({"hidden_size", "n_embed"});
  spec.vocab = source.size({"vocab_size"});
  spec.norm = NormKind::layer;
  spec.tied = source.flag_or({"tie_word_embeddings"}, true);
  spec.embedding_norm = true;
  LayerSpec layer;
  layer.mixer = plain_attention(source, spec, true);
  layer.mlp = plain_mlp(4 * spec.hidden, "gelu", true);
  append_layer(spec, layer, read_layers(source, {"n_layer", "num_hidden_layers"}));
}

void read_falcon(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  spec.norm = NormKind::layer;
  spec.tied = source.flag_or({"tie_word_embeddings"}, true);
  const bool bias = source.flag_or({"bias"}, false);
  LayerSpec layer;
  layer.mixer = plain_attention(source, spec, bias);
  const bool grouped = source.flag_or({"new_decoder_architecture"}, false);
  if (grouped) {
    layer.mixer.kv_heads = source.size_or({"num_kv_heads", "n_head_kv"}, layer.mixer.heads);
  } else if (source.flag_or({"multi_query"}, true)) {
    layer.mixer.kv_heads = 1;
  }
  if (!source.flag_or({"alibi"}, false)) layer.mixer.rope_dim = layer.mixer.head_dim;
  layer.mlp = plain_mlp(source.size_or({"ffn_hidden_size"}, 4 * spec.hidden), "gelu", bias);
  layer.parallel = grouped || source.flag_or({"parallel_attn"}, true);
  // Two norms side by side in the newer form, unless the file says one.
  layer.single_norm = !grouped || source.size_or({"num_ln_in_parallel_attn"}, 2) == 1;
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers", "n_layer"}));
}

void read_mpt(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  const bool bias = !source.flag_or({"no_bias"}, true);
  spec.norm = bias ? NormKind::layer : NormKind::layer_plain;
  spec.tied = source.flag_or({"tie_word_embeddings"}, true);
  LayerSpec layer;
  layer.mixer = plain_attention(source, spec, bias);
  bool alibi = false;
  if (auto attention = source.nested("attn_config")) {
    alibi = attention->flag_or({"alibi"}, false);
    if (attention->text_or({"attn_type"}, "") == "multiquery_attention") layer.mixer.kv_heads = 1;
    layer.mixer.kv_heads = attention->size_or({"kv_n_heads"}, layer.mixer.kv_heads);
  }
  if (!alibi) spec.positions = spec.max_context;
  const std::int64_t ratio = source.size_or({"expansion_ratio"}, 4);
  layer.mlp = plain_mlp(std::min<std::int64_t>(ratio, 1000) * spec.hidden, "gelu", bias);
  append_layer(spec, layer, read_layers(source, {"n_layers"}));
}

void read_bert(Source& source, DecoderSpec& spec) {
  read_common(source, spec);
  spec.norm = NormKind::layer;
  spec.causal = false;
  spec.head = false;
  spec.final_norm = false;
  spec.embedding_norm = true;
  spec.positions = source.size({"max_position_embeddings"});
  spec.token_types = source.size_or({"type_vocab_size"}, 2);
  LayerSpec layer;
  layer.mixer = plain_attention(source, spec, true);
  const std::string activation = read_activation(source, {"hidden_act"}, "gelu");
  layer.mlp = plain_mlp(source.size({"intermediate_size"}), activation, true);
  layer.norm_after = true;
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
  source.warn("model_type", "an encoder without its head: a forward pass only");
}

}  // namespace fastpath::hf
