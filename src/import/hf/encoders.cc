/// Families that are no plain decoders: encoder-decoders (T5, BART) and image models (ViT, CLIP).
#include <algorithm>
#include <utility>

#include "import/hf/families.h"

namespace fastpath::hf {
namespace {

/// What a decode step cannot know of an encoder-decoder.
void say_source(Source& source) {
  source.warn(
      "model_type",
      "an encoder-decoder: a prefill reads --seq source tokens and makes the first token; a "
      "decode step has as many source tokens behind it as --past");
}

/// An encoder of `layers` of the decoder's kind, whose layers attend to it besides.
void set_layers(DecoderSpec& spec, const std::pair<LayerSpec, std::int64_t>& encoder,
                std::pair<LayerSpec, std::int64_t> decoder) {
  decoder.first.cross = true;
  spec.encoder = {encoder.first, encoder.second};
  append_layer(spec, decoder.first, decoder.second);
}

LayerSpec bart_layer(Source& source, const DecoderSpec& spec, std::string_view side) {
  const std::string prefix(side);
  LayerSpec layer;
  layer.mixer.kind = MixerKind::attention;
  layer.mixer.heads = source.size({prefix + "_attention_heads"});
  layer.mixer.kv_heads = layer.mixer.heads;
  layer.mixer.head_dim = spec.hidden / std::max<std::int64_t>(1, layer.mixer.heads);
  layer.mixer.qkv_bias = true;
  layer.mixer.output_bias = true;
  layer.mlp = plain_mlp(source.size({prefix + "_ffn_dim"}),
                        read_activation(source, {"activation_function"}, "gelu"), true);
  return layer;
}

void read_bart_like(Source& source, DecoderSpec& spec, bool norm_after) {
  read_common(source, spec);
  spec.norm = NormKind::layer;
  spec.tied = source.flag_or({"tie_word_embeddings"}, true);
  constexpr std::int64_t kReservedPositions = 2;  // of BART's position tables
  spec.positions = source.size({"max_position_embeddings"}) + kReservedPositions;
  spec.embedding_norm = true;
  spec.final_norm = !norm_after;
  LayerSpec encoder = bart_layer(source, spec, "encoder");
  LayerSpec decoder = bart_layer(source, spec, "decoder");
  encoder.norm_after = decoder.norm_after = norm_after;
  set_layers(spec, {encoder, read_layers(source, {"encoder_layers"})},
             {decoder, read_layers(source, {"decoder_layers"})});
  say_source(source);
}

void read_image_model(Source& source, DecoderSpec& spec, std::int64_t extra) {
  spec.hidden = source.size({"hidden_size"});
  spec.norm = NormKind::layer;
  spec.causal = false;
  PatchSpec patches;
  patches.side = source.size_or({"image_size"}, 224);
  patches.patch = source.size_or({"patch_size"}, 16);
  patches.channels = source.size_or({"num_channels"}, 3);
  patches.extra = extra;
  spec.patches = patches;
  spec.outputs = source.size_or({"num_labels"}, 0);
  if (const auto labels = source.nested("id2label"))
    spec.outputs = static_cast<std::int64_t>(labels->object().size());
  spec.head = spec.outputs > 0;
  spec.head_bias = spec.head;
  LayerSpec layer;
  layer.mixer = plain_attention(source, spec, true);
  layer.mixer.qkv_bias = source.flag_or({"qkv_bias"}, true);
  layer.mlp = plain_mlp(source.size({"intermediate_size"}),
                        read_activation(source, {"hidden_act"}, "gelu"), true);
  append_layer(spec, layer, read_layers(source, {"num_hidden_layers"}));
  source.warn("model_type", "an image model: tokens are its patches, and it keeps no cache");
}

}  // namespace

void read_t5(Source& source, DecoderSpec& spec) {
  spec.hidden = source.size({"d_model"});
  spec.vocab = source.size({"vocab_size"});
  spec.max_context = source.size_or({"n_positions"}, 0);
  spec.tied = source.flag_or({"tie_word_embeddings"}, true);
  LayerSpec layer;
  layer.mixer.kind = MixerKind::attention;
  layer.mixer.heads = source.size({"num_heads"});
  layer.mixer.kv_heads = layer.mixer.heads;
  layer.mixer.head_dim = source.size({"d_kv"});
  const std::string form = source.text_or({"feed_forward_proj"}, "relu");
  const bool gated = form.rfind("gated-", 0) == 0;
  layer.mlp = plain_mlp(source.size({"d_ff"}), gated ? form.substr(6) : form, false);
  layer.mlp.gated = gated;
  const std::int64_t layers = read_layers(source, {"num_layers"});
  const bool same = !source.has("num_decoder_layers");
  set_layers(spec, {layer, layers},
             {layer, same ? layers : read_layers(source, {"num_decoder_layers"})});
  say_source(source);
}

void read_bart(Source& source, DecoderSpec& spec) { read_bart_like(source, spec, true); }

void read_mbart(Source& source, DecoderSpec& spec) { read_bart_like(source, spec, false); }

void read_vit(Source& source, DecoderSpec& spec) { read_image_model(source, spec, 1); }

/// DeiT: a token of distillation besides that of the class (arXiv 2012.12877).
void read_deit(Source& source, DecoderSpec& spec) { read_image_model(source, spec, 2); }

/// The text tower; sizes that a file leaves out are those of ViT-B/32 (arXiv 2103.00020).
void read_clip(Source& source, DecoderSpec& spec) {
  spec.hidden = source.size_or({"hidden_size"}, 512);
  spec.vocab = source.size_or({"vocab_size"}, 49408);
  spec.positions = source.size_or({"max_position_embeddings"}, 77);
  spec.max_context = spec.positions;
  spec.outputs = source.size_or({"projection_dim"}, 512);
  spec.norm = NormKind::layer;
  LayerSpec layer;
  layer.mixer.kind = MixerKind::attention;
  layer.mixer.heads = source.size_or({"num_attention_heads"}, 8);
  layer.mixer.kv_heads = layer.mixer.heads;
  layer.mixer.head_dim = spec.hidden / std::max<std::int64_t>(1, layer.mixer.heads);
  layer.mixer.qkv_bias = true;
  layer.mixer.output_bias = true;
  layer.mlp = plain_mlp(source.size_or({"intermediate_size"}, 2048),
                        read_activation(source, {"hidden_act"}, "quick_gelu"), true);
  const bool sized = source.has("num_hidden_layers");
  append_layer(spec, layer, sized ? read_layers(source, {"num_hidden_layers"}) : 12);
  source.warn(
      "model_type",
      "two towers: the image's runs with --images N, at its own --image-side (224 for most); "
      "a forward pass only");
}

void read_clip_vision(Source& source, DecoderSpec& spec) {
  VisionSpec vision;
  vision.layers = source.has("num_hidden_layers") ? read_layers(source, {"num_hidden_layers"}) : 12;
  vision.hidden = source.size_or({"hidden_size"}, 768);
  vision.heads = source.size_or({"num_attention_heads"}, 12);
  vision.ffn = source.size_or({"intermediate_size"}, 3072);
  vision.patch = source.size_or({"patch_size"}, 32);
  vision.channels = source.size_or({"num_channels"}, 3);
  const std::int64_t side =
      source.size_or({"image_size"}, 224) / std::max<std::int64_t>(1, vision.patch);
  vision.positions = side * side + 1;  // and the class token's
  vision.projector = {source.size_or({"projection_dim"}, spec.outputs)};
  vision.projector_bias = false;
  spec.vision = vision;
}

}  // namespace fastpath::hf
