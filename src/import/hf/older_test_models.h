/// Configurations with the key names of their makers, and the published parameter totals.
#pragma once

#include <string_view>

namespace fastpath {

struct PublishedModel {
  std::string_view name;
  double billions;  ///< parameters
  std::string_view config;
};

// clang-format off
inline constexpr PublishedModel kPublishedModels[] = {
    // meta-llama/Llama-2, config.json (2023-07-18)
    {"llama-2-7b", 6.738, R"({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "intermediate_size": 11008, "vocab_size": 32000, "max_position_embeddings": 4096, "tie_word_embeddings": false, "torch_dtype": "float16"})"},
    // meta-llama/Llama-2, config.json (2023-07-18)
    {"llama-2-13b", 13.016, R"({"model_type": "llama", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40, "num_key_value_heads": 40, "intermediate_size": 13824, "vocab_size": 32000, "max_position_embeddings": 4096, "tie_word_embeddings": false, "torch_dtype": "float16"})"},
    // meta-llama/Llama-2, config.json (2023-07-18)
    {"llama-2-70b", 68.977, R"({"model_type": "llama", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 28672, "vocab_size": 32000, "max_position_embeddings": 4096, "tie_word_embeddings": false, "torch_dtype": "float16"})"},
    // meta-llama/Meta-Llama-3, config.json (2024-04-18)
    {"llama-3-8b", 8.03, R"({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 8192, "tie_word_embeddings": false, "torch_dtype": "bfloat16"})"},
    // meta-llama/Meta-Llama-3, config.json (2024-04-18)
    {"llama-3-70b", 70.554, R"({"model_type": "llama", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 28672, "vocab_size": 128256, "max_position_embeddings": 8192, "tie_word_embeddings": false, "torch_dtype": "bfloat16"})"},
    // meta-llama/Llama-3.2, config.json (2024-09-25)
    {"llama-3.2-1b", 1.236, R"({"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256, "max_position_embeddings": 131072, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "head_dim": 64})"},
    // meta-llama/Llama-3.2, config.json (2024-09-25)
    {"llama-3.2-3b", 3.213, R"({"model_type": "llama", "hidden_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 24, "num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256, "max_position_embeddings": 131072, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "head_dim": 128})"},
    // mistralai/Mistral-7B-v0.1, config.json (2023-09-27)
    {"mistral-7b", 7.242, R"({"model_type": "mistral", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 32000, "max_position_embeddings": 32768, "sliding_window": 4096, "torch_dtype": "bfloat16"})"},
    // Qwen/Qwen2.5, config.json (2024-09-19)
    {"qwen2.5-0.5b", 0.494, R"({"model_type": "qwen2", "hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "intermediate_size": 4864, "vocab_size": 151936, "max_position_embeddings": 131072, "tie_word_embeddings": true, "torch_dtype": "bfloat16"})"},
    // Qwen/Qwen2.5, config.json (2024-09-19)
    {"qwen2.5-7b", 7.616, R"({"model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944, "vocab_size": 152064, "max_position_embeddings": 131072, "tie_word_embeddings": false, "torch_dtype": "bfloat16"})"},
    // Qwen/Qwen2.5, config.json (2024-09-19)
    {"qwen2.5-32b", 32.764, R"({"model_type": "qwen2", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 40, "num_key_value_heads": 8, "intermediate_size": 27648, "vocab_size": 152064, "max_position_embeddings": 131072, "tie_word_embeddings": false, "torch_dtype": "bfloat16"})"},
    // Qwen/Qwen2.5, config.json (2024-09-19)
    {"qwen2.5-72b", 72.706, R"({"model_type": "qwen2", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 29568, "vocab_size": 152064, "max_position_embeddings": 131072, "tie_word_embeddings": false, "torch_dtype": "bfloat16"})"},
    // deepseek-ai/DeepSeek-V2, config.json (2024-05-06)
    {"deepseek-v2", 235.741, R"({"model_type": "deepseek_v2", "hidden_size": 5120, "num_hidden_layers": 60, "num_attention_heads": 128, "num_key_value_heads": 128, "intermediate_size": 12288, "moe_intermediate_size": 1536, "n_routed_experts": 160, "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1, "moe_layer_freq": 1, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 102400, "max_position_embeddings": 163840, "torch_dtype": "bfloat16"})"},
    // deepseek-ai/DeepSeek-V2-Lite, config.json (2024-05-15)
    {"deepseek-v2-lite", 15.706, R"({"model_type": "deepseek_v2", "hidden_size": 2048, "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16, "intermediate_size": 10944, "moe_intermediate_size": 1408, "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1, "moe_layer_freq": 1, "q_lora_rank": null, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 102400, "max_position_embeddings": 163840, "torch_dtype": "bfloat16"})"},
    // openai-community/gpt2, config.json (2019-11-05)
    {"gpt2", 0.12444, R"({"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "vocab_size": 50257, "activation_function": "gelu_new", "torch_dtype": "float32"})"},
    // openai-community/gpt2, config.json (2019-11-05)
    {"gpt2-medium", 0.35482, R"({"model_type": "gpt2", "n_embd": 1024, "n_layer": 24, "n_head": 16, "n_positions": 1024, "vocab_size": 50257, "activation_function": "gelu_new", "torch_dtype": "float32"})"},
    // openai-community/gpt2, config.json (2019-11-05)
    {"gpt2-large", 0.77403, R"({"model_type": "gpt2", "n_embd": 1280, "n_layer": 36, "n_head": 20, "n_positions": 1024, "vocab_size": 50257, "activation_function": "gelu_new", "torch_dtype": "float32"})"},
    // openai-community/gpt2, config.json (2019-11-05)
    {"gpt2-xl", 1.5576, R"({"model_type": "gpt2", "n_embd": 1600, "n_layer": 48, "n_head": 25, "n_positions": 1024, "vocab_size": 50257, "activation_function": "gelu_new", "torch_dtype": "float32"})"},
    // EleutherAI/gpt-j-6b, config.json (2021-06-08)
    {"gpt-j-6b", 6.0508, R"({"model_type": "gptj", "n_embd": 4096, "n_layer": 28, "n_head": 16, "n_positions": 2048, "rotary_dim": 64, "vocab_size": 50400, "activation_function": "gelu_new", "torch_dtype": "float16"})"},
    // EleutherAI/gpt-neox-20b, config.json; arXiv 2204.06745 (2022-02-09)
    {"gpt-neox-20b", 20.556, R"({"model_type": "gpt_neox", "hidden_size": 6144, "num_hidden_layers": 44, "num_attention_heads": 64, "intermediate_size": 24576, "vocab_size": 50432, "max_position_embeddings": 2048, "rotary_pct": 0.25, "hidden_act": "gelu_fast", "tie_word_embeddings": false, "torch_dtype": "float16"})"},
    // facebook/opt, config.json; arXiv 2205.01068 (2022-05-02)
    {"opt-1.3b", 1.3158, R"({"model_type": "opt", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32, "ffn_dim": 8192, "vocab_size": 50272, "max_position_embeddings": 2048, "activation_function": "relu", "word_embed_proj_dim": 2048, "do_layer_norm_before": true, "torch_dtype": "float16"})"},
    // facebook/opt, config.json; arXiv 2205.01068 (2022-05-02)
    {"opt-6.7b", 6.6585, R"({"model_type": "opt", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "ffn_dim": 16384, "vocab_size": 50272, "max_position_embeddings": 2048, "activation_function": "relu", "word_embed_proj_dim": 4096, "do_layer_norm_before": true, "torch_dtype": "float16"})"},
    // facebook/opt, config.json; arXiv 2205.01068 (2022-05-02)
    {"opt-13b", 12.853, R"({"model_type": "opt", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40, "ffn_dim": 20480, "vocab_size": 50272, "max_position_embeddings": 2048, "activation_function": "relu", "word_embed_proj_dim": 5120, "do_layer_norm_before": true, "torch_dtype": "float16"})"},
    // facebook/opt, config.json; arXiv 2205.01068 (2022-05-02)
    {"opt-30b", 29.975, R"({"model_type": "opt", "hidden_size": 7168, "num_hidden_layers": 48, "num_attention_heads": 56, "ffn_dim": 28672, "vocab_size": 50272, "max_position_embeddings": 2048, "activation_function": "relu", "word_embed_proj_dim": 7168, "do_layer_norm_before": true, "torch_dtype": "float16"})"},
    // facebook/opt, config.json; arXiv 2205.01068 (2022-05-02)
    {"opt-66b", 65.718, R"({"model_type": "opt", "hidden_size": 9216, "num_hidden_layers": 64, "num_attention_heads": 72, "ffn_dim": 36864, "vocab_size": 50272, "max_position_embeddings": 2048, "activation_function": "relu", "word_embed_proj_dim": 9216, "do_layer_norm_before": true, "torch_dtype": "float16"})"},
    // facebook/opt, config.json; arXiv 2205.01068 (2022-05-02)
    {"opt-175b", 174.6, R"({"model_type": "opt", "hidden_size": 12288, "num_hidden_layers": 96, "num_attention_heads": 96, "ffn_dim": 49152, "vocab_size": 50272, "max_position_embeddings": 2048, "activation_function": "relu", "word_embed_proj_dim": 12288, "do_layer_norm_before": true, "torch_dtype": "float16"})"},
    // bigscience/bloom, config.json; arXiv 2211.05100 (2022-07-06)
    {"bloom-176b", 176.247, R"({"model_type": "bloom", "n_embed": 14336, "n_layer": 70, "num_attention_heads": 112, "vocab_size": 250880, "torch_dtype": "bfloat16"})"},
    // tiiuae/falcon-7b, config.json (2023-05-25)
    {"falcon-7b", 7.2171, R"({"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71, "vocab_size": 65024, "multi_query": true, "parallel_attn": true, "new_decoder_architecture": false, "alibi": false, "bias": false, "tie_word_embeddings": false, "torch_dtype": "bfloat16"})"},
    // tiiuae/falcon-40b, config.json (2023-05-25)
    {"falcon-40b", 41.303, R"({"model_type": "falcon", "hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128, "num_kv_heads": 8, "vocab_size": 65024, "parallel_attn": true, "new_decoder_architecture": true, "alibi": false, "bias": false, "torch_dtype": "bfloat16"})"},
    // tiiuae/falcon-180B, config.json (2023-09-06)
    {"falcon-180b", 179.52, R"({"model_type": "falcon", "hidden_size": 14848, "num_hidden_layers": 80, "num_attention_heads": 232, "num_kv_heads": 8, "vocab_size": 65024, "parallel_attn": true, "new_decoder_architecture": true, "alibi": false, "bias": false, "torch_dtype": "bfloat16"})"},
    // mosaicml/mpt-7b, config.json (2023-05-05)
    {"mpt-7b", 6.6493, R"({"model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32, "expansion_ratio": 4, "no_bias": true, "vocab_size": 50432, "max_seq_len": 2048, "attn_config": {"alibi": true, "attn_type": "multihead_attention"}, "torch_dtype": "bfloat16"})"},
    // mosaicml/mpt-30b, config.json (2023-06-22)
    {"mpt-30b", 29.958, R"({"model_type": "mpt", "d_model": 7168, "n_layers": 48, "n_heads": 64, "expansion_ratio": 4, "no_bias": true, "vocab_size": 50432, "max_seq_len": 8192, "attn_config": {"alibi": true, "attn_type": "multihead_attention"}, "torch_dtype": "bfloat16"})"},
    // google/gemma-2b, config.json; arXiv 2403.08295 (2024-02-21)
    {"gemma-2b", 2.5062, R"({"model_type": "gemma", "hidden_size": 2048, "num_hidden_layers": 18, "num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 256, "intermediate_size": 16384, "vocab_size": 256000, "max_position_embeddings": 8192, "hidden_activation": "gelu_pytorch_tanh", "torch_dtype": "bfloat16"})"},
    // google/gemma-7b, config.json; arXiv 2403.08295 (2024-02-21)
    {"gemma-7b", 8.5377, R"({"model_type": "gemma", "hidden_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 16, "head_dim": 256, "intermediate_size": 24576, "vocab_size": 256000, "max_position_embeddings": 8192, "hidden_activation": "gelu_pytorch_tanh", "torch_dtype": "bfloat16"})"},
    // google/gemma-2-2b, config.json; arXiv 2408.00118 (2024-07-31)
    {"gemma-2-2b", 2.6143, R"({"model_type": "gemma2", "hidden_size": 2304, "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "intermediate_size": 9216, "vocab_size": 256000, "max_position_embeddings": 8192, "hidden_activation": "gelu_pytorch_tanh", "torch_dtype": "bfloat16", "sliding_window": 4096})"},
    // google/gemma-2-9b, config.json; arXiv 2408.00118 (2024-06-27)
    {"gemma-2-9b", 9.2417, R"({"model_type": "gemma2", "hidden_size": 3584, "num_hidden_layers": 42, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 256, "intermediate_size": 14336, "vocab_size": 256000, "max_position_embeddings": 8192, "hidden_activation": "gelu_pytorch_tanh", "torch_dtype": "bfloat16", "sliding_window": 4096})"},
    // google/gemma-2-27b, config.json; arXiv 2408.00118 (2024-06-27)
    {"gemma-2-27b", 27.227, R"({"model_type": "gemma2", "hidden_size": 4608, "num_hidden_layers": 46, "num_attention_heads": 32, "num_key_value_heads": 16, "head_dim": 128, "intermediate_size": 36864, "vocab_size": 256000, "max_position_embeddings": 8192, "hidden_activation": "gelu_pytorch_tanh", "torch_dtype": "bfloat16", "sliding_window": 4096})"},
    // google/gemma-3-1b-pt, config.json; arXiv 2503.19786 (2025-03-12)
    {"gemma-3-1b", 0.99989, R"({"model_type": "gemma3_text", "hidden_size": 1152, "num_hidden_layers": 26, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "intermediate_size": 6912, "vocab_size": 262144, "max_position_embeddings": 32768, "hidden_activation": "gelu_pytorch_tanh", "torch_dtype": "bfloat16", "sliding_window": 512, "sliding_window_pattern": 6})"},
    // google/gemma-3-27b-pt, config.json (text part); arXiv 2503.19786 (2025-03-12)
    {"gemma-3-27b-text", 27.009, R"({"model_type": "gemma3_text", "hidden_size": 5376, "num_hidden_layers": 62, "num_attention_heads": 32, "num_key_value_heads": 16, "head_dim": 128, "intermediate_size": 21504, "vocab_size": 262208, "max_position_embeddings": 131072, "hidden_activation": "gelu_pytorch_tanh", "torch_dtype": "bfloat16", "sliding_window": 1024, "sliding_window_pattern": 6})"},
    // microsoft/phi-2, config.json (2023-12-12)
    {"phi-2", 2.7797, R"({"model_type": "phi", "hidden_size": 2560, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 10240, "vocab_size": 51200, "max_position_embeddings": 2048, "partial_rotary_factor": 0.4, "hidden_act": "gelu_new", "torch_dtype": "float16"})"},
    // microsoft/Phi-3-mini-4k-instruct, config.json; arXiv 2404.14219 (2024-04-23)
    {"phi-3-mini", 3.8211, R"({"model_type": "phi3", "hidden_size": 3072, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "intermediate_size": 8192, "vocab_size": 32064, "max_position_embeddings": 4096, "sliding_window": 2047, "torch_dtype": "bfloat16"})"},
    // microsoft/Phi-3-medium-4k-instruct, config.json; arXiv 2404.14219 (2024-05-21)
    {"phi-3-medium", 13.96, R"({"model_type": "phi3", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40, "num_key_value_heads": 10, "intermediate_size": 17920, "vocab_size": 32064, "max_position_embeddings": 4096, "sliding_window": 2047, "torch_dtype": "bfloat16"})"},
    // google-bert/bert-base-uncased, config.json; without pooler and head (2018-10-31)
    {"bert-base", 0.10889, R"({"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2, "hidden_act": "gelu", "torch_dtype": "float32"})"},
    // google-bert/bert-large-uncased, config.json; without pooler and head (2018-10-31)
    {"bert-large", 0.33409, R"({"model_type": "bert", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096, "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2, "hidden_act": "gelu", "torch_dtype": "float32"})"},
    // arXiv 2205.05198, table 3 (2022-05-10)
    {"megatron-22b", 22.0, R"({"model_type": "gpt2", "n_embd": 6144, "n_layer": 48, "n_head": 64, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2205.05198, table 3 (2022-05-10)
    {"megatron-175b", 174.6, R"({"model_type": "gpt2", "n_embd": 12288, "n_layer": 96, "n_head": 96, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2205.05198, table 3 (2022-05-10)
    {"megatron-530b", 529.6, R"({"model_type": "gpt2", "n_embd": 20480, "n_layer": 105, "n_head": 128, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2205.05198, table 3 (2022-05-10)
    {"megatron-1t", 1008.0, R"({"model_type": "gpt2", "n_embd": 25600, "n_layer": 128, "n_head": 160, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2104.04473, table 1 (2021-04-09)
    {"megatron-1.7b", 1.7, R"({"model_type": "gpt2", "n_embd": 2304, "n_layer": 24, "n_head": 24, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2104.04473, table 1 (2021-04-09)
    {"megatron-3.6b", 3.6, R"({"model_type": "gpt2", "n_embd": 3072, "n_layer": 30, "n_head": 32, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2104.04473, table 1 (2021-04-09)
    {"megatron-7.5b", 7.5, R"({"model_type": "gpt2", "n_embd": 4096, "n_layer": 36, "n_head": 32, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2104.04473, table 1 (2021-04-09)
    {"megatron-18b", 18.4, R"({"model_type": "gpt2", "n_embd": 6144, "n_layer": 40, "n_head": 48, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2104.04473, table 1 (2021-04-09)
    {"megatron-39b", 39.1, R"({"model_type": "gpt2", "n_embd": 8192, "n_layer": 48, "n_head": 64, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2104.04473, table 1 (2021-04-09)
    {"megatron-76b", 76.1, R"({"model_type": "gpt2", "n_embd": 10240, "n_layer": 60, "n_head": 80, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2104.04473, table 1 (2021-04-09)
    {"megatron-145b", 145.6, R"({"model_type": "gpt2", "n_embd": 12288, "n_layer": 80, "n_head": 96, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2104.04473, table 1 (2021-04-09)
    {"megatron-310b", 310.1, R"({"model_type": "gpt2", "n_embd": 16384, "n_layer": 96, "n_head": 128, "n_positions": 2048, "vocab_size": 51200, "activation_function": "gelu_new", "torch_dtype": "bfloat16"})"},
    // arXiv 2005.14165, table 2.1 (2020-05-28)
    {"gpt3-175b", 174.6, R"({"model_type": "gpt2", "n_embd": 12288, "n_layer": 96, "n_head": 96, "n_positions": 2048, "vocab_size": 50257, "activation_function": "gelu_new", "torch_dtype": "float16"})"},
    // google-t5/t5-base, config.json; arXiv 1910.10683 (2019-10-23)
    {"t5-base", 0.2229, R"({"model_type": "t5", "d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_decoder_layers": 12, "num_heads": 12, "vocab_size": 32128, "n_positions": 512, "relative_attention_num_buckets": 32})"},
    // google/flan-t5-xl, config.json (2022-10-21)
    {"flan-t5-xl", 2.8498, R"({"model_type": "t5", "d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_decoder_layers": 24, "num_heads": 32, "vocab_size": 32128, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false})"},
    // facebook/bart-large, config.json; arXiv 1910.13461 (2019-10-29)
    {"bart-large", 0.40629, R"({"model_type": "bart", "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12, "encoder_attention_heads": 16, "decoder_attention_heads": 16, "encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096, "max_position_embeddings": 1024, "vocab_size": 50265, "activation_function": "gelu"})"},
    // google/vit-base-patch16-224, config.json; arXiv 2010.11929, table 1 (2020-10-22)
    {"vit-base", 0.086568, R"({"model_type": "vit", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224, "patch_size": 16, "num_labels": 1000, "hidden_act": "gelu"})"},
    // facebook/deit-base-distilled-patch16-224, config.json; arXiv 2012.12877, one head of two (2020-12-23)
    {"deit-base-distilled", 0.08657, R"({"model_type": "deit", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224, "patch_size": 16, "num_labels": 1000})"},
    // openai/clip-vit-base-patch32, config.json; arXiv 2103.00020 (2021-02-26)
    {"clip-vit-b-32", 0.15128, R"({"model_type": "clip", "projection_dim": 512, "text_config": {"model_type": "clip_text_model", "hidden_size": 512, "num_hidden_layers": 12, "num_attention_heads": 8, "intermediate_size": 2048, "vocab_size": 49408, "max_position_embeddings": 77}, "vision_config": {"model_type": "clip_vision_model", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "patch_size": 32, "image_size": 224, "projection_dim": 512}})"},
};
// clang-format on

}  // namespace fastpath
