#include "import/training/shape.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

constexpr std::array<std::string_view, 9> kSizes = {
    "layers", "hidden", "ffn", "heads", "seq_len", "global_batch_seqs", "micro_batch", "tp", "pp"};

bool contains(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(), [](char a, char b) {
           const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
           return lower(a) == lower(b);
         }) != text.end();
}

std::int64_t whole(const MeasurementRow& row, std::string_view column) {
  return static_cast<std::int64_t>(row.number_or(column, 0));
}

LayerSpec layer_of(const MeasurementRow& row, const RunSizes& sizes, bool llama, bool biases) {
  LayerSpec layer;
  layer.mixer.kind = MixerKind::attention;
  layer.mixer.heads = sizes.heads;
  layer.mixer.kv_heads = whole(row, "kv_heads") > 0 ? whole(row, "kv_heads") : sizes.heads;
  layer.mixer.head_dim = sizes.hidden / std::max<std::int64_t>(1, sizes.heads);
  layer.mixer.rope_dim = llama ? layer.mixer.head_dim : 0;
  layer.mixer.qkv_bias = layer.mixer.output_bias = biases;
  layer.mlp.kind = whole(row, "n_experts") > 0 ? MlpKind::moe : MlpKind::dense;
  layer.mlp.ffn = sizes.ffn;
  layer.mlp.experts = whole(row, "n_experts");
  layer.mlp.top_k = whole(row, "top_k");
  layer.mlp.gated = llama;
  layer.mlp.bias = biases;
  layer.mlp.activation = llama ? "silu" : "gelu";
  return layer;
}

double setting(std::span<const FrameworkDefault> settings, std::string_view knob, double fallback) {
  for (const FrameworkDefault& row : settings) {
    if (row.knob == knob) return parse_number(row.value).value_or(fallback);
  }
  return fallback;
}

std::int64_t vocabulary(const MeasurementRow& row, const RunSizes& sizes,
                        std::span<const FrameworkDefault> settings) {
  const double vocab = row.number_or("vocab", setting(settings, "vocab", 0));
  const double multiple =
      setting(settings, "vocab_multiple", 1) * static_cast<double>(sizes.tensor);
  return static_cast<std::int64_t>(std::ceil(vocab / multiple) * multiple);
}

/// The words of a plan that a precision means.
std::vector<std::pair<std::string_view, std::string_view>> words_of_precision(
    std::string_view text) {
  if (contains(text, "nvfp4")) return {{"compute", "nvfp4"}};
  if (contains(text, "mx")) return {{"compute", "mxfp8"}};
  if (contains(text, "fp8") || contains(text, "f8")) return {{"compute", "fp8"}};
  if (contains(text, "nf4")) return {{"weights", "int4"}};
  return {};
}

/// What frameworks call selective differs: a setting says which word of a plan it is.
std::string word_of_recompute(std::string_view text, std::span<const FrameworkDefault> settings) {
  if (contains(text, "full")) return "full";
  if (!contains(text, "selective")) return "none";
  for (const FrameworkDefault& row : settings) {
    if (row.knob == "selective") return row.value;
  }
  return "selective";
}

class PlanWords {
 public:
  explicit PlanWords(const MeasurementRow& row) : row_(row) {}

  void set(std::string_view key, std::string value, std::string_view column) {
    words_.push_back({std::string(key), std::move(value), row_.place(column), row_.place(column)});
  }
  std::vector<PlanWord> take() { return std::move(words_); }

 private:
  const MeasurementRow& row_;
  std::vector<PlanWord> words_;
};

void add_mesh(const MeasurementRow& row, const RunSizes& sizes, PlanWords& words) {
  const auto count = [&](std::string_view key, std::string_view column) {
    const std::int64_t value = whole(row, column);
    if (value > 0) words.set(key, std::to_string(value), column);
  };
  count("tp", "tp");
  count("pp", "pp");
  count("cp", "cp");
  count("ep", "ep");
  count("micro_batch", "micro_batch");
  const std::int64_t context = std::max<std::int64_t>(1, whole(row, "cp"));
  const std::int64_t data = sizes.devices / (sizes.tensor * sizes.pipeline * context);
  words.set("dp", std::to_string(std::max<std::int64_t>(1, data)), "n_devices");
}

