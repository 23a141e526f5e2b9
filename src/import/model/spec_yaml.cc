#include "import/model/spec_yaml.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "import/yaml/located.h"

namespace fastpath {
namespace {

constexpr std::int64_t kLargest = 1'000'000'000;

template <class E, std::size_t N>
using Names = std::array<std::pair<const char*, E>, N>;

constexpr Names<MixerKind, 6> kMixerKinds{{{"none", MixerKind::none},
                                           {"attention", MixerKind::attention},
                                           {"mla", MixerKind::mla},
                                           {"mamba2", MixerKind::mamba2},
                                           {"delta", MixerKind::delta},
                                           {"compressed", MixerKind::compressed}}};
constexpr Names<MlpKind, 3> kMlpKinds{
    {{"none", MlpKind::none}, {"dense", MlpKind::dense}, {"moe", MlpKind::moe}}};
constexpr Names<NormKind, 3> kNormKinds{
    {{"rms", NormKind::rms}, {"layer", NormKind::layer}, {"layer_plain", NormKind::layer_plain}}};
constexpr Names<QkNorm, 4> kQkNorms{{{"none", QkNorm::none},
                                     {"per_head", QkNorm::per_head},
                                     {"per_layer", QkNorm::per_layer},
                                     {"unweighted", QkNorm::unweighted}}};

using MixerSize = std::pair<const char*, std::int64_t MixerSpec::*>;
constexpr std::array<MixerSize, 17> kMixerSizes{{{"heads", &MixerSpec::heads},
                                                 {"kv_heads", &MixerSpec::kv_heads},
                                                 {"head_dim", &MixerSpec::head_dim},
                                                 {"value_dim", &MixerSpec::value_dim},
                                                 {"rope_dim", &MixerSpec::rope_dim},
                                                 {"window", &MixerSpec::window},
                                                 {"q_lora", &MixerSpec::q_lora},
                                                 {"kv_lora", &MixerSpec::kv_lora},
                                                 {"output_lora", &MixerSpec::output_lora},
                                                 {"output_groups", &MixerSpec::output_groups},
                                                 {"index_heads", &MixerSpec::index_heads},
                                                 {"index_head_dim", &MixerSpec::index_head_dim},
                                                 {"index_top_k", &MixerSpec::index_top_k},
                                                 {"compress_ratio", &MixerSpec::compress_ratio},
                                                 {"state", &MixerSpec::state},
                                                 {"conv_kernel", &MixerSpec::conv_kernel},
                                                 {"chunk", &MixerSpec::chunk}}};
using MixerFlag = std::pair<const char*, bool MixerSpec::*>;
constexpr std::array<MixerFlag, 5> kMixerFlags{{{"qkv_bias", &MixerSpec::qkv_bias},
                                                {"output_bias", &MixerSpec::output_bias},
                                                {"output_gate", &MixerSpec::output_gate},
                                                {"sinks", &MixerSpec::sinks},
                                                {"conv_bias", &MixerSpec::conv_bias}}};
using MlpSize = std::pair<const char*, std::int64_t MlpSpec::*>;
constexpr std::array<MlpSize, 4> kMlpSizes{{{"ffn", &MlpSpec::ffn},
                                            {"experts", &MlpSpec::experts},
                                            {"top_k", &MlpSpec::top_k},
                                            {"shared_ffn", &MlpSpec::shared_ffn}}};
using MlpFlag = std::pair<const char*, bool MlpSpec::*>;
constexpr std::array<MlpFlag, 4> kMlpFlags{{{"gated", &MlpSpec::gated},
                                            {"bias", &MlpSpec::bias},
                                            {"router_bias", &MlpSpec::router_bias},
                                            {"shared_gate", &MlpSpec::shared_gate}}};
using LayerFlag = std::pair<const char*, bool LayerSpec::*>;
constexpr std::array<LayerFlag, 5> kLayerFlags{{{"parallel", &LayerSpec::parallel},
                                                {"single_norm", &LayerSpec::single_norm},
                                                {"post_norms", &LayerSpec::post_norms},
                                                {"norm_after", &LayerSpec::norm_after},
                                                {"cross", &LayerSpec::cross}}};
using PatchSize = std::pair<const char*, std::int64_t PatchSpec::*>;
constexpr std::array<PatchSize, 4> kPatchSizes{{{"side", &PatchSpec::side},
                                                {"patch", &PatchSpec::patch},
                                                {"channels", &PatchSpec::channels},
                                                {"extra", &PatchSpec::extra}}};
constexpr std::array<std::pair<const char*, bool PatchSpec::*>, 0> kPatchFlags{};
using VisionSize = std::pair<const char*, std::int64_t VisionSpec::*>;
constexpr std::array<VisionSize, 10> kVisionSizes{{{"layers", &VisionSpec::layers},
                                                   {"hidden", &VisionSpec::hidden},
                                                   {"heads", &VisionSpec::heads},
                                                   {"ffn", &VisionSpec::ffn},
                                                   {"patch", &VisionSpec::patch},
                                                   {"temporal_patch", &VisionSpec::temporal_patch},
                                                   {"channels", &VisionSpec::channels},
                                                   {"positions", &VisionSpec::positions},
                                                   {"merge", &VisionSpec::merge},
                                                   {"projectors", &VisionSpec::projectors}}};
using VisionFlag = std::pair<const char*, bool VisionSpec::*>;
constexpr std::array<VisionFlag, 2> kVisionFlags{
    {{"gated", &VisionSpec::gated}, {"projector_bias", &VisionSpec::projector_bias}}};
using FormatField = std::pair<const char*, NumberFormat TensorFormats::*>;
constexpr std::array<FormatField, 11> kFormatFields{{{"activation", &TensorFormats::activation},
                                                     {"attention", &TensorFormats::attention},
                                                     {"mlp", &TensorFormats::mlp},
                                                     {"experts", &TensorFormats::experts},
                                                     {"shared", &TensorFormats::shared},
                                                     {"router", &TensorFormats::router},
                                                     {"embedding", &TensorFormats::embedding},
                                                     {"head", &TensorFormats::head},
                                                     {"cache", &TensorFormats::cache},
                                                     {"state", &TensorFormats::state},
                                                     {"inputs", &TensorFormats::inputs}}};
using SpecSize = std::pair<const char*, std::int64_t DecoderSpec::*>;
constexpr std::array<SpecSize, 8> kSpecSizes{{{"hidden", &DecoderSpec::hidden},
                                              {"vocab", &DecoderSpec::vocab},
                                              {"positions", &DecoderSpec::positions},
                                              {"token_types", &DecoderSpec::token_types},
                                              {"max_context", &DecoderSpec::max_context},
                                              {"outputs", &DecoderSpec::outputs},
                                              {"streams", &DecoderSpec::streams},
                                              {"sinkhorn", &DecoderSpec::sinkhorn}}};
using SpecFlag = std::pair<const char*, bool DecoderSpec::*>;
constexpr std::array<SpecFlag, 7> kSpecFlags{{{"causal", &DecoderSpec::causal},
                                              {"tied", &DecoderSpec::tied},
                                              {"head", &DecoderSpec::head},
                                              {"head_bias", &DecoderSpec::head_bias},
                                              {"final_norm", &DecoderSpec::final_norm},
                                              {"embedding_norm", &DecoderSpec::embedding_norm},
                                              {"dropout", &DecoderSpec::dropout}}};

// Reading.

template <class S, std::size_t N, std::size_t M>
void read_fields(YamlMap& map, S& to,
                 const std::array<std::pair<const char*, std::int64_t S::*>, N>& sizes,
                 const std::array<std::pair<const char*, bool S::*>, M>& flags) {
  for (const auto& [key, member] : sizes) {
    if (const auto value = map.integer(key, 0, kLargest)) to.*member = *value;
  }
  for (const auto& [key, member] : flags) {
    if (const auto value = map.boolean(key)) to.*member = *value;
  }
}

template <class E, std::size_t N>
void read_choice(YamlMap& map, const char* key, const Names<E, N>& names, E& to) {
  const YamlNode* node = map.get(key);
  if (node == nullptr) return;
  const auto text = map.reader().string(*node);
  if (!text) return;
  std::vector<std::string> known;
  for (const auto& [name, value] : names) {
    if (name == *text) {
      to = value;
      return;
    }
    known.emplace_back(name);
  }
  map.reader().error(*node, fmt::format("'{}' is not a {}", *text, key),
                     did_you_mean(*text, known));
}

LayerSpec read_layer(YamlReader& reader, const YamlNode& node, const std::string& what) {
  LayerSpec layer;
  YamlMap map(reader, node, what);
  if (const YamlNode* mixer = map.get("mixer")) {
    YamlMap fields(reader, *mixer, "the mixer of " + what);
    read_choice(fields, "kind", kMixerKinds, layer.mixer.kind);
    read_choice(fields, "qk_norm", kQkNorms, layer.mixer.qk_norm);
    read_fields(fields, layer.mixer, kMixerSizes, kMixerFlags);
    fields.finish();
  }
  if (const YamlNode* mlp = map.get("mlp")) {
    YamlMap fields(reader, *mlp, "the MLP of " + what);
    read_choice(fields, "kind", kMlpKinds, layer.mlp.kind);
    if (const auto text = fields.string("activation")) layer.mlp.activation = *text;
    read_fields(fields, layer.mlp, kMlpSizes, kMlpFlags);
    fields.finish();
  }
  read_fields(map, layer, std::array<std::pair<const char*, std::int64_t LayerSpec::*>, 0>{},
              kLayerFlags);
  map.finish();
  return layer;
}

void read_kinds(YamlMap& map, DecoderSpec& spec, std::vector<std::string>& names) {
  const YamlNode* kinds = map.get("kinds", Need::required);
  if (kinds == nullptr) return;
  if (!kinds->is_map() || kinds->keys.empty()) {
    map.reader().error(*kinds, "kinds must be a map of a name to each distinct layer");
    return;
  }
  for (std::size_t i = 0; i < kinds->keys.size(); ++i) {
    names.push_back(kinds->keys[i].text);
    spec.layers.push_back(
        read_layer(map.reader(), kinds->items[i], fmt::format("layer '{}'", names.back())));
  }
}

/// Runs of one list without parentheses, "3 dense, 58 moe".
std::vector<LayerRun> read_runs(YamlReader& reader, const YamlNode& node, std::string_view text,
                                const std::vector<std::string>& names) {
  std::vector<LayerRun> runs;
  for (const std::string_view part : split(text, ',')) {
    const auto parts = words(part);
    const auto repeat = parts.size() == 2 ? parse_integer(parts[0]) : std::nullopt;
    if (!repeat || *repeat < 1 || *repeat > kLargest) {
      reader.error(node, fmt::format("'{}' is not a run of layers", trim(part)),
                   "write a count and a kind: 32 layer");
      return {};
    }
    const auto found = std::find(names.begin(), names.end(), parts[1]);
    if (found == names.end()) {
      reader.error(node, fmt::format("no kind of layer is called '{}'", parts[1]),
                   did_you_mean(parts[1], names));
      return {};
    }
    runs.push_back({static_cast<std::size_t>(found - names.begin()), *repeat});
  }
  return runs;
}

void read_pattern(YamlMap& map, DecoderSpec& spec, const std::vector<std::string>& names) {
  const YamlNode* node = map.get("layers", Need::required);
  if (node == nullptr) return;
  const auto text = map.reader().string(*node);
  if (!text) return;
  constexpr std::int64_t kMostRuns = 10'000;
  const std::size_t open = text->find('(');
  if (open == std::string::npos) {
    spec.runs = read_runs(map.reader(), *node, *text, names);
    return;
  }
  const std::size_t close = text->rfind(')');
  const auto before = words(std::string_view(*text).substr(0, open));
  const auto times = before.size() == 2 && before[1] == "x" ? parse_integer(before[0])
                                                            : std::optional<long long>();
  if (close != text->size() - 1 || !times || *times < 1 || *times > kMostRuns) {
    map.reader().error(*node, fmt::format("'{}' is not a repeated list of layers", *text),
                       "write: 12 x (3 window, 1 full)");
    return;
  }
  const auto inner = std::string_view(*text).substr(open + 1, close - open - 1);
  const std::vector<LayerRun> runs = read_runs(map.reader(), *node, inner, names);
  if (static_cast<std::int64_t>(runs.size()) * *times > kMostRuns * 10) {
    map.reader().error(*node, "the pattern is too long");
    return;
  }
  for (long long i = 0; i < *times; ++i)
    spec.runs.insert(spec.runs.end(), runs.begin(), runs.end());
}

void read_drafts(YamlMap& map, DecoderSpec& spec, const std::vector<std::string>& names) {
  const YamlNode* node = map.get("drafts");
  if (node == nullptr) return;
  const auto text = map.reader().string(*node);
  if (!text) return;
  constexpr std::size_t kMostDrafts = 64;
  for (const LayerRun& run : read_runs(map.reader(), *node, *text, names)) {
    if (static_cast<std::size_t>(run.repeat) + spec.drafts.size() > kMostDrafts) {
      map.reader().error(*node, fmt::format("more than {} draft layers", kMostDrafts));
      return;
    }
    spec.drafts.insert(spec.drafts.end(), static_cast<std::size_t>(run.repeat),
                       spec.layers[run.layer]);
  }
}

void read_encoder(YamlMap& map, DecoderSpec& spec, const std::vector<std::string>& names) {
  const YamlNode* node = map.get("encoder");
  if (node == nullptr) return;
  const auto text = map.reader().string(*node);
  if (!text) return;
  const std::vector<LayerRun> runs = read_runs(map.reader(), *node, *text, names);
  if (runs.size() > 1) map.reader().error(*node, "an encoder has layers of one kind");
  if (runs.size() == 1) spec.encoder = {spec.layers[runs[0].layer], runs[0].repeat};
}

void read_patches(YamlMap& map, DecoderSpec& spec) {
  const YamlNode* node = map.get("patches");
  if (node == nullptr) return;
  YamlMap fields(map.reader(), *node, "the patches");
  spec.patches.emplace();
  read_fields(fields, *spec.patches, kPatchSizes, kPatchFlags);
  fields.finish();
}

/// Kinds that only drafts or an encoder use are not layers of the model.
void drop_unused_kinds(DecoderSpec& spec) {
  std::vector<LayerSpec> kept;
  std::vector<std::size_t> index(spec.layers.size(), spec.layers.size());
  for (LayerRun& run : spec.runs) {
    if (index[run.layer] == spec.layers.size()) {
      index[run.layer] = kept.size();
      kept.push_back(spec.layers[run.layer]);
    }
    run.layer = index[run.layer];
  }
  spec.layers = std::move(kept);
}

void read_vision(YamlMap& map, DecoderSpec& spec) {
  const YamlNode* node = map.get("vision");
  if (node == nullptr) return;
  VisionSpec vision;
  YamlMap fields(map.reader(), *node, "vision");
  read_fields(fields, vision, kVisionSizes, kVisionFlags);
  if (const YamlNode* widths = fields.get("projector")) {
    for (const YamlNode& item : widths->items) {
      const auto width = map.reader().integer(item, 1, kLargest);
      if (width) vision.projector.push_back(*width);
    }
  }
  fields.finish();
  spec.vision = vision;
}

void read_formats(YamlMap& map, DecoderSpec& spec) {
  const YamlNode* node = map.get("formats");
  if (node == nullptr) return;
  YamlMap fields(map.reader(), *node, "formats");
  for (const auto& [key, member] : kFormatFields) {
    if (const auto format = fields.name<NumberFormat>(key, "a number format"))
      spec.formats.*member = *format;
  }
  fields.finish();
}

// Writing.

template <class S, std::size_t N, std::size_t M>
void write_fields(std::vector<std::string>& out, const S& from,
                  const std::array<std::pair<const char*, std::int64_t S::*>, N>& sizes,
                  const std::array<std::pair<const char*, bool S::*>, M>& flags) {
  const S defaults;
  for (const auto& [key, member] : sizes) {
    if (from.*member != defaults.*member) out.push_back(fmt::format("{}: {}", key, from.*member));
  }
  for (const auto& [key, member] : flags) {
    if (from.*member != defaults.*member) out.push_back(fmt::format("{}: {}", key, from.*member));
  }
}

template <class E, std::size_t N>
void write_choice(std::vector<std::string>& out, const char* key, const Names<E, N>& names,
                  E value) {
  if (value == E{}) return;
  for (const auto& [name, candidate] : names) {
    if (candidate == value) out.push_back(fmt::format("{}: {}", key, name));
  }
}

std::string flow(const std::vector<std::string>& fields) {
  return fmt::format("{{{}}}", fmt::join(fields, ", "));
}

std::string write_layer(const LayerSpec& layer, const std::string& name) {
  std::string text = fmt::format("  {}:\n", name);
  std::vector<std::string> fields;
  if (layer.mixer.kind != MixerKind::none) {
    write_choice(fields, "kind", kMixerKinds, layer.mixer.kind);
    write_fields(fields, layer.mixer, kMixerSizes, kMixerFlags);
    write_choice(fields, "qk_norm", kQkNorms, layer.mixer.qk_norm);
    text += fmt::format("    mixer: {}\n", flow(fields));
  }
  fields.clear();
  if (layer.mlp.kind != MlpKind::none) {
    write_choice(fields, "kind", kMlpKinds, layer.mlp.kind);
    write_fields(fields, layer.mlp, kMlpSizes, kMlpFlags);
    if (layer.mlp.activation != MlpSpec{}.activation)
      fields.push_back("activation: " + yaml_scalar(layer.mlp.activation));
    text += fmt::format("    mlp: {}\n", flow(fields));
  }
  for (const auto& [key, member] : kLayerFlags) {
    if (layer.*member) text += fmt::format("    {}: true\n", key);
  }
  return text;
}

template <class E, std::size_t N>
std::string choice_name(const Names<E, N>& names, E value) {
  if (value == E{}) return "";
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const auto& entry) { return entry.second == value; });
  return found == names.end() ? "" : found->first;
}

