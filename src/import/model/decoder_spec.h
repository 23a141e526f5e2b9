/// What a decoder's shape needs: layers, attention, experts, formats; and what is asked of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/workload.h"

namespace fastpath {

enum class MixerKind : std::uint8_t {
  none,
  attention,   ///< softmax attention with grouped keys and values, full or windowed
  mla,         ///< multi-head latent attention (arXiv 2405.04434), with or without an index
  mamba2,      ///< state space duality (arXiv 2405.21060)
  delta,       ///< gated delta net (arXiv 2412.06464)
  compressed,  ///< pooled keys and a window (DeepSeek-V4: CSA where there is an index, else HCA)
};

enum class MlpKind : std::uint8_t { none, dense, moe };

enum class NormKind : std::uint8_t {
  rms,
  layer,        ///< with weight and bias
  layer_plain,  ///< layer norm without a bias
};

/// Norm of queries and keys before the scores.
enum class QkNorm : std::uint8_t { none, per_head, per_layer, unweighted };

/// The part of a layer that mixes tokens. Sizes that a kind does not use are 0.
struct MixerSpec {
  MixerKind kind = MixerKind::none;
  std::int64_t heads = 0;        ///< query heads; state heads of mamba2; value heads of delta
  std::int64_t kv_heads = 0;     ///< key/value heads; B and C groups of mamba2; key heads of delta
  std::int64_t head_dim = 0;     ///< of queries and keys, rotary part included; of a state head
  std::int64_t value_dim = 0;    ///< of values; 0 = head_dim
  std::int64_t rope_dim = 0;     ///< rotary part of head_dim; 0 = no rotary embedding
  std::int64_t window = 0;       ///< keys seen at most; 0 = all
  std::int64_t q_lora = 0;       ///< mla, compressed: rank of the query; 0 = full
  std::int64_t kv_lora = 0;      ///< mla: rank of the latent that is cached
  std::int64_t output_lora = 0;  ///< compressed: rank of the output per group
  std::int64_t output_groups = 0;  ///< compressed: groups of heads in the output projection
  std::int64_t index_heads = 0;    ///< lightning indexer (arXiv 2512.02556); 0 = none
  std::int64_t index_head_dim = 0;
  std::int64_t index_top_k = 0;     ///< keys kept per query
  std::int64_t compress_ratio = 0;  ///< compressed: tokens pooled into one key
  std::int64_t state = 0;           ///< mamba2: state size per channel
  std::int64_t conv_kernel = 0;     ///< mamba2, delta: taps of the short convolution
  std::int64_t chunk = 0;           ///< mamba2, delta: tokens per chunk of the parallel form
  QkNorm qk_norm = QkNorm::none;
  bool qkv_bias = false;
  bool output_bias = false;
  bool output_gate = false;  ///< values gated by a projection as large as the query
  bool sinks = false;        ///< one learned score per head joins the softmax
  bool conv_bias = false;

  friend bool operator==(const MixerSpec&, const MixerSpec&) = default;
};

struct MlpSpec {
  MlpKind kind = MlpKind::none;
  std::int64_t ffn = 0;  ///< width of the dense MLP, or of one expert
  std::int64_t experts = 0;
  std::int64_t top_k = 0;
  std::int64_t shared_ffn = 0;  ///< width of the shared expert(s) together; 0 = none
  bool gated = true;            ///< up and gate, multiplied
  bool bias = false;
  bool router_bias = false;  ///< a trained bias on the router's logits
  bool shared_gate = false;  ///< the shared expert is scaled by a sigmoid of its input
  std::string activation = "silu";

  friend bool operator==(const MlpSpec&, const MlpSpec&) = default;
};

struct LayerSpec {
  MixerSpec mixer;
  MlpSpec mlp;
  bool parallel = false;     ///< mixer and MLP read the same input (GPT-J form)
  bool single_norm = false;  ///< parallel: one norm for both
  bool post_norms = false;   ///< a norm behind mixer and MLP besides the one before (Gemma 2)
  bool norm_after = false;   ///< the only norms stand behind the residual adds (BERT)
  bool cross = false;        ///< attends to the encoder's output behind its own mixer (T5)

  friend bool operator==(const LayerSpec&, const LayerSpec&) = default;
};

/// `repeat` equal layers in a row; `layer` indexes DecoderSpec::layers.
struct LayerRun {
  std::size_t layer = 0;
  std::int64_t repeat = 1;

  friend bool operator==(const LayerRun&, const LayerRun&) = default;
};

/// An image tower with its projection into the model's tokens.
struct VisionSpec {
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t ffn = 0;
  std::int64_t patch = 0;           ///< side of a patch, pixels
  std::int64_t temporal_patch = 1;  ///< frames per patch
  std::int64_t channels = 3;
  std::int64_t positions = 0;  ///< learned position embeddings
  std::int64_t merge = 1;      ///< patches merged into one token along each side
  /// Widths of the projection from merge^2 * hidden to the model's width, in order.
  std::vector<std::int64_t> projector;
  std::int64_t projectors = 1;  ///< taps of the tower with a projector each (DeepStack)
  bool gated = false;
  bool projector_bias = true;

