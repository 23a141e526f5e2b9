#include "model/kernel_time.h"

#include <algorithm>
#include <cmath>

namespace fastpath {
namespace {

using P = KernelParameter;

/// The formats that can stand in for `format`, best first. Narrow formats without an engine of
/// their own are converted and computed in the next wider one.
std::vector<NumberFormat> stand_ins(NumberFormat format) {
  using F = NumberFormat;
  switch (format) {
    case F::fp64: return {F::fp64};
    case F::fp32: return {F::fp32, F::fp64, F::fp16, F::bf16};
    case F::tf32: return {F::tf32, F::fp32, F::bf16, F::fp16};
    case F::fp16: return {F::fp16, F::bf16, F::fp32, F::int8};
    case F::bf16: return {F::bf16, F::fp16, F::fp32, F::int8};
    case F::fp8:
    case F::mxfp8: return {F::fp8, F::bf16, F::fp16, F::int8, F::fp32};
    case F::fp6:
    case F::fp4:
    case F::mxfp4:
    case F::nvfp4: return {F::fp4, F::fp8, F::bf16, F::fp16, F::int8, F::fp32};
    case F::int4: return {F::int4, F::int8, F::fp8, F::fp16, F::bf16, F::fp32};
    case F::int8:
    case F::boolean: return {F::int8, F::fp16, F::bf16, F::fp32};
    case F::int16: return {F::int16, F::fp32, F::fp16};
    case F::int32:
    case F::int64: return {F::fp32, F::fp16, F::int8};
  }
  return {};
}

FlopsPerSecond data_sheet_peak(const Device& device, NumberFormat format) {
  for (const Peak& peak : device.peaks) {
    if (peak.format == format) return peak.rate.value;
  }
  return FlopsPerSecond{};
}

FlopsPerSecond best_peak(const Device& device, NumberFormat format) {
  for (const NumberFormat candidate : stand_ins(format)) {
    const FlopsPerSecond rate = data_sheet_peak(device, candidate);
    if (rate > FlopsPerSecond{}) return rate;
  }
  // Any engine is better than none: the data sheet names only an unusual format.
  FlopsPerSecond best;
  for (const Peak& peak : device.peaks)
    best = std::max(best, peak.rate.value);
  return best;
}

/// "108 SM", "28xSM@1.582GHz", "2x56 cores": the product of the leading numbers.
double units_of(const std::string& text) {
  double units = 1;
  std::size_t at = 0;
  bool any = false;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    double number = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && number < 1e6)
      number = number * 10 + (text[at++] - '0');
    if (number > 0) units *= number;
    any = true;
    if (at < text.size() && text[at] == 'x') ++at;
  }
  return any ? std::min(units, 1e6) : 0;
}

/// Rows and columns of output tiles that libraries ship, and their 1/a + 1/b.
struct Tile {
  double rows;
  double columns;
  double perimeter() const { return 1 / rows + 1 / columns; }
};
constexpr std::array<Tile, 6> kTiles = {
    {{16, 64}, {64, 64}, {128, 64}, {128, 128}, {256, 128}, {128, 256}}};

constexpr std::array<double, 4> kSplits = {1, 2, 4, 8};
constexpr std::array<double, 6> kKeySplits = {1, 2, 4, 8, 16, 32};
constexpr double kAttentionRows = 128;  ///< queries a tile of fused attention
constexpr double kDecodeRows = 16;      ///< the least that a matrix engine takes
/// A last-level cache's bandwidth over main memory's, where no data sheet says: GPUs, A100 to B200.
constexpr double kCacheSpeed = 3;
/// Loads of matrix engines and of vectors: a row that is no multiple of it takes narrower ones.
constexpr double kAlignment = 16;
/// Bytes of a row (read and written) that take one `prologue` in a map or norm.
constexpr double kRowBytes = 16384;
/// Multiplications saved by F(2x2, 3x3). Source: Lavin and Gray, CVPR 2016, section 4.1.
constexpr double kWinogradGain = 2.25;

/// (a^p + b^p)^(1/p) without overflow.
double soft_max(double a, double b, double p) {
  const double large = std::max(a, b);
  const double small = std::min(a, b);
  if (small <= 1e-3 * large) return large;
  return large * std::pow(1 + std::pow(small / large, p), 1 / p);
}

/// Waves of `tiles` over `units`: whole ones, or streamed.
double waves(double tiles, double units, double stream) {
  const double x = tiles / units;
  return stream * std::max(x, 1.0) + (1 - stream) * std::ceil(x);
}

double memory_seconds(const DeviceRates& rates, const KernelParameters& parameters, double bytes,
                      double footprint) {
  double share = 1;
  if (rates.cache > Bytes{} && parameters[P::warm] > 0) {
    const double fill = footprint / rates.cache.base();
    const double fill2 = fill * fill;
    const double hit = parameters[P::warm] / (1 + fill2 * fill2);
    share = 1 - hit + hit / kCacheSpeed;
  }
  return bytes * share / (rates.bandwidth.base() * parameters[P::memory]);
}

