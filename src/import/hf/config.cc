#include "import/hf/config.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "import/hf/families.h"

namespace fastpath {
namespace hf {
namespace {

struct Family {
  std::string_view model_type;
  void (*read)(Source&, DecoderSpec&);
};

/// By `model_type`; types of one family share a reader.
constexpr std::array kFamilies = std::to_array<Family>({
    {"llama", read_llama},
    {"mistral", read_llama},
    {"phi3", read_llama},
    {"granite", read_llama},
    {"smollm3", read_llama},
    {"glm4", read_llama},
    {"qwen2", read_qwen2},
    {"qwen2_moe", read_qwen2},
    {"qwen3", read_qwen3},
    {"qwen3_moe", read_qwen3},
    {"qwen3_vl", read_qwen3},
    {"qwen3_vl_text", read_qwen3},
    {"qwen3_vl_moe", read_qwen3},
    {"qwen3_vl_moe_text", read_qwen3},
    {"qwen3_next", read_qwen3_5},
    {"qwen3_5", read_qwen3_5},
    {"qwen3_5_text", read_qwen3_5},
    {"qwen3_5_moe", read_qwen3_5},
    {"qwen3_5_moe_text", read_qwen3_5},
    {"mixtral", read_mixtral},
    {"llama4", read_llama4},
    {"llama4_text", read_llama4},
    {"deepseek_v2", read_deepseek},
    {"deepseek_v3", read_deepseek},
    {"deepseek_v32", read_deepseek},
    {"kimi_k2", read_deepseek},
    {"kimi_k25", read_deepseek},
    {"glm_moe_dsa", read_deepseek},
    {"deepseek_v4", read_deepseek_v4},
    {"deepseek_ref", read_deepseek_v4},
    {"gpt_oss", read_gpt_oss},
    {"minimax_m2", read_minimax},
    {"nemotron_h", read_nemotron_h},
    {"nemotron-nas", read_nemotron_nas},
    {"mimo", read_mimo},
    {"gemma", read_gemma},
    {"gemma2", read_gemma2},
    {"gemma3", read_gemma3},
    {"gemma3_text", read_gemma3},
    {"phi", read_phi},
    {"gpt2", read_gpt2},
    {"gpt_neox", read_gpt_neox},
    {"gptj", read_gptj},
    {"opt", read_opt},
    {"bloom", read_bloom},
    {"falcon", read_falcon},
    {"mpt", read_mpt},
    {"bert", read_bert},
    {"roberta", read_bert},
    {"t5", read_t5},
    {"mt5", read_t5},
    {"umt5", read_t5},
    {"bart", read_bart},
    {"mbart", read_mbart},
    {"vit", read_vit},
    {"deit", read_deit},
    {"clip", read_clip},
});

const Family* find_family(std::string_view model_type) {
  const auto found = std::find_if(kFamilies.begin(), kFamilies.end(), [&](const Family& family) {
    return family.model_type == model_type;
  });
  return found == kFamilies.end() ? nullptr : &*found;
}

/// Keys that say nothing about the shape of the model.
void ignore_usual(Source& source) {
  source.ignore({"architectures",
                 "auto_map",
                 "bos_token_id",
                 "eos_token_id",
                 "pad_token_id",
                 "initializer_range",
                 "transformers_version",
                 "use_cache",
                 "attention_dropout",
                 "rope_theta",
                 "rope_scaling",
                 "rope_parameters",
                 "max_position_embeddings",
                 "rms_norm_eps",
                 "model_type",
                 "torch_dtype",
                 "dtype",
                 "_name_or_path",
                 "hidden_dropout",
                 "layer_norm_eps",
                 "pretraining_tp",
                 "output_router_logits",
                 "router_aux_loss_coef",
                 "resid_pdrop",
                 "embd_pdrop",
                 "attn_pdrop",
                 "id2label",
                 "label2id",
                 "return_dict",
                 "torchscript",
                 "is_decoder",
                 "is_encoder_decoder"});
}

bool looks_like_a_decoder(const Source& source) {
  const std::array<std::string_view, 4> needed = {"hidden_size", "num_hidden_layers",
                                                  "num_attention_heads", "vocab_size"};
  const bool wide = source.has("intermediate_size");
  return wide && std::all_of(needed.begin(), needed.end(),
                             [&](std::string_view key) { return source.has(key); });
}

/// The part with the language model's keys.
Source language_part(Source& source) {
  for (const std::string_view key : {"text_config", "llm_config", "language_config"}) {
    if (source.has(key)) {
      if (auto nested = source.nested(key)) return *nested;
    }
  }
  return source;
}

/// Types that have a decoder's keys in part, and are none.
constexpr std::array<std::string_view, 6> kOtherModels{"swin",     "siglip", "whisper",
                                                       "wav2vec2", "dinov2", "sam"};

/// Whether it was one of them, and refused.
bool refuse_others(Source& source, const std::string& model_type) {
  if (std::find(kOtherModels.begin(), kOtherModels.end(), model_type) == kOtherModels.end()) {
    return false;
  }
  source.fail("model_type",
              fmt::format("model_type '{}' is no decoder: its config.json is not read", model_type),
              "export the model to ONNX, or write a workload (docs/guide/models.md)");
  return true;
}

void read_unknown(Source& source, const std::string& model_type, DecoderSpec& spec) {
  ignore_usual(source);
  if (!looks_like_a_decoder(source)) {
    const std::vector<std::string> types = known_model_types();
    source.fail("model_type",
                fmt::format("model_type '{}' is not known, and the usual keys of a decoder are "
                            "not all there; not understood: {}",
                            model_type, fmt::join(source.unread(), ", ")),
                did_you_mean(model_type, types));
    return;
  }
  const bool experts = source.has("num_local_experts") || source.has("num_experts");
  if (experts) {
    read_mixtral(source, spec);
  } else {
    read_llama(source, spec);
  }
  ignore_usual(source);
  std::vector<std::string> unread = source.unread();
  source.warn(
      "model_type",
      fmt::format("model_type '{}' is not known; read as a Llama-like decoder (RMS norm, "
                  "rotary embedding, gated MLP); keys not used: {}",
                  model_type, unread.empty() ? "none" : fmt::format("{}", fmt::join(unread, ", "))),
      "check the parameter total against the published size");
}

void read_any(Source& source, DecoderSpec& spec) {
  Source language = language_part(source);
  std::string model_type = source.text_or({"model_type"}, "");
  const Family* family = find_family(model_type);
  if (family == nullptr) {
    if (refuse_others(source, model_type)) return;
    model_type = language.text_or({"model_type"}, model_type);
    family = find_family(model_type);
  }
  if (family == nullptr) {
    read_unknown(language, model_type, spec);
  } else {
    family->read(language, spec);
  }
  if (source.flag_or({"tie_word_embeddings"}, false)) spec.tied = true;
  read_formats(source, spec);
  if (&language.object() != &source.object()) read_formats(language, spec);
  if (auto vision = source.nested("vision_config")) {
    if (vision->has("vt_hidden_size")) read_kimi_vision(*vision, spec);
    if (vision->has("depth")) read_qwen_vision(*vision, spec);
    if (model_type == "clip") read_clip_vision(*vision, spec);
  }
}

}  // namespace
}  // namespace hf

std::vector<std::string> known_model_types() {
  std::vector<std::string> types;
  types.reserve(hf::kFamilies.size());
  for (const hf::Family& family : hf::kFamilies)
    types.emplace_back(family.model_type);
  return types;
}

Result<Imported<DecoderSpec>> read_hf_config(std::string_view text, std::string_view file) {
  hf::Report report{text, std::string(file), {}, {}};
  const Result<nlohmann::json> json = hf::parse_json(text, report.file);
  if (!json) return failure(json.error());
  if (!json->is_object()) {
    return failure(report.at(0), "a model configuration is a JSON object",
                   "give the config.json of the model");
  }
  DecoderSpec spec;
  hf::Source source(*json, report);
  hf::read_any(source, spec);
  spec.name = source.text_or({"_name_or_path", "name"}, report.file);
  if (report.errors.empty()) {
    for (const std::string& mistake : mistakes_in(spec))
      report.errors.push_back({{report.file, 0, 0}, mistake, ""});
  }
  if (!report.errors.empty()) return failure(std::move(report.errors));
  return Imported<DecoderSpec>{std::move(spec), std::move(report.warnings)};
}

}  // namespace fastpath
