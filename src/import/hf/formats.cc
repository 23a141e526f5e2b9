/// Storage formats from `torch_dtype` and `quantization_config`.
#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "import/hf/families.h"

namespace fastpath::hf {
namespace {

/// A class of linear layers, by the name of one of them; `*` stands for a number.
struct ModuleClass {
  std::string_view module;
  std::string_view word;  ///< what a regular expression for it contains
  NumberFormat TensorFormats::*format;
};

constexpr std::array<ModuleClass, 4> kClasses{{
    {"model.layers.*.self_attn.q_proj", "self_attn", &TensorFormats::attention},
    {"model.layers.*.mlp.gate_proj", "mlp\\.", &TensorFormats::mlp},
    {"model.layers.*.mlp.experts.*.gate_proj", "mlp.experts", &TensorFormats::experts},
    {"model.layers.*.mlp.shared_experts.gate_proj", "shared_expert", &TensorFormats::shared},
}};

/// Numbers in a dotted name replaced by `*`.
std::string without_numbers(std::string_view name) {
  std::string result;
  for (const std::string_view part : split(name, '.')) {
    if (!result.empty()) result += '.';
    const bool number = parse_integer(part).has_value();
    result += number ? std::string_view("*") : part;
  }
  return result;
}

/// Whether `pattern` names `module`, a module around it, or a part of its name.
bool excludes(std::string_view pattern, const ModuleClass& entry) {
  if (pattern.rfind("re:", 0) == 0) return pattern.find(entry.word) != std::string_view::npos;
  const std::string name = without_numbers(pattern);
  if (entry.module == name) return true;
  if (entry.module.rfind(name + ".", 0) == 0) return true;
  const auto parts = split(entry.module, '.');
  return std::find(parts.begin(), parts.end(), std::string_view(name)) != parts.end();
}

struct Quantisation {
  std::optional<NumberFormat> weights;
  bool inputs = false;  ///< activations are quantised as the weights are
  bool experts_only = false;
};

Quantisation from_bits(Source& group) {
  Quantisation result;
  if (auto weights = group.nested("weights")) {
    const std::int64_t bits = weights->size_or({"num_bits"}, 16);
    const bool real = weights->text_or({"type"}, "int") == "float";
    if (bits == 8) result.weights = real ? NumberFormat::fp8 : NumberFormat::int8;
    if (bits == 4) result.weights = real ? NumberFormat::nvfp4 : NumberFormat::int4;
  }
  result.inputs = group.has("input_activations");
  return result;
}

Quantisation read_method(Source& config) {
  const std::string method =
      config.text_or({"quant_method"}, config.has("quant_algo") ? "modelopt" : "");
  const std::string algorithm = config.text_or({"quant_algo"}, "");
  if (auto groups = config.nested("config_groups")) {
    if (auto group = groups->nested("group_0")) return from_bits(*group);
  }
  if (method == "fp8" || algorithm == "FP8" || method == "fbgemm_fp8")
    return {NumberFormat::fp8, true, false};
  if (method == "mxfp4") return {NumberFormat::mxfp4, false, true};
  if (algorithm == "NVFP4") return {NumberFormat::nvfp4, true, false};
  const bool groupwise = method == "gptq" || method == "awq" || method == "auto-round";
  if (groupwise) {
    const bool wide = config.size_or({"bits", "w_bit"}, 4) == 8;
    return {wide ? NumberFormat::int8 : NumberFormat::int4, false, false};
  }
  if (method == "bitsandbytes") {
    const bool four = config.flag_or({"load_in_4bit"}, false);
    return {four ? NumberFormat::int4 : NumberFormat::int8, false, false};
  }
  config.warn("quant_method",
              fmt::format("quantisation '{}' is not known; weights are taken as not quantised",
                          method.empty() ? algorithm : method));
  return {};
}

std::vector<std::string> exclusions(Source& config) {
  std::vector<std::string> names;
  for (const std::string_view key : {"modules_to_not_convert", "ignore", "ignored_layers"}) {
    for (std::string& name : config.texts_or_empty(key))
      names.push_back(std::move(name));
  }
  return names;
}

void apply(const Quantisation& quantisation, const std::vector<std::string>& excluded,
           TensorFormats& formats) {
  for (const ModuleClass& entry : kClasses) {
    const bool other = quantisation.experts_only && entry.format != &TensorFormats::experts;
    const bool out = std::any_of(excluded.begin(), excluded.end(),
                                 [&](const std::string& name) { return excludes(name, entry); });
    if (!other && !out) formats.*entry.format = *quantisation.weights;
  }
  if (quantisation.inputs) formats.inputs = *quantisation.weights;
}

NumberFormat read_dtype(Source& source, Source::Keys keys, NumberFormat otherwise) {
  const std::string name = source.text_or(keys, "");
  if (name == "float16") return NumberFormat::fp16;
  if (name == "float32") return NumberFormat::fp32;
  if (name == "bfloat16") return NumberFormat::bf16;
  return otherwise;
}

/// The number of bytes of a stored weight leaves out group scales: say how much that is.
void warn_of_scales(Source& config, NumberFormat weights) {
  if (weights != NumberFormat::int4) return;
  config.warn("config_groups",
              "scales of 4-bit integer groups are not counted in the bytes of weights "
              "(2 bytes per group of 32: 0.0625 B a weight)");
}

}  // namespace

void read_formats(Source& source, DecoderSpec& spec) {
  TensorFormats& formats = spec.formats;
  const bool typed = source.has("torch_dtype") || source.has("dtype");
  if (typed) {
    const NumberFormat base = read_dtype(source, {"torch_dtype", "dtype"}, NumberFormat::bf16);
    formats = {base, base, base, base, base, base, base, base, base, formats.state, base};
  }
  formats.state = read_dtype(source, {"mamba_ssm_dtype", "mamba_ssm_cache_dtype"}, formats.state);
  auto config = source.nested("quantization_config");
  if (!config) return;
  const Quantisation quantisation = read_method(*config);
  if (quantisation.weights) {
    apply(quantisation, exclusions(*config), formats);
    warn_of_scales(*config, *quantisation.weights);
  }
  if (config->has("kv_cache_scheme")) formats.cache = NumberFormat::fp8;
  if (source.text_or({"expert_dtype"}, "") == "fp4") formats.experts = NumberFormat::mxfp4;
}

}  // namespace fastpath::hf