/// Tiles along a dimension. The mean over groups of unequal size is smooth.
double tiles_along(double size, double tile, bool mean) {
  if (!mean) return std::ceil(size / tile);
  const double x = size / tile;
  return x + 0.5 + 0.5 * std::exp(-2 * x);
}

struct Candidate {
  double busy = 0;
  double compute = 0;
  double memory = 0;
};

void keep_better(Candidate& best, double compute, double memory, double overlap) {
  if (best.busy > 0 && std::max(compute, memory) >= best.busy) return;
  const double busy = soft_max(compute, memory, overlap);
  if (best.busy > 0 && busy >= best.busy) return;
  best = {busy, compute, memory};
}

/// 1 where each multiplication counts, more where work is done twice.
double work_scale(const OpShape& shape) {
  const double plain = 2 * shape.m * shape.n * shape.k * shape.batch;
  return plain > 0 ? shape.work.base() / plain : 0;
}

/// Whether rows of both matrices start where a wide load may.
bool aligned(const OpShape& shape) {
  const double element = bytes_per_element(shape.compute_format).base();
  return std::fmod(shape.n * element, kAlignment) == 0 &&
         std::fmod(shape.k * element, kAlignment) == 0;
}

Candidate matmul(const DeviceRates& rates, const KernelParameters& parameters,
                 const OpShape& shape) {
  const bool grouped = shape.kind == OpKind::grouped_matmul;
  const double scale = work_scale(shape) / shape.steps;
  const double share = parameters[P::compute] * (aligned(shape) ? 1 : parameters[P::unaligned]);
  const double unit_rate = rates.peak(shape.compute_format).base() * share / rates.units;
  const double footprint = (shape.read + shape.write).base();
  const double partial = 8 * shape.m * shape.n * shape.batch;  // fp32 sums, written and read
  Candidate best;
  for (const double split : kSplits) {
    if (split > 1 && (grouped || shape.k < 128 * split)) break;
    double compute = 0;
    for (Tile tile : kTiles) {
      if (tile.rows == kTiles.front().rows) tile.rows = rates.least_rows;
      const double tiles = tiles_along(shape.m, tile.rows, grouped) *
                           std::ceil(shape.n / tile.columns) * shape.batch * split;
      const double slow = 1 + parameters[P::tile] * tile.perimeter();
      const double one =
          2 * tile.rows * tile.columns * (shape.k / split) * scale * slow / unit_rate;
      const double time =
          waves(tiles, rates.units, parameters[P::stream]) * (one + parameters[P::prologue]);
      if (compute == 0 || time < compute) compute = time;
    }
    const double bytes = footprint + (split > 1 ? split * partial : 0);
    keep_better(best, compute * shape.steps, memory_seconds(rates, parameters, bytes, footprint),
                parameters[P::overlap]);
  }
  return best;
}

/// Blocks of queries of one head (of the heads that share keys, in decode) against all their keys.
Candidate attention(const DeviceRates& rates, const KernelParameters& parameters,
                    const OpShape& shape, bool decode) {
  const double tile = decode ? kDecodeRows : kAttentionRows;
  const double group = decode ? std::max(shape.group, 1.0) : 1;
  const double blocks = std::ceil(shape.m * group / tile) * shape.batch / group;
  const double flops_a_row = shape.work.base() / std::max(shape.m * shape.batch, 1e-9);
  const double unit_rate =
      rates.peak(shape.compute_format).base() * parameters[P::compute] / rates.units;
  // The masked half of the blocks on the diagonal is computed as well.
  const double masked = decode ? 1 : 1 + tile / 2 / std::max(shape.n, tile / 2);
  const double slow = 1 + parameters[P::tile] / tile;
  const double footprint = (shape.read + shape.write).base();
  Candidate best;
  for (const double split : kKeySplits) {
    if (split > 1 && (!decode || shape.n < 64 * split)) break;
    const double one = tile * flops_a_row * masked * slow / split / unit_rate;
    const double compute = waves(blocks * split, rates.units, parameters[P::stream]) *
                               (one + parameters[P::prologue]) +
                           (split > 1 ? parameters[P::prologue] : 0);
    keep_better(best, compute, memory_seconds(rates, parameters, footprint, footprint),
                parameters[P::overlap]);
  }
  return best;
}

/// Norms, softmax and maps: rows over units, bytes through memory.
Candidate streaming(const DeviceRates& rates, const KernelParameters& parameters,
                    const OpShape& shape) {
  const double footprint = (shape.read + shape.write).base();
  double compute = 0;
  const FlopsPerSecond peak = rates.peak(NumberFormat::fp32);
  if (peak > FlopsPerSecond{}) compute = shape.work.base() / (peak.base() * parameters[P::compute]);
  if (shape.m > 0) {
    // Rows of one unit follow each other a few at a time: `tile` rows fly together. One block of
    // threads walks along a row, so that a long row takes longer however few there are.
    const double rows = shape.m / (rates.units * parameters[P::tile]);
    const double length = footprint / shape.m / kRowBytes;
    compute += std::max(rows, 1.0) * length * parameters[P::prologue];
  }
  Candidate best;
  keep_better(best, compute, memory_seconds(rates, parameters, footprint, footprint),
              parameters[P::overlap]);
  return best;
}

