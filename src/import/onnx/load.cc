#include "import/onnx/load.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>

#include "import/onnx/limits.h"

namespace fastpath::onnx_import {
namespace {

using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;
using Nodes = google::protobuf::RepeatedPtrField<NodeProto>;
using Users = std::unordered_map<std::string_view, std::vector<int>>;

Place place_in(std::string_view file) { return {std::string(file), 0, 0}; }

bool parses(ModelProto& model, std::string_view bytes) {
  const google::protobuf::LogSilencer silence;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kMaxMessageDepth);
  return model.MergePartialFromCodedStream(&stream) && stream.ConsumedEntireMessage() &&
         model.IsInitialized();
}

void add_reads(const GraphProto& graph, int depth, std::unordered_set<std::string_view>& reads);

/// What a node reads: its inputs, and what its bodies read of the graphs around them.
void add_reads(const NodeProto& node, int depth, std::unordered_set<std::string_view>& reads) {
  for (const std::string& name : node.input()) {
    if (!name.empty()) reads.insert(name);
  }
  if (depth > kMaxScopeDepth) return;
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) add_reads(attribute.g(), depth + 1, reads);
    for (const GraphProto& graph : attribute.graphs())
      add_reads(graph, depth + 1, reads);
  }
}

void add_reads(const GraphProto& graph, int depth, std::unordered_set<std::string_view>& reads) {
  std::unordered_set<std::string_view> inner;
  for (const NodeProto& node : graph.node())
    add_reads(node, depth, inner);
  for (const auto& output : graph.output())
    inner.insert(output.name());
  for (const auto& input : graph.input())
    inner.erase(input.name());
  for (const auto& tensor : graph.initializer())
    inner.erase(tensor.name());
  for (const NodeProto& node : graph.node()) {
    for (const std::string& name : node.output())
      inner.erase(name);
  }
  reads.insert(inner.begin(), inner.end());
}

std::string label(const NodeProto& node) {
  const std::string& name =
      node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
  return "'" + name + "' (" + node.op_type() + ")";
}

}  // namespace

Result<ModelProto> parse_model(std::string_view bytes, std::string_view file) {
  if (bytes.empty()) return failure(place_in(file), "the file is empty", "give an ONNX model");
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return failure(place_in(file), "the file is larger than 2 GB, which protobuf cannot read",
                   "save the model with external data: only the graph is needed");
  }
  ModelProto model;
  if (!parses(model, bytes)) {
    return failure(place_in(file), "this is not an ONNX model, or it is cut off or damaged",
                   "check that the file was copied whole (not a Git LFS pointer) and is ONNX");
  }
  if (!model.has_graph() || (model.graph().node_size() == 0 && model.graph().output_size() == 0)) {
    return failure(place_in(file), "this ONNX model has no graph",
                   "check that the file is a model, not a tensor or a training checkpoint");
  }
  return model;
}

Result<std::vector<int>> execution_order(const Nodes& nodes, std::string_view file) {
  std::unordered_map<std::string_view, int> writer;
  for (int i = 0; i < nodes.size(); ++i) {
    for (const std::string& name : nodes[i].output()) {
      if (name.empty() || writer.emplace(name, i).second) continue;
      return failure(place_in(file), "two nodes write the tensor '" + name + "'",
                     "names of tensors are unique in a graph: export the model again");
    }
  }
  std::vector<std::vector<int>> users(static_cast<std::size_t>(nodes.size()));
  std::vector<int> waits(static_cast<std::size_t>(nodes.size()), 0);
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < nodes.size(); ++i) {
    std::unordered_set<std::string_view> reads;
    add_reads(nodes[i], 0, reads);
    for (const std::string_view name : reads) {
      const auto found = writer.find(name);
      if (found == writer.end()) continue;
      users[static_cast<std::size_t>(found->second)].push_back(i);
      ++waits[static_cast<std::size_t>(i)];
    }
    if (waits[static_cast<std::size_t>(i)] == 0) ready.push(i);
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int next = ready.top();
    ready.pop();
    order.push_back(next);
    for (const int user : users[static_cast<std::size_t>(next)]) {
      if (--waits[static_cast<std::size_t>(user)] == 0) ready.push(user);
    }
  }
  if (order.size() == static_cast<std::size_t>(nodes.size())) return order;
  const auto stuck = std::find_if(waits.begin(), waits.end(), [](int n) { return n > 0; });
  const auto index = static_cast<int>(stuck - waits.begin());
  return failure(place_in(file), "the graph has a cycle through node " + label(nodes[index]),
                 "a model computes each tensor from earlier ones: export it again");
}

}  // namespace fastpath::onnx_import
