#include <cmath>

#include "import/measurements/row.h"

namespace fastpath {
namespace {

struct Convolution {
  double batch;
  double pixels_in;  ///< of one image
  double pixels_out;
  double channels;
  double filters;
  double taps;
  bool winograd;
};

/// Whether the algorithm that ran, where the source prints it, is the 3 x 3 transform; where it
/// does not, whatever is faster.
bool may_transform(const MeasurementRow& row, bool possible) {
  const std::string_view algorithm = row.text("algo");
  return possible && (algorithm.empty() || deepbench_kernel(row) == "winograd");
}

double extent(double size, double filter, double pad, double stride) {
  return std::max(std::floor((size + 2 * pad - filter) / stride) + 1, 1.0);
}

Convolution convolution_of(const MeasurementRow& row) {
  const double width = row.need("w");
  const double height = row.need("h");
  const double filter_w = row.need("filt_w");
  const double filter_h = row.need("filt_h");
  const double stride_w = std::max(row.number_or("stride_w", 1), 1.0);
  const double stride_h = std::max(row.number_or("stride_h", 1), 1.0);
  const double out_w = extent(width, filter_w, row.number_or("pad_w", 0), stride_w);
  const double out_h = extent(height, filter_h, row.number_or("pad_h", 0), stride_h);
  return {row.need("n"),
          width * height,
          out_w * out_h,
          row.need("c"),
          row.need("k"),
          filter_w * filter_h,
          may_transform(row, filter_w == 3 && filter_h == 3 && stride_w == 1 && stride_h == 1)};
}

OpShape convolution_shape(const MeasurementRow& row, const FormatScheme& scheme) {
  const Convolution c = convolution_of(row);
  const std::string_view op = row.text("op");
  const double inputs = c.batch * c.pixels_in * c.channels;
  const double outputs = c.batch * c.pixels_out * c.filters;
  const double weights = c.channels * c.filters * c.taps;
  OpShape shape;
  shape.kind = OpKind::convolution;
  shape.compute_format = scheme.compute;
  shape.work = Flops{2 * outputs * c.channels * c.taps};
  shape.winograd = c.winograd;
  const Bytes w{weights * scheme.weight_bytes};
  const Bytes x{inputs * scheme.activation_bytes};
  const Bytes y{outputs * scheme.activation_bytes};
  if (op == "conv_bwd_params") {
    shape.m = c.channels * c.taps;
    shape.n = c.filters;
    shape.k = c.batch * c.pixels_out;
    shape.read = x + y;
    shape.write = w;
    return shape;
  }
  const bool backward = op == "conv_bwd_inputs";
  shape.m = c.batch * (backward ? c.pixels_in : c.pixels_out);
  shape.n = backward ? c.channels : c.filters;
  shape.k = shape.work.base() / (2 * shape.m * shape.n);
  shape.weights = w;
  shape.read = w + (backward ? y : x);
  shape.write = backward ? x : y;
  return shape;
}

/// Gates of a cell: matmuls of the hidden state a step.
double gates(std::string_view op) {
  if (op.find("lstm") != std::string_view::npos) return 4;
  return op.find("gru") != std::string_view::npos ? 3 : 1;
}

/// The recurrent matmuls, one after the other; the gradient of the weights is one matmul over all
/// steps. DeepBench skips the matmul of the inputs (cuDNN's CUDNN_SKIP_INPUT): with it, 126 of 133
/// published GRU weight gradients would beat their device's peak.
std::vector<OpShape> recurrent_parts(const MeasurementRow& row, const FormatScheme& scheme) {
  const double hidden = row.need("hidden");
  const double batch = row.need("n");
  const double steps = row.need("timesteps");
  const std::string_view op = row.text("op");
  const double width = gates(op) * hidden;
  OpShape recurrent = matmul_shape(scheme, batch, width, hidden);
  recurrent.steps = steps;
  recurrent.work = steps * recurrent.work;
  recurrent.read = recurrent.weights + steps * (recurrent.read - recurrent.weights);
  recurrent.write = steps * recurrent.write;
  const OpShape inputs = matmul_shape(scheme, batch * steps, width, hidden);
  if (op.ends_with("bwd_params")) return {inputs};
  if (op.ends_with("_bwd")) return {recurrent, inputs};
  return {recurrent};
}

}  // namespace

std::string deepbench_kernel(const MeasurementRow& row) {
  const std::string_view algorithm = row.text("algo");
  // cuDNN's names, MIOpen's, and one that the source cut off ("LICIT_PRECOMP_GEMM").
  if (algorithm.find("NONFUSED") != std::string_view::npos) return "winograd, transforms apart";
  for (const auto& [word, name] :
       {std::pair{"inograd", "winograd"}, std::pair{"WINOGRAD", "winograd"},
        std::pair{"FFT", "transform"}, std::pair{"Direct", "direct"},
        std::pair{"PRECOMP", "implicit, indices ahead"}, std::pair{"IMPLICIT", "implicit"},
        std::pair{"GEMM", "matmul"}}) {
    if (algorithm.find(word) != std::string_view::npos) return name;
  }
  return std::string(row.text("trans"));
}

std::vector<OpShape> deepbench_parts(const MeasurementRow& row, const FormatScheme& scheme) {
  const std::string_view op = row.text("op");
  if (op == "gemm") return {matmul_shape(scheme, row.need("n"), row.need("m"), row.need("k"))};
  if (op.starts_with("conv_")) return {convolution_shape(row, scheme)};
  if (op.starts_with("rnn_")) return recurrent_parts(row, scheme);
  return {};
}

}  // namespace fastpath
