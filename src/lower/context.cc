#include "lower/context.h"

namespace fastpath {

NumberFormat compute_format_of(const Plan& plan, const Block& block, const Op& op) {
  const NumberFormat activation =
      block.tensors[op.inputs.empty() ? op.outputs[0] : op.inputs[0]].format;
  const bool contraction = op.kind == OpKind::matmul || op.kind == OpKind::grouped_matmul ||
                           op.kind == OpKind::convolution;
  if (!contraction) return activation;
  if (plan.compute_format) return *plan.compute_format;
  const NumberFormat weight = block.tensors[op.inputs[1]].format;
  switch (weight) {
    case NumberFormat::fp8:
    case NumberFormat::mxfp8:
    case NumberFormat::int8:
    case NumberFormat::nvfp4: return weight;
    default: return activation;
  }
}

}  // namespace fastpath