void add_printed(const MeasurementRow& row, const RunSizes& sizes,
                 std::span<const FrameworkDefault> settings, PlanWords& words) {
  const std::int64_t chunks = whole(row, "vpp");
  if (chunks > 1 && sizes.pipeline > 1) {
    words.set("schedule", fmt::format("interleaved:{}", chunks), "vpp");
  }
  if (!row.text("seq_parallel").empty()) {
    words.set("sp", row.text("seq_parallel") == "0" ? "false" : "true", "seq_parallel");
  }
  const std::string_view zero = row.text("zero_stage");
  if (!zero.empty())
    words.set("zero", contains(zero, "fsdp") ? "3" : std::string(zero), "zero_stage");
  if (!row.text("recompute").empty()) {
    words.set("recompute", word_of_recompute(row.text("recompute"), settings), "recompute");
  }
  if (contains(row.text("attention_impl"), "flash"))
    words.set("attention", "flash", "attention_impl");
  for (const auto& [key, value] : words_of_precision(row.text("precision"))) {
    words.set(key, std::string(value), "precision");
  }
  if (contains(row.text("notes"), "compile")) words.set("execution", "compiled", "notes");
  if (contains(row.text("notes"), "async TP")) words.set("overlap_tp", "true", "notes");
}

}  // namespace

std::optional<std::string> missing_size(const MeasurementRow& row) {
  for (const std::string_view column : kSizes) {
    if (row.text(column).empty()) return std::string(column);
  }
  if (row.text("precision").empty()) return "precision";
  return std::nullopt;
}

RunSizes sizes_of(const MeasurementRow& row) {
  RunSizes sizes;
  sizes.layers = static_cast<std::int64_t>(row.need("layers"));
  sizes.hidden = static_cast<std::int64_t>(row.need("hidden"));
  sizes.ffn = static_cast<std::int64_t>(row.need("ffn"));
  sizes.heads = static_cast<std::int64_t>(row.need("heads"));
  sizes.sequence = static_cast<std::int64_t>(row.need("seq_len"));
  sizes.global_batch = static_cast<std::int64_t>(row.need("global_batch_seqs"));
  sizes.micro_batch = static_cast<std::int64_t>(row.need("micro_batch"));
  sizes.tensor = static_cast<std::int64_t>(row.need("tp"));
  sizes.pipeline = static_cast<std::int64_t>(row.need("pp"));
  sizes.devices = static_cast<std::int64_t>(row.need("n_devices"));
  return sizes;
}

Result<DecoderSpec> spec_of(const MeasurementRow& row, const RunSizes& sizes,
                            const ModelLibrary& models,
                            std::span<const FrameworkDefault> settings) {
  if (!row.text("base").empty()) {
    auto known = load_spec(row.text("base"), models);
    if (!known) return failure(std::move(known.error()));
    return std::move(known->value);
  }
  const std::string_view architecture = row.text("architecture");
  const bool llama = architecture.empty() || architecture == "llama";
  const bool gpt = architecture == "gpt";
  if (!llama && !gpt && architecture != "mpt") {
    return failure(row.place("architecture"),
                   fmt::format("unknown architecture {}", in_quotes(architecture)),
                   "use gpt, mpt or llama");
  }
  DecoderSpec spec;
  spec.name = std::string(row.text("model"));
  spec.hidden = sizes.hidden;
  spec.vocab = vocabulary(row, sizes, settings);
  spec.norm = llama ? NormKind::rms : gpt ? NormKind::layer : NormKind::layer_plain;
  spec.positions = gpt ? sizes.sequence : 0;
  spec.tied = !llama;
  append_layer(spec, layer_of(row, sizes, llama, gpt), sizes.layers);
  const std::vector<std::string> mistakes = mistakes_in(spec);
  if (!mistakes.empty()) return failure(row.place("layers"), mistakes.front());
  return spec;
}

std::vector<PlanWord> printed_words(const MeasurementRow& row, const RunSizes& sizes,
                                    std::span<const FrameworkDefault> settings) {
  PlanWords words(row);
  add_mesh(row, sizes, words);
  add_printed(row, sizes, settings, words);
  return words.take();
}

bool trains_adapters(const MeasurementRow& row) { return contains(row.text("model"), "lora"); }

NumberFormat activation_format(std::string_view precision) {
  return contains(precision, "fp16") ? NumberFormat::fp16 : NumberFormat::bf16;
}

}  // namespace fastpath
