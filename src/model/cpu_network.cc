#include "model/cpu_network.h"

#include <cmath>

namespace fastpath {
namespace {

enum Kind : std::size_t {
  transform_work,
  winograd,
  pointwise,
  other_convolution,
  first_convolution,
  grouped,
  depthwise,
  fully_connected,
  activation_work,
  layer_work,
  winograd_int8,
  pointwise_int8,
  convolution_int8,
  depthwise_int8
};

constexpr std::array<std::string_view, kCpuWorks> kNames{
    "winograd transform", "winograd",      "pointwise",     "other convolution",
    "first convolution",  "grouped",       "depthwise",     "fully connected",
    "activations",        "layers",        "winograd int8", "pointwise int8",
    "convolution int8",   "depthwise int8"};

/// Images have 3 channels: too few for the kernels that pack channels.
constexpr double kFewChannels = 4;
/// Groups of fewer channels do not fill the vectors of those kernels.
constexpr double kNarrowGroup = 16;
constexpr double kTile = 4;
constexpr double kTileWork = (kTile + 2) * (kTile + 2);

Kind kind_of(const EdgeLayer& layer) {
  if (layer.fully_connected) return fully_connected;
  if (layer.groups > 1 && layer.groups == layer.in_channels) return depthwise;
  if (layer.groups > 1 && layer.in_channels / layer.groups < kNarrowGroup) return grouped;
  if (layer.in_channels <= kFewChannels) return first_convolution;
  if (layer.kernel == 3 && layer.stride == 1) return winograd;
  return layer.kernel == 1 ? pointwise : other_convolution;
}

Kind quantised(Kind kind) {
  switch (kind) {
    case winograd: return winograd_int8;
    case pointwise: return pointwise_int8;
    case other_convolution:
    case first_convolution: return convolution_int8;
    case depthwise: return depthwise_int8;
    default: return kind;
  }
}

}  // namespace

std::string_view cpu_work_name(std::size_t kind) { return kNames[kind]; }

CpuWork cpu_work(std::span<const EdgeLayer> layers, const EdgeNetwork& network, bool int8) {
  CpuWork work{};
  for (const EdgeLayer& layer : layers) {
    const Kind kind = kind_of(layer);
    double units = layer.macs;
    if (kind == winograd) {
      const double tiles =
          std::ceil(layer.out_height / kTile) * std::ceil(layer.out_width / kTile) * kTileWork;
      units = tiles * layer.in_channels * layer.out_channels / layer.groups;
      work[transform_work] += tiles * (layer.in_channels + layer.out_channels);
    }
    work[int8 ? quantised(kind) : kind] += units;
  }
  work[activation_work] = network.activations;
  work[layer_work] = network.layers;
  return work;
}

Seconds cpu_time(const CpuWork& work, std::span<const double> unit_times) {
  double sum = 0;
  for (std::size_t i = 0; i < kCpuWorks; ++i)
    sum += work[i] * unit_times[i];
  return Seconds{sum};
}

}  // namespace fastpath