bool contracts(const OpShape& shape) {
  return shape.m > 0 && shape.n > 0 && shape.k > 0 && shape.batch > 0 && shape.work > Flops{};
}

/// The larger of work and traffic, for a contraction of unknown sizes.
Candidate piece(const DeviceRates& rates, const KernelParameters& parameters,
                const OpShape& shape) {
  const double rate = rates.peak(shape.compute_format).base() * parameters[P::compute];
  const double bytes = (shape.read + shape.write).base();
  Candidate best;
  keep_better(best, rate > 0 ? shape.work.base() / rate : 0,
              memory_seconds(rates, parameters, bytes, bytes), parameters[P::overlap]);
  return best;
}

Candidate convolution(const DeviceRates& rates, const KernelParameters& parameters,
                      const OpShape& shape) {
  Candidate best = matmul(rates, parameters, shape);
  if (!shape.winograd) return best;
  OpShape transformed = shape;
  transformed.work = shape.work / kWinogradGain;
  // Inputs and outputs pass through the transforms, 4 x 4 tiles for each 2 x 2 outputs.
  transformed.read += 2.0 * (shape.read - shape.weights);
  transformed.write += 2.0 * shape.write;
  const Candidate other = matmul(rates, parameters, transformed);
  return other.busy < best.busy ? other : best;
}

Candidate busiest(const DeviceRates& rates, const KernelParameters& parameters,
                  const OpShape& shape) {
  switch (kernel_class_of(shape)) {
    case KernelClass::matmul:
    case KernelClass::grouped_matmul:
    case KernelClass::recurrent:
      return contracts(shape) ? matmul(rates, parameters, shape) : piece(rates, parameters, shape);
    case KernelClass::convolution:
    case KernelClass::depthwise:
    case KernelClass::convolution_weights:
      return contracts(shape) ? convolution(rates, parameters, shape)
                              : piece(rates, parameters, shape);
    case KernelClass::attention_prefill:
    case KernelClass::attention_decode:
      if (!contracts(shape)) return piece(rates, parameters, shape);
      return attention(rates, parameters, shape,
                       kernel_class_of(shape) == KernelClass::attention_decode);
    case KernelClass::softmax:
    case KernelClass::norm:
    case KernelClass::elementwise: break;
  }
  return streaming(rates, parameters, shape);
}

}  // namespace

KernelClass kernel_class_of(const OpShape& shape) {
  constexpr double kMostDecodeQueries = 8;  // speculative verification included
  switch (shape.kind) {
    case OpKind::matmul: return shape.steps > 1 ? KernelClass::recurrent : KernelClass::matmul;
    case OpKind::grouped_matmul: return KernelClass::grouped_matmul;
    case OpKind::convolution:
      // The contraction of a weight gradient is over all pixels of the batch.
      if (shape.k > shape.m * 4 && !(shape.weights > Bytes{}))
        return KernelClass::convolution_weights;
      return shape.group > 1 && shape.n <= shape.group ? KernelClass::depthwise
                                                       : KernelClass::convolution;
    case OpKind::attention:
      return shape.m <= kMostDecodeQueries ? KernelClass::attention_decode
                                           : KernelClass::attention_prefill;
    case OpKind::softmax: return KernelClass::softmax;
    case OpKind::rms_norm:
    case OpKind::layer_norm: return KernelClass::norm;
    default: return KernelClass::elementwise;
  }
}

DeviceRates::DeviceRates(const Device& device) {
  for (std::size_t i = 0; i < peaks.size(); ++i)
    peaks[i] = best_peak(device, kNumberFormatNames[i].second);
  // Cards that print fp16 twice as fast as bf16 do so with fp16 sums; libraries sum in fp32.
  auto& half = peaks[static_cast<std::size_t>(NumberFormat::fp16)];
  const FlopsPerSecond brain = data_sheet_peak(device, NumberFormat::bf16);
  if (brain > FlopsPerSecond{}) half = std::min(half, brain);
  if (!device.memories.empty() && device.memories.front().bandwidth) {
    bandwidth = device.memories.front().bandwidth->value;
  }
  if (device.memories.size() > 1 && device.memories[1].capacity) {
    cache = device.memories[1].capacity->value;
  }
  const bool matrix_engine = device.kind == "gpu" || device.kind == "tpu" || device.kind == "asic";
  least_rows = matrix_engine ? 16 : 4;
  units = units_of(device.units);
  // Not printed: a unit of 2 to 3 TFLOP/s, the middle of 2016 to 2024's GPUs, 16 bit, dense.
  if (units <= 0) units = std::max(1.0, std::round(peak(NumberFormat::fp16).base() / 2.5e12));
}

KernelTime kernel_time(const DeviceRates& rates, const KernelParameters& parameters,
                       const OpShape& shape) {
  const Candidate best = busiest(rates, parameters, shape);
  const double moved = (shape.read - shape.weights).base();
  const double passes = parameters[P::passes] * moved / rates.bandwidth.base();
  return {Seconds{best.busy + passes}, Seconds{best.compute}, Seconds{best.memory + passes}};
}

}  // namespace fastpath
