/// The parts of a decoder layer as operators; used by build_decoder only.
#pragma once

#include "import/model/builder.h"
#include "import/model/decoder_spec.h"

namespace fastpath::parts {

/// What all parts of one workload share.
struct Frame {
  const DecoderSpec& spec;
  const ModelRequest& request;
  Workload& workload;
  DimId batch = 0;
  DimId seq = 0;
  DimId context = 0;
  DimId hidden = 0;
  DimId streams = 0;      ///< valid if the spec has hyper-connections
  DimId source = 0;       ///< of an encoder: context of its tokens, as the decoder sees them
  bool encoding = false;  ///< tokens of an encoder or an image: all see all, nothing is kept

  bool causal() const { return spec.causal && !encoding; }
  bool caching() const {
    return !encoding && (request.phase == Phase::prefill || request.phase == Phase::decode);
  }
  std::int64_t keys() const { return request.past + request.sequence; }
  NumberFormat activation() const { return spec.formats.activation; }
  /// Published weights may be quantised; training keeps the activations' format.
  NumberFormat weights(NumberFormat published) const {
    return request.phase == Phase::training ? activation() : published;
  }
  /// Format in which a matmul with weights of `published` takes its input.
  NumberFormat inputs_for(NumberFormat published) const {
    const bool quantised = weights(published) != activation();
    return quantised ? spec.formats.inputs : activation();
  }
  bool drops() const { return spec.dropout && request.phase == Phase::training; }
  NumberFormat cache() const { return caching() ? spec.formats.cache : activation(); }
  DimId dim(std::string_view name, DimKind kind, std::int64_t size) const {
    return get_dim(workload, name, kind, size);
  }
};

/// A norm of the model's kind over `over`, the last axes of `x`; its output has format `format`.
TensorId add_norm(const Frame& frame, BlockBuilder& block, std::string name, TensorId x,
                  NumberFormat format);

/// RMS norm with a weight over `dims`, reduced over `over`.
TensorId add_rms_norm(BlockBuilder& block, std::string name, TensorId x,
                      std::initializer_list<DimId> dims, DimId over);

/// Dropout of `x`, where the model is trained with it.
TensorId add_dropout(const Frame& frame, BlockBuilder& block, const std::string& name, TensorId x);

TensorId add_rope(BlockBuilder& block, std::string name, TensorId x);

/// Keys or values of `window` (0: all) tokens for an attention, from the new tokens' `fresh`: a
/// cache tensor where the phase keeps one. Replaces the axis seq by the context.
TensorId add_keys(const Frame& frame, BlockBuilder& block, std::string name, TensorId fresh,
                  std::int64_t window);

/// n[batch seq hidden] -> [batch seq hidden].
TensorId add_mixer(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer, TensorId n);
/// Attention of n's tokens to the encoder's output. A decode step reads keys and values that the
/// prefill kept.
TensorId add_cross_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                             TensorId n);
TensorId add_latent_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                              TensorId n);
TensorId add_compressed_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                                  TensorId n);
TensorId add_mamba2(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer, TensorId n);
TensorId add_delta_net(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer, TensorId n);
TensorId add_mlp(const Frame& frame, BlockBuilder& block, const MlpSpec& mlp, TensorId n);

/// Hyper-connections: x[batch seq streams hidden] -> one stream, and back.
struct Collapsed {
  TensorId stream = 0;  ///< [batch seq hidden]
  TensorId mix = 0;     ///< the weights that put the result back
};
Collapsed collapse_streams(const Frame& frame, BlockBuilder& block, TensorId x);
TensorId expand_streams(const Frame& frame, BlockBuilder& block, TensorId x, TensorId y,
                        TensorId mix);

/// Weights with the format that `n` should have as their input.
NumberFormat mixer_input_format(const Frame& frame, const MixerSpec& mixer);
NumberFormat mlp_input_format(const Frame& frame, const MlpSpec& mlp);

/// FLOP per element of an activation function, each transcendental counted once.
double activation_work(const std::string& function);

/// The tower's blocks; appended to the workload with their segments.
void add_vision(const Frame& frame, const VisionSpec& vision);

}  // namespace fastpath::parts
