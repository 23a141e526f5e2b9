/// What makes a DecoderSpec or a request impossible.
#include <algorithm>

#include <fmt/format.h>

#include "import/model/decoder.h"

namespace fastpath {
namespace {

constexpr std::int64_t kLargest = 1'000'000'000;
constexpr std::int64_t kMostLayers = 100'000;
constexpr std::size_t kMostKinds = 10'000;

class Checker {
 public:
  explicit Checker(std::string where) : where_(std::move(where)) {}

  void at_least(const char* what, std::int64_t value, std::int64_t least) {
    if (value >= least && value <= kLargest) return;
    add(fmt::format("{} is {}; it must be {} to {}", what, value, least, kLargest));
  }
  void that(bool holds, std::string_view mistake) {
    if (!holds) add(std::string(mistake));
  }
  void add(std::string mistake) { mistakes_.push_back(where_ + std::move(mistake)); }
  std::vector<std::string> take() { return std::move(mistakes_); }

 private:
  std::string where_;
  std::vector<std::string> mistakes_;
};

void check_index(Checker& check, const MixerSpec& mixer) {
  if (mixer.index_top_k == 0) return;
  check.at_least("index_heads", mixer.index_heads, 1);
  check.at_least("index_head_dim", mixer.index_head_dim, 1);
  check.at_least("index_top_k", mixer.index_top_k, 1);
  check.at_least("q_lora", mixer.q_lora, 1);
}

void check_mixer(Checker& check, const MixerSpec& mixer) {
  if (mixer.kind == MixerKind::none) return;
  check.at_least("heads", mixer.heads, 1);
  check.at_least("kv_heads", mixer.kv_heads, 1);
  check.at_least("head_dim", mixer.head_dim, 1);
  for (const auto& [what, value] : {std::pair{"value_dim", mixer.value_dim},
                                    {"rope_dim", mixer.rope_dim},
                                    {"window", mixer.window},
                                    {"q_lora", mixer.q_lora},
                                    {"kv_lora", mixer.kv_lora},
                                    {"compress_ratio", mixer.compress_ratio},
                                    {"chunk", mixer.chunk},
                                    {"index_top_k", mixer.index_top_k}}) {
    check.at_least(what, value, 0);
  }
  check.that(mixer.kv_heads <= mixer.heads, "there are more kv_heads than heads");
  check.that(mixer.rope_dim <= mixer.head_dim, "rope_dim is larger than head_dim");
  check_index(check, mixer);
  const bool recurrent = mixer.kind == MixerKind::mamba2 || mixer.kind == MixerKind::delta;
  if (recurrent) check.at_least("conv_kernel", mixer.conv_kernel, 1);
  if (mixer.kind == MixerKind::mamba2) check.at_least("state", mixer.state, 1);
  if (mixer.kind == MixerKind::delta) check.at_least("value_dim", mixer.value_dim, 1);
  if (mixer.kind == MixerKind::mla) {
    check.at_least("kv_lora", mixer.kv_lora, 1);
    check.at_least("rope_dim", mixer.rope_dim, 1);
    check.at_least("value_dim", mixer.value_dim, 1);
    check.that(mixer.rope_dim < mixer.head_dim, "rope_dim leaves nothing of head_dim");
  }
  if (mixer.kind == MixerKind::compressed) {
    check.at_least("q_lora", mixer.q_lora, 1);
    check.at_least("output_lora", mixer.output_lora, 1);
    check.at_least("output_groups", mixer.output_groups, 1);
    check.that(mixer.output_groups > 0 && mixer.heads % mixer.output_groups == 0,
               "output_groups does not divide heads");
  }
}

void check_mlp(Checker& check, const MlpSpec& mlp) {
  if (mlp.kind == MlpKind::none) return;
  check.at_least("ffn", mlp.ffn, 1);
  check.at_least("shared_ffn", mlp.shared_ffn, 0);
  if (mlp.kind != MlpKind::moe) return;
  check.at_least("experts", mlp.experts, 1);
  check.at_least("top_k", mlp.top_k, 1);
  check.that(mlp.top_k <= mlp.experts, "top_k is larger than the number of experts");
}

void check_vision(Checker& check, const VisionSpec& vision) {
  check.at_least("layers", vision.layers, 1);
  check.at_least("hidden", vision.hidden, 1);
  check.at_least("heads", vision.heads, 1);
  check.at_least("ffn", vision.ffn, 1);
  check.at_least("patch", vision.patch, 1);
  check.at_least("temporal_patch", vision.temporal_patch, 1);
  check.at_least("channels", vision.channels, 1);
  check.at_least("positions", vision.positions, 0);
  check.at_least("merge", vision.merge, 1);
  check.at_least("projectors", vision.projectors, 1);
  check.that(vision.heads > 0 && vision.hidden >= vision.heads, "hidden is smaller than heads");
  for (const std::int64_t width : vision.projector)
    check.at_least("projector", width, 1);
  // Products of three and four of these are dims of their own.
  check.that(vision.merge <= 1000 && vision.patch <= 10'000 && vision.temporal_patch <= 1000 &&
                 vision.channels <= 1000 && vision.hidden <= 1'000'000,
             "patches are too large");
}

/// What stands in the place of tokens, and whom layers that cross attend to.
void check_tokens(Checker& check, const DecoderSpec& spec) {
  const bool crosses = std::any_of(spec.layers.begin(), spec.layers.end(),
                                   [](const LayerSpec& layer) { return layer.cross; });
  check.that(!crosses || spec.encoder, "layers attend to an encoder that is not there");
  check.that(!crosses || spec.streams <= 1, "layers with an encoder have one residual stream");
  if (spec.patches) {
    check.at_least("patch", spec.patches->patch, 1);
    check.at_least("side", spec.patches->side, spec.patches->patch);
    check.at_least("channels", spec.patches->channels, 1);
    check.at_least("extra", spec.patches->extra, 1);
    if (spec.patches->patch > 0) check.at_least("patches", spec.patches->tokens(), 1);
    check.that(!spec.encoder && !spec.vision, "an image model has no encoder and no image tower");
    check.that(!spec.head || spec.outputs > 0, "the head of an image model has outputs");
    check.that(spec.patches->side <= 100'000 && spec.patches->patch <= 10'000 &&
                   spec.patches->channels <= 1000 && spec.patches->extra <= 1000,
               "patches are too large");
  }
  if (spec.encoder) check.at_least("encoder", spec.encoder->repeat, 1);
}

void append(std::vector<std::string>& all, std::vector<std::string> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void check_layer(std::vector<std::string>& all, std::string where, const LayerSpec& layer) {
  Checker check(std::move(where));
  check_mixer(check, layer.mixer);
  check_mlp(check, layer.mlp);
  check.that(layer.mixer.kind != MixerKind::none || layer.mlp.kind != MlpKind::none,
             "a layer has neither a mixer nor an MLP");
  append(all, check.take());
}

}  // namespace

std::vector<std::string> mistakes_in(const DecoderSpec& spec) {
  Checker check("");
  check.at_least("hidden", spec.hidden, 1);
  check.at_least("vocab", spec.vocab, spec.patches ? 0 : 1);
  check.at_least("outputs", spec.outputs, 0);
  check_tokens(check, spec);
  check.at_least("positions", spec.positions, 0);
  check.at_least("token_types", spec.token_types, 0);
  check.that(spec.streams >= 0 && spec.streams <= 1000, "streams is not 0 to 1000");
  check.that(spec.sinkhorn >= 0 && spec.sinkhorn <= 1000, "sinkhorn is not 0 to 1000");
  check.that(!spec.layers.empty() && !spec.runs.empty(), "the model has no layers");
  check.that(spec.layers.size() <= kMostKinds, "the model has too many kinds of layers");
  std::int64_t layers = 0;
  for (const LayerRun& run : spec.runs) {
    check.that(run.layer < spec.layers.size(), "the pattern names a layer that does not exist");
    check.that(run.repeat >= 1, "a layer is repeated less than once");
    layers += std::clamp<std::int64_t>(run.repeat, 0, kMostLayers + 1);
    if (layers > kMostLayers) break;
  }
  check.that(layers <= kMostLayers, fmt::format("the model has more than {} layers", kMostLayers));
  std::vector<std::string> all = check.take();
  for (std::size_t i = 0; i < std::min(spec.layers.size(), kMostKinds); ++i)
    check_layer(all, fmt::format("layer kind {}: ", i + 1), spec.layers[i]);
  if (spec.encoder) {
    check_layer(all, "encoder: ", spec.encoder->layer);
    if (spec.encoder->layer.cross) all.emplace_back("encoder: it attends to itself only");
    if (spec.encoder->repeat > kMostLayers) all.emplace_back("encoder: too many layers");
  }
  for (std::size_t i = 0; i < std::min(spec.layers.size(), kMostKinds); ++i) {
    const LayerSpec& layer = spec.layers[i];
    if (layer.cross && (layer.mixer.kind != MixerKind::attention || layer.parallel))
      all.emplace_back("layers that cross have softmax attention before their MLP");
  }
  for (const LayerSpec& draft : spec.drafts)
    check_layer(all, "draft layer: ", draft);
  if (spec.vision) {
    Checker vision("vision: ");
    check_vision(vision, *spec.vision);
    append(all, vision.take());
  }
  return all;
}

std::vector<std::string> mistakes_in(const DecoderSpec& spec, const ModelRequest& request) {
  if (!spec.patches || (request.phase != Phase::decode && request.past == 0)) return {};
  return {"an image model keeps no cache: it has no decode step and no past"};
}

std::vector<std::string> mistakes_in(const ModelRequest& request) {
  constexpr std::int64_t kMost = 10'000'000'000;
  std::vector<std::string> mistakes;
  const auto check = [&](const char* what, std::int64_t value, std::int64_t least) {
    if (value >= least && value <= kMost) return;
    mistakes.push_back(fmt::format("{} is {}; it must be {} to {}", what, value, least, kMost));
  };
  check("batch", request.batch, 1);
  check("sequence", request.sequence, 1);
  check("past", request.past, 0);
  check("images", request.images, 0);
  check("image_side", request.image_side, 1);
  if (request.image_side > 100'000) mistakes.emplace_back("image_side is more than 100000 pixels");
  const bool keeps = request.phase == Phase::prefill || request.phase == Phase::decode;
  if (!keeps && request.past > 0) mistakes.emplace_back("only prefill and decode have a past");
  return mistakes;
}

}  // namespace fastpath
