/// DecoderSpec as YAML: the catalog's own form of a language model.
///
///   model: llama-3.1-8b
///   source: meta-llama/Meta-Llama-3.1-8B, config.json
///   date: 2024-07-23
///   hidden: 4096
///   vocab: 128256
///   kinds:
///     layer:
///       mixer: {kind: attention, heads: 32, kv_heads: 8, head_dim: 128, rope_dim: 128}
///       mlp: {kind: dense, ffn: 14336}
///   layers: 32 layer
///
/// `layers` is a list of runs, "3 dense, 58 moe", or a repeated one, "12 x (3 window, 1 full)".
/// Keys are the members of DecoderSpec; what is left out has that struct's default.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/result.h"
#include "import/model/decoder.h"

namespace fastpath {

/// Errors: all mistakes of the text, with places; a spec that mistakes_in refuses.
Result<Imported<DecoderSpec>> read_model_yaml(std::string_view text, std::string_view file);

/// Text that read_model_yaml reads back to the same spec.
std::string write_model_yaml(const DecoderSpec& spec);

}  // namespace fastpath
