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

bool widens_weights(const Plan& plan, const Block& block, const Op& op) {
  if (op.kind != OpKind::matmul && op.kind != OpKind::grouped_matmul) return false;
  const NumberFormat weight = block.tensors[op.inputs[1]].format;
  const NumberFormat engine = compute_format_of(plan, block, op);
  return engine == block.tensors[op.inputs[0]].format &&
         bytes_per_element(weight) < bytes_per_element(engine);
}

Task widening(const Splitting& splitting, const Block& block, const Op& op, Task& product) {
  const double scale = bytes_per_element(compute_format_of(splitting.plan(), block, op)) /
                       bytes_per_element(block.tensors[op.inputs[1]].format);
  Task task;
  task.op = product.op;
  task.replication = product.replication;
  task.shape.kind = OpKind::elementwise;
  task.shape.read = product.shape.weights;
  task.shape.weights = product.shape.weights;
  task.shape.write = scale * product.shape.weights;
  product.shape.read += task.shape.write - product.shape.weights;
  product.shape.weights = task.shape.write;
  return task;
}

}  // namespace fastpath
