/// Published `config.json` files of models -> DecoderSpec.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "import/model/decoder.h"

namespace fastpath {

/// Reads a config.json as its makers published it: nested text and vision parts, per-layer
/// patterns, quantisation. `file` is for messages; the model's name comes from the caller.
/// Warnings name each assumption that the file does not settle. An unknown `model_type` with a
/// decoder's usual keys is read as a Llama-like model, with a warning; else it is an error that
/// lists the keys not understood.
Result<Imported<DecoderSpec>> read_hf_config(std::string_view text, std::string_view file);

/// The model types with a reader of their own.
std::vector<std::string> known_model_types();

}  // namespace fastpath
