#include "import/onnx/op_table.h"

#include <string>
#include <unordered_map>

#include "import/onnx/graph.h"

namespace fastpath::onnx_import {
namespace {

using OpTable = std::unordered_map<std::string_view, OpEntry>;
using F = Family;

const OpTable& elementwise_table() {
  static const OpTable table{
      {"Add", {F::elementwise, "add", 1}},
      {"Sub", {F::elementwise, "sub", 1}},
      {"Mul", {F::elementwise, "mul", 1}},
      {"Div", {F::elementwise, "div", 1}},
      {"Mod", {F::elementwise, "mod", 1}},
      {"Pow", {F::elementwise, "pow", 1}},
      {"And", {F::elementwise, "and", 1}},
      {"Or", {F::elementwise, "or", 1}},
      {"Xor", {F::elementwise, "xor", 1}},
      {"Not", {F::elementwise, "not", 1}},
      {"BitShift", {F::elementwise, "bit_shift", 1}},
      {"BitwiseAnd", {F::elementwise, "bitwise_and", 1}},
      {"BitwiseOr", {F::elementwise, "bitwise_or", 1}},
      {"BitwiseXor", {F::elementwise, "bitwise_xor", 1}},
      {"BitwiseNot", {F::elementwise, "bitwise_not", 1}},
      {"Equal", {F::elementwise, "equal", 1}},
      {"Less", {F::elementwise, "less", 1}},
      {"LessOrEqual", {F::elementwise, "less_or_equal", 1}},
      {"Greater", {F::elementwise, "greater", 1}},
      {"GreaterOrEqual", {F::elementwise, "greater_or_equal", 1}},
      {"Max", {F::elementwise, "max", 1}},
      {"Min", {F::elementwise, "min", 1}},
      {"Sum", {F::elementwise, "add", 1}},
      {"Mean", {F::elementwise, "mean", 1}},
      {"Where", {F::elementwise, "where", 1}},
      {"Abs", {F::elementwise, "abs", 1}},
      {"Neg", {F::elementwise, "neg", 1}},
      {"Sign", {F::elementwise, "sign", 1}},
      {"Ceil", {F::elementwise, "ceil", 1}},
      {"Floor", {F::elementwise, "floor", 1}},
      {"Round", {F::elementwise, "round", 1}},
      {"Reciprocal", {F::elementwise, "reciprocal", 1}},
      {"Sqrt", {F::elementwise, "sqrt", 1}},
      {"Exp", {F::elementwise, "exp", 1}},
      {"Log", {F::elementwise, "log", 1}},
      {"Erf", {F::elementwise, "erf", 1}},
      {"Sin", {F::elementwise, "sin", 1}},
      {"Cos", {F::elementwise, "cos", 1}},
      {"Tan", {F::elementwise, "tan", 1}},
      {"Asin", {F::elementwise, "asin", 1}},
      {"Acos", {F::elementwise, "acos", 1}},
      {"Atan", {F::elementwise, "atan", 1}},
      {"Sinh", {F::elementwise, "sinh", 1}},
      {"Cosh", {F::elementwise, "cosh", 1}},
      {"Asinh", {F::elementwise, "asinh", 1}},
      {"Acosh", {F::elementwise, "acosh", 1}},
      {"Atanh", {F::elementwise, "atanh", 1}},
      {"Tanh", {F::elementwise, "tanh", 1}},
      {"IsNaN", {F::elementwise, "is_nan", 1}},
      {"IsInf", {F::elementwise, "is_inf", 1}},
      {"Clip", {F::elementwise, "clip", 2}},
      {"CumSum", {F::elementwise, "cumulative_sum", 1}},
      {"Cast", {F::elementwise, "cast", 1}},
      {"CastLike", {F::elementwise, "cast", 1}},
      {"QuantizeLinear", {F::elementwise, "quantize", 5}},  // scale, shift, round, two bounds
      {"DequantizeLinear", {F::elementwise, "dequantize", 2}},
      {"DynamicQuantizeLinear", {F::elementwise, "dynamic_quantize", 7}},  // and the range
      {"QLinearAdd", {F::elementwise, "quantized_add", 10}},
      {"QLinearMul", {F::elementwise, "quantized_mul", 10}},
      {"QLinearSigmoid", {F::elementwise, "quantized_sigmoid", 11}},
      {"QLinearLeakyRelu", {F::elementwise, "quantized_leaky_relu", 9}},
      {"Trilu", {F::elementwise, "trilu", 1}},
      {"RandomNormalLike", {F::elementwise, "random", 1}},
      {"RandomUniformLike", {F::elementwise, "random", 1}},
      {"Bernoulli", {F::elementwise, "random", 1}},
      {"EyeLike", {F::elementwise, "eye", 1}},
  };
  return table;
}

const OpTable& activation_table() {
  static const OpTable table{
      {"Relu", {F::elementwise, "relu", 1}},
      {"LeakyRelu", {F::elementwise, "leaky_relu", 2}},
      {"PRelu", {F::elementwise, "prelu", 2}},
      {"ThresholdedRelu", {F::elementwise, "thresholded_relu", 1}},
      {"Sigmoid", {F::elementwise, "sigmoid", 4}},
      {"HardSigmoid", {F::elementwise, "hard_sigmoid", 4}},
      {"HardSwish", {F::elementwise, "hard_swish", 5}},
      {"Swish", {F::elementwise, "silu", 5}},
      {"Mish", {F::elementwise, "mish", 5}},
      {"Softplus", {F::elementwise, "softplus", 3}},
      {"Softsign", {F::elementwise, "softsign", 3}},
      {"Elu", {F::elementwise, "elu", 4}},
      {"Selu", {F::elementwise, "selu", 5}},
      {"Celu", {F::elementwise, "celu", 5}},
      {"Shrink", {F::elementwise, "shrink", 3}},
      {"Gelu", {F::elementwise, "gelu", 5}},  // scale, erf, add, product, a half
      {"BiasGelu", {F::elementwise, "bias_gelu", 6}},
      {"FastGelu", {F::elementwise, "gelu_tanh", 8}},
      {"QuickGelu", {F::elementwise, "quick_gelu", 5}},
      {"BiasSplitGelu", {F::elementwise, "bias_split_gelu", 7}},
      {"RotaryEmbedding", {F::elementwise, "rotary_embedding", 3}},
  };
  return table;
}

const OpTable& movement_table() {
  static const OpTable table{
      {"Reshape", {F::view, "", 0}},
      {"Flatten", {F::view, "", 0}},
      {"Squeeze", {F::view, "", 0}},
      {"Unsqueeze", {F::view, "", 0}},
      {"Identity", {F::view, "", 0}},
      {"Dropout", {F::view, "", 0}},
      {"Optional", {F::view, "", 0}},
      {"Transpose", {F::transpose, "transpose", 1}},
      {"Concat", {F::copy, "concat", 1}},
      {"QLinearConcat", {F::copy, "concat", 1}},
      {"Slice", {F::copy, "slice", 1}},
      {"Split", {F::copy, "split", 1}},
      {"Pad", {F::copy, "pad", 1}},
      {"Tile", {F::copy, "tile", 1}},
      {"Expand", {F::copy, "expand", 1}},
      {"Resize", {F::copy, "resize", 1}},
      {"Upsample", {F::copy, "resize", 1}},
      {"DepthToSpace", {F::copy, "depth_to_space", 1}},
      {"SpaceToDepth", {F::copy, "space_to_depth", 1}},
      {"CenterCropPad", {F::copy, "center_crop_pad", 1}},
      {"ReverseSequence", {F::copy, "reverse_sequence", 1}},
      {"Scatter", {F::copy, "scatter", 1}},
      {"ScatterElements", {F::copy, "scatter", 1}},
      {"ScatterND", {F::copy, "scatter", 1}},
      {"TensorScatter", {F::copy, "scatter", 1}},
      {"GatherElements", {F::copy, "gather_elements", 1}},
      {"GatherND", {F::copy, "gather_nd", 1}},
      {"Compress", {F::copy, "compress", 1}},
      {"OneHot", {F::copy, "one_hot", 1}},
      {"Range", {F::copy, "range", 1}},
      {"ConstantOfShape", {F::copy, "fill", 1}},
      {"RandomNormal", {F::copy, "random", 1}},
      {"RandomUniform", {F::copy, "random", 1}},
      {"Gather", {F::gather, "gather", 1}},
      {"MaxUnpool", {F::copy, "max_unpool", 1}},
      {"Col2Im", {F::copy, "col2im", 1}},
  };
  return table;
}

const OpTable& contraction_table() {
  static const OpTable table{
      {"MatMul", {F::matmul, "", 0}},
      {"MatMulInteger", {F::matmul, "", 0}},
      {"QLinearMatMul", {F::matmul, "", 0}},
      {"Gemm", {F::matmul, "", 0}},
      {"FusedMatMul", {F::matmul, "", 0}},
      {"TransposeMatMul", {F::matmul, "", 0}},
      {"FusedGemm", {F::matmul, "", 0}},
      {"QGemm", {F::matmul, "", 0}},
      {"MatMulIntegerToFloat", {F::matmul, "", 0}},
      {"DynamicQuantizeMatMul", {F::matmul, "", 0}},
      {"MatMulNBits", {F::matmul, "", 0}},
      {"Einsum", {F::einsum, "", 0}},
      {"Conv", {F::conv, "", 0}},
      {"FusedConv", {F::conv, "", 0}},
      {"ConvInteger", {F::conv, "", 0}},
      {"QLinearConv", {F::conv, "", 0}},
      {"ConvTranspose", {F::conv_transpose, "", 0}},
  };
  return table;
}

const OpTable& other_table() {
  static const OpTable table{
      {"MaxPool", {F::pool, "max_pool", 1}},
      {"AveragePool", {F::pool, "average_pool", 1}},
      {"LpPool", {F::pool, "lp_pool", 1}},
      {"GlobalAveragePool", {F::reduce, "mean", 1}},
      {"GlobalMaxPool", {F::reduce, "max", 1}},
      {"GlobalLpPool", {F::reduce, "lp_norm", 1}},
      {"QLinearGlobalAveragePool", {F::reduce, "mean", 1}},
      {"ReduceSum", {F::reduce, "sum", 1}},
      {"ReduceMean", {F::reduce, "mean", 1}},
      {"ReduceMax", {F::reduce, "max", 1}},
      {"ReduceMin", {F::reduce, "min", 1}},
      {"ReduceProd", {F::reduce, "prod", 1}},
      {"ReduceL1", {F::reduce, "l1", 2}},
      {"ReduceL2", {F::reduce, "l2", 2}},
      {"ReduceSumSquare", {F::reduce, "sum_square", 2}},
      {"ReduceLogSum", {F::reduce, "log_sum", 1}},
      {"ReduceLogSumExp", {F::reduce, "log_sum_exp", 2}},
      {"ArgMax", {F::reduce, "arg_max", 1}},
      {"ArgMin", {F::reduce, "arg_min", 1}},
      {"Softmax", {F::softmax, "softmax", 5}},  // maximum, subtract, exp, sum, divide
      {"LogSoftmax", {F::softmax, "log_softmax", 5}},
      {"Hardmax", {F::softmax, "hardmax", 2}},
      {"QLinearSoftmax", {F::softmax, "softmax", 12}},
      {"LayerNormalization",
       {F::layer_norm, "layer_norm", 7}},  // sum; 3 for the variance; scale; affine
      {"SkipLayerNormalization", {F::layer_norm, "skip_layer_norm", 8}},
      {"LpNormalization", {F::softmax, "lp_norm", 3}},
      {"MeanVarianceNormalization", {F::channel_norm, "mean_variance_norm", 5}},
      {"InstanceNormalization", {F::channel_norm, "instance_norm", 7}},
      {"GroupNormalization", {F::channel_norm, "group_norm", 7}},
      {"GroupNorm", {F::channel_norm, "group_norm", 7}},
      {"RMSNormalization", {F::rms_norm, "rms_norm", 4}},
      {"SimplifiedLayerNormalization", {F::rms_norm, "rms_norm", 4}},
      {"SkipSimplifiedLayerNormalization", {F::rms_norm, "skip_rms_norm", 5}},
      {"BatchNormalization", {F::batch_norm, "batch_norm", 2}},  // as scale and shift
      {"LRN", {F::elementwise, "local_response_norm", 5}},
      {"LSTM", {F::recurrent, "lstm", 1}},
      {"GRU", {F::recurrent, "gru", 1}},
      {"RNN", {F::recurrent, "rnn", 1}},
      {"MultiHeadAttention", {F::attention, "", 0}},
      {"GroupQueryAttention", {F::attention, "", 0}},
      {"EmbedLayerNormalization", {F::embed_norm, "embed_layer_norm", 9}},
      {"TopK", {F::top_k, "top_k", 1}},
      {"SoftmaxCrossEntropyLoss", {F::loss, "cross_entropy", 6}},
      {"NegativeLogLikelihoodLoss", {F::loss, "nll_loss", 2}},
      {"NonMaxSuppression", {F::opaque, "non_max_suppression", 1}},
      {"NonZero", {F::opaque, "non_zero", 1}},
      {"Unique", {F::opaque, "unique", 1}},
      {"RoiAlign", {F::opaque, "roi_align", 1}},
      {"MaxRoiPool", {F::opaque, "max_roi_pool", 1}},
      {"GridSample", {F::opaque, "grid_sample", 1}},
      {"DFT", {F::opaque, "dft", 1}},
      {"STFT", {F::opaque, "stft", 1}},
      {"Det", {F::opaque, "det", 1}},
      {"Multinomial", {F::opaque, "multinomial", 1}},
      {"MelWeightMatrix", {F::opaque, "mel_weight_matrix", 1}},
      {"HannWindow", {F::opaque, "window", 1}},
      {"HammingWindow", {F::opaque, "window", 1}},
      {"BlackmanWindow", {F::opaque, "window", 1}},
  };
  return table;
}

}  // namespace

OpEntry entry_of(const ::onnx::NodeProto& node) {
  if (node.domain() == kLoopDomain) return {Family::copy, "loop", 0};
  const std::string_view domain = domain_of(node.domain());
  const std::string& op = node.op_type();
  if (op == "Attention") {
    return {domain.empty() ? Family::attention : Family::packed_attention, "", 0};
  }
  if (!domain.empty() && domain != "com.microsoft") return {};
  for (const OpTable* table : {&elementwise_table(), &activation_table(), &movement_table(),
                               &contraction_table(), &other_table()}) {
    const auto found = table->find(op);
    if (found != table->end()) return found->second;
  }
  return {};
}

}  // namespace fastpath::onnx_import