std::string kind_name(const LayerSpec& layer) {
  const bool window = layer.mixer.kind == MixerKind::attention && layer.mixer.window > 0;
  const std::string mixer = window ? "window" : choice_name(kMixerKinds, layer.mixer.kind);
  const std::string mlp = choice_name(kMlpKinds, layer.mlp.kind);
  return (layer.cross ? "cross_" : "") + mixer + (mixer.empty() || mlp.empty() ? "" : "_") + mlp;
}

/// A short name for each kind: what tells it from the others.
std::vector<std::string> kind_names(const std::vector<LayerSpec>& layers) {
  std::vector<std::string> names;
  for (const LayerSpec& layer : layers) {
    const std::string name = layers.size() == 1 ? "layer" : kind_name(layer);
    std::string unique = name;
    for (int i = 2; std::find(names.begin(), names.end(), unique) != names.end(); ++i)
      unique = fmt::format("{}_{}", name, i);
    names.push_back(unique);
  }
  return names;
}

std::string write_runs(const std::vector<LayerRun>& runs, const std::vector<std::string>& names) {
  std::size_t period = 1;
  const auto repeats = [&](std::size_t candidate) {
    if (runs.size() % candidate != 0) return false;
    for (std::size_t i = candidate; i < runs.size(); ++i) {
      if (!(runs[i] == runs[i - candidate])) return false;
    }
    return true;
  };
  while (period < runs.size() && !repeats(period))
    ++period;
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < period && i < runs.size(); ++i)
    parts.push_back(fmt::format("{} {}", runs[i].repeat, names[runs[i].layer]));
  std::string list = fmt::format("{}", fmt::join(parts, ", "));
  if (period >= runs.size()) return list;
  return fmt::format("{} x ({})", runs.size() / period, list);
}

