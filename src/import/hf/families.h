/// Readers of model families; each fills a spec from a configuration's keys.
#pragma once

#include "import/hf/source.h"
#include "import/model/decoder.h"

namespace fastpath::hf {

// Shared by the families.

/// hidden, vocab, tied embeddings, longest context.
void read_common(Source& source, DecoderSpec& spec);
/// heads, kv_heads, head_dim, rotary part, biases; full attention.
MixerSpec read_attention(Source& source, const DecoderSpec& spec);
/// A gated dense MLP of `intermediate_size`.
MlpSpec read_gated_mlp(Source& source);
/// An MLP of two matrices.
MlpSpec plain_mlp(std::int64_t width, std::string activation, bool bias);
/// Full attention of equal heads.
MixerSpec plain_attention(Source& source, const DecoderSpec& spec, bool bias);
/// The field's name for an activation function: silu, gelu, relu, relu2, quick_gelu.
std::string read_activation(Source& source, Source::Keys keys, std::string_view otherwise);
/// Number of layers, limited; reports an error beyond the limit.
std::int64_t read_layers(Source& source, Source::Keys keys);
/// Storage formats from the dtype and quantization_config of `source`.
void read_formats(Source& source, DecoderSpec& spec);

// Families.
void read_llama(Source& source, DecoderSpec& spec);
void read_qwen2(Source& source, DecoderSpec& spec);
void read_qwen3(Source& source, DecoderSpec& spec);
void read_qwen3_5(Source& source, DecoderSpec& spec);
void read_mixtral(Source& source, DecoderSpec& spec);
void read_llama4(Source& source, DecoderSpec& spec);
void read_deepseek(Source& source, DecoderSpec& spec);
void read_deepseek_v4(Source& source, DecoderSpec& spec);
void read_gpt_oss(Source& source, DecoderSpec& spec);
void read_minimax(Source& source, DecoderSpec& spec);
void read_nemotron_h(Source& source, DecoderSpec& spec);
void read_nemotron_nas(Source& source, DecoderSpec& spec);
void read_mimo(Source& source, DecoderSpec& spec);
void read_gemma(Source& source, DecoderSpec& spec);
void read_gemma2(Source& source, DecoderSpec& spec);
void read_gemma3(Source& source, DecoderSpec& spec);
void read_phi(Source& source, DecoderSpec& spec);
void read_gpt2(Source& source, DecoderSpec& spec);
void read_gpt_neox(Source& source, DecoderSpec& spec);
void read_gptj(Source& source, DecoderSpec& spec);
void read_opt(Source& source, DecoderSpec& spec);
void read_bloom(Source& source, DecoderSpec& spec);
void read_falcon(Source& source, DecoderSpec& spec);
void read_mpt(Source& source, DecoderSpec& spec);
void read_bert(Source& source, DecoderSpec& spec);
void read_t5(Source& source, DecoderSpec& spec);
void read_bart(Source& source, DecoderSpec& spec);
void read_mbart(Source& source, DecoderSpec& spec);
void read_vit(Source& source, DecoderSpec& spec);
void read_deit(Source& source, DecoderSpec& spec);
void read_clip(Source& source, DecoderSpec& spec);

// Image towers.
void read_qwen_vision(Source& source, DecoderSpec& spec);
void read_kimi_vision(Source& source, DecoderSpec& spec);
void read_clip_vision(Source& source, DecoderSpec& spec);

}  // namespace fastpath::hf