  friend bool operator==(const VisionSpec&, const VisionSpec&) = default;
};

/// The encoder of an encoder-decoder: `repeat` layers that see all source tokens, with embeddings,
/// positions and norms of the decoder's kind. Its table is the decoder's.
struct EncoderSpec {
  LayerSpec layer;
  std::int64_t repeat = 0;

  friend bool operator==(const EncoderSpec&, const EncoderSpec&) = default;
};

/// Patches of an image in the place of tokens (ViT, arXiv 2010.11929).
struct PatchSpec {
  std::int64_t side = 0;   ///< of the image, pixels
  std::int64_t patch = 0;  ///< side of a patch, pixels
  std::int64_t channels = 3;
  std::int64_t extra = 1;  ///< learned tokens besides the patches: the class token

  std::int64_t tokens() const { return (side / patch) * (side / patch) + extra; }
  friend bool operator==(const PatchSpec&, const PatchSpec&) = default;
};

/// Storage formats by class of tensor, in inference. Training keeps weights in `activation`.
struct TensorFormats {
  NumberFormat activation = NumberFormat::bf16;
  NumberFormat attention = NumberFormat::bf16;  ///< projections of the mixers
  NumberFormat mlp = NumberFormat::bf16;
  NumberFormat experts = NumberFormat::bf16;
  NumberFormat shared = NumberFormat::bf16;
  NumberFormat router = NumberFormat::bf16;
  NumberFormat embedding = NumberFormat::bf16;
  NumberFormat head = NumberFormat::bf16;
  NumberFormat cache = NumberFormat::bf16;
  NumberFormat state = NumberFormat::bf16;   ///< recurrent state
  NumberFormat inputs = NumberFormat::bf16;  ///< activations as the quantised matmuls take them

  friend bool operator==(const TensorFormats&, const TensorFormats&) = default;
};

/// All that the shape of a language model needs.
struct DecoderSpec {
  std::string name;
  std::string source;  ///< where the figures are from
  std::string date;    ///< of the source, ISO 8601
  std::int64_t hidden = 0;
  std::int64_t vocab = 0;
  std::int64_t positions = 0;    ///< learned position embeddings; 0 = none
  std::int64_t token_types = 0;  ///< learned segment embeddings (BERT); 0 = none
  std::int64_t max_context = 0;  ///< tokens the model was made for; 0 = not stated
  std::int64_t outputs =
      0;  ///< width of a head on one token: classes, a projection; 0 = vocabulary
  bool causal = true;
  bool tied = false;  ///< the head's weight is the embedding table
  bool head = true;   ///< projects to the vocabulary
  bool head_bias = false;
  bool final_norm = true;
  bool embedding_norm = false;
  bool dropout = false;  ///< in training: of embeddings, attention probabilities and sublayers
  NormKind norm = NormKind::rms;
  std::vector<LayerSpec> layers;  ///< each distinct layer once
  std::vector<LayerRun> runs;     ///< in order
  std::vector<LayerSpec> drafts;  ///< multi-token prediction modules, one layer each
  std::int64_t streams = 0;       ///< residual streams of hyper-connections (arXiv 2512.24880)
  std::int64_t sinkhorn = 0;      ///< their normalisation rounds
  std::optional<VisionSpec> vision;
  std::optional<EncoderSpec> encoder;  ///< with layers that cross
  std::optional<PatchSpec> patches;    ///< an image model: no vocabulary, no cache
  TensorFormats formats;

  friend bool operator==(const DecoderSpec&, const DecoderSpec&) = default;
};

/// One step of a model: `sequence` new tokens for each of `batch` sequences.
struct ModelRequest {
  Phase phase = Phase::prefill;
  std::int64_t batch = 1;
  std::int64_t sequence = 1;
  std::int64_t past = 0;           ///< tokens of each sequence that are in the cache already
  std::int64_t images = 0;         ///< per sequence
  std::int64_t image_side = 1024;  ///< pixels
};

/// Layers of the pattern, drafts not counted.
std::int64_t layer_count(const DecoderSpec& spec);

/// Appends `repeat` layers, keeping each distinct layer once and runs maximal.
void append_layer(DecoderSpec& spec, const LayerSpec& layer, std::int64_t repeat = 1);

/// Mistakes of a spec, empty if `build_decoder` can take it. Sizes are limited so that no product
/// overflows: 1e9 each, 1e5 layers.
std::vector<std::string> mistakes_in(const DecoderSpec& spec);

/// Mistakes of a request: sizes below 1 or above 1e10, decode without a past.
std::vector<std::string> mistakes_in(const ModelRequest& request);

/// Requests that are possible, but not of this model: a decode step of an image model.
std::vector<std::string> mistakes_in(const DecoderSpec& spec, const ModelRequest& request);

}  // namespace fastpath
