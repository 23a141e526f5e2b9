#include "import/onnx/read.h"

#include <exception>
#include <vector>

#include <google/protobuf/stubs/logging.h>

#include "import/onnx/blocks.h"
#include "import/onnx/flatten.h"
#include "import/onnx/load.h"
#include "import/onnx/map.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

using onnx_import::FlatGraph;
using onnx_import::HostNode;
using onnx_import::Node;

/// Keeps the nodes whose outputs are needed, or that `stays` says so of; what they read is needed,
/// too.
template <class N, class Stays>
void keep_needed(std::vector<N>& nodes, std::vector<bool>& needed, Stays stays) {
  std::vector<N> kept;
  for (std::size_t i = nodes.size(); i-- > 0;) {
    N& node = nodes[i];
    bool used = stays(node);
    for (const auto id : node.outputs)
      used = used || (id != onnx_import::kNone && needed[id]);
    if (!used) continue;
    for (const auto id : node.inputs) {
      if (id != onnx_import::kNone) needed[id] = true;
    }
    kept.push_back(std::move(node));
  }
  nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
}

/// Nodes that no output needs are not run. Those of loops stay: the next iteration may need them.
void drop_unused(FlatGraph& graph) {
  std::vector<bool> needed(graph.values.size(), false);
  for (const auto id : graph.outputs)
    needed[id] = true;
  keep_needed(graph.nodes, needed, [](const Node& node) { return node.region != 0; });
  keep_needed(graph.host, needed, [](const HostNode& node) { return node.kind == OpKind::branch; });
}

std::string base_name(std::string_view file) {
  const std::size_t slash = file.find_last_of('/');
  std::string name(slash == std::string_view::npos ? file : file.substr(slash + 1));
  const std::size_t dot = name.rfind(".onnx");
  if (dot != std::string::npos && dot > 0) name.resize(dot);
  return name.empty() ? "model" : name;
}

Result<Imported<Workload>> read_checked(std::string_view bytes, std::string_view file,
                                        const OnnxOptions& options) {
  const Place place{std::string(file), 0, 0};
  const auto model = onnx_import::parse_model(bytes, file);
  if (!model) return failure(model.error());
  auto flat = onnx_import::flatten(*model, file, options);
  if (!flat) return failure(flat.error());
  drop_unused(flat->value);
  auto mapped = onnx_import::map_graph(flat->value, file, options.phase);
  if (!mapped) return failure(mapped.error());
  if (mapped->value.steps.empty()) {
    return failure(place, "the model computes nothing: its outputs are constants or its inputs",
                   "give a model with operators that depend on its inputs");
  }
  Imported<Workload> result;
  result.warnings = std::move(flat->warnings);
  result.warnings.insert(result.warnings.end(), mapped->warnings.begin(), mapped->warnings.end());
  result.value = onnx_import::make_workload(flat->value, std::move(mapped->value), base_name(file),
                                            options.phase, options.as_executed);
  Diagnostics mistakes;
  for (std::string& what : mistakes_in(result.value)) {
    mistakes.push_back({place, "the model cannot be expressed: " + what,
                        "report it with the model, if it runs elsewhere"});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return result;
}

}  // namespace

Result<Imported<Workload>> read_onnx(std::string_view bytes, std::string_view file,
                                     const OnnxOptions& options) {
  const google::protobuf::LogSilencer silence;
  try {
    return read_checked(bytes, file, options);
  } catch (const std::exception& error) {
    return failure({std::string(file), 0, 0},
                   std::string("the ONNX library could not read the model: ") + error.what(),
                   "check the model with onnx.checker");
  }
}

}  // namespace fastpath
