/// From a parsed model to one list of nodes with shapes: functions are inlined, the branch of an If
/// is chosen, bodies of Loop and Scan become regions with a repeat count, shape arithmetic and
/// whatever depends on weights alone is done away with.
#pragma once

#include <string_view>

#include "fastpath/result.h"

#include "import/onnx/graph.h"
#include "import/onnx/options.h"

namespace fastpath::onnx_import {

/// `model` must outlive the result. Errors: all dynamic dimensions without a size, all operators
/// without a shape, names that nothing writes, unknown names in options.dims, too large.
Result<Imported<FlatGraph>> flatten(const ::onnx::ModelProto& model, std::string_view file,
                                    const OnnxOptions& options);

}  // namespace fastpath::onnx_import