std::string write_vision(const VisionSpec& vision) {
  std::vector<std::string> fields;
  write_fields(fields, vision, kVisionSizes, kVisionFlags);
  fields.push_back(fmt::format("projector: [{}]", fmt::join(vision.projector, ", ")));
  return fmt::format("vision: {}\n", flow(fields));
}

std::string write_formats(const TensorFormats& formats) {
  std::vector<std::string> fields;
  const TensorFormats defaults;
  for (const auto& [key, member] : kFormatFields) {
    if (formats.*member != defaults.*member)
      fields.push_back(fmt::format("{}: {}", key, name_of(formats.*member)));
  }
  return fields.empty() ? "" : fmt::format("formats: {}\n", flow(fields));
}

}  // namespace

Result<Imported<DecoderSpec>> read_model_yaml(std::string_view text, std::string_view file) {
  const auto root = parse_yaml(text, std::string(file));
  if (!root) return failure(root.error());
  YamlReader reader{std::string(file)};
  YamlMap map(reader, *root, "a model");
  DecoderSpec spec;
  spec.name = map.string("model", Need::required).value_or("");
  spec.source = map.string("source", Need::required).value_or("");
  spec.date = map.string("date", Need::required).value_or("");
  read_fields(map, spec, kSpecSizes, kSpecFlags);
  read_choice(map, "norm", kNormKinds, spec.norm);
  std::vector<std::string> names;
  read_kinds(map, spec, names);
  read_pattern(map, spec, names);
  read_drafts(map, spec, names);
  read_encoder(map, spec, names);
  read_patches(map, spec);
  read_vision(map, spec);
  read_formats(map, spec);
  map.finish();
  if (!reader.failed()) {
    drop_unused_kinds(spec);
    for (const std::string& mistake : mistakes_in(spec))
      reader.error(*root, mistake);
  }
  if (reader.failed()) return failure(reader.take_errors());
  return Imported<DecoderSpec>{std::move(spec), reader.take_warnings()};
}

