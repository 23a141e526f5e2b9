/// Cuts a list of operators into blocks, so that pipelines can split any model and equal blocks are
/// costed once.
#pragma once

#include <string>

#include "fastpath/workload.h"

#include "import/onnx/graph.h"
#include "import/onnx/map.h"

namespace fastpath::onnx_import {

/// Cuts lie where one activation alone is live (side inputs that many operators read, such as
/// masks, do not count) and at loops. A block holds one unit with products and what follows it
/// until the next. Runs of equal blocks, also of pairs and triples, become one block with a repeat
/// count: equal but for names and for which dims they use, of the same sizes and kinds.
/// `as_executed`: a graph without loops stays whole.
Workload make_workload(const FlatGraph& graph, Emission emission, std::string name, Phase phase,
                       bool as_executed);

}  // namespace fastpath::onnx_import
