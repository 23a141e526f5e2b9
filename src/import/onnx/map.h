/// From a flat graph to the operators of a workload.
#pragma once

#include <string_view>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/workload.h"

#include "import/onnx/graph.h"

namespace fastpath::onnx_import {

/// An operator with the region (loop body) it runs in.
struct Step {
  Op op;
  std::uint32_t region = 0;
};

/// The whole graph as one list; tensors are numbered over all of it.
struct Emission {
  std::vector<Dim> dims;
  std::vector<Tensor> tensors;
  std::vector<Step> steps;
  std::vector<Op> host;  ///< views, what FlatGraph::host is, and the call
};

/// Whether the operator is mapped as one, so that its function body is not needed.
bool is_mapped(const ::onnx::NodeProto& node);

/// Whether an operator that nobody knows may be counted by its traffic alone: where the file states
/// its output's shape.
bool is_opaque_candidate(const ::onnx::NodeProto& node);

/// Errors: tensors of strings and others without a number format.
Result<Imported<Emission>> map_graph(const FlatGraph& graph, std::string_view file, Phase phase);

}  // namespace fastpath::onnx_import