std::string write_model_yaml(const DecoderSpec& spec) {
  std::string text = fmt::format("model: {}\nsource: {}\ndate: {}\n", yaml_scalar(spec.name),
                                 yaml_scalar(spec.source), yaml_scalar(spec.date));
  std::vector<std::string> fields;
  write_fields(fields, spec, kSpecSizes, kSpecFlags);
  write_choice(fields, "norm", kNormKinds, spec.norm);
  for (const std::string& field : fields)
    text += field + "\n";
  std::vector<LayerSpec> kinds = spec.layers;
  std::vector<LayerRun> drafts;
  for (const LayerSpec& draft : spec.drafts) {
    const auto found = std::find(kinds.begin(), kinds.end(), draft);
    drafts.push_back({static_cast<std::size_t>(found - kinds.begin()), 1});
    if (found == kinds.end()) kinds.push_back(draft);
  }
  std::size_t encoder = 0;
  if (spec.encoder) {
    const auto found = std::find(kinds.begin(), kinds.end(), spec.encoder->layer);
    encoder = static_cast<std::size_t>(found - kinds.begin());
    if (found == kinds.end()) kinds.push_back(spec.encoder->layer);
  }
  const std::vector<std::string> names = kind_names(kinds);
  text += "kinds:\n";
  for (std::size_t i = 0; i < kinds.size(); ++i)
    text += write_layer(kinds[i], names[i]);
  text += fmt::format("layers: {}\n", write_runs(spec.runs, names));
  if (!drafts.empty()) {
    std::vector<std::string> parts;
    parts.reserve(drafts.size());
    for (const LayerRun& run : drafts)
      parts.push_back(fmt::format("1 {}", names[run.layer]));
    text += fmt::format("drafts: {}\n", fmt::join(parts, ", "));
  }
  if (spec.encoder) text += fmt::format("encoder: {} {}\n", spec.encoder->repeat, names[encoder]);
  if (spec.patches) {
    std::vector<std::string> sizes;
    write_fields(sizes, *spec.patches, kPatchSizes, kPatchFlags);
    text += fmt::format("patches: {}\n", flow(sizes));
  }
  if (spec.vision) text += write_vision(*spec.vision);
  return text + write_formats(spec.formats);
}

}  // namespace fastpath
