/// A model without control flow and functions: every tensor has a shape, nodes are in order.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/number_format.h"
#include "fastpath/workload.h"

#include "import/onnx/proto.h"

namespace fastpath::onnx_import {

using Shape = std::vector<std::int64_t>;
using ValueId = std::uint32_t;
inline constexpr ValueId kNone = std::numeric_limits<ValueId>::max();

/// Contents of a small tensor. Every 64-bit integer and every double is exact in a long double of
/// the platforms we build for.
static_assert(std::numeric_limits<long double>::digits >= 64);
struct Known {
  Shape shape;
  std::vector<long double> data;  ///< row-major, as many as the shape says
};

enum class Source : std::uint8_t { computed, input, constant };

struct Value {
  std::string name;
  int type = 0;    ///< TensorProto::DataType
  int stored = 0;  ///< constants: the type in the file; int8 for a weight that is dequantised
  Shape shape;
  Source source = Source::computed;
  std::shared_ptr<const Known> known;
  /// Constants: the stored tensor this one is derived from (itself if stored); a weight that is
  /// transposed or dequantised at load time is still one weight.
  ValueId root = kNone;
  /// Names of the symbolic dimensions by axis where the file gives them, else empty.
  std::vector<std::string> symbols;
  bool open_shape = false;    ///< some sizes are not in the file: given from outside, or derived
  bool open_content = false;  ///< known here from such sizes, which a runtime computes each time
};

/// What no operator of the graph stands for, but a runtime executes each time: the arithmetic on
/// open shapes, and branches that it cannot choose beforehand.
struct HostNode {
  std::string name;
  std::string output;
  OpKind kind = OpKind::host;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  double operators = 0;  ///< of a branch
};

struct Node {
  std::string name;
  const ::onnx::NodeProto* proto = nullptr;  ///< attributes; its input names do not count
  int opset = 0;                             ///< of the operator's domain
  std::vector<ValueId> inputs;               ///< kNone where an optional input is left out
  std::vector<ValueId> outputs;              ///< kNone where not wanted
  std::uint32_t region = 0;                  ///< index in FlatGraph::regions

  const std::string& type() const { return proto->op_type(); }
};

/// A loop body, or the graph itself (region 0).
struct Region {
  double repeat = 1;  ///< times executed in all
};

struct FlatGraph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<HostNode> host;  ///< in order
  std::vector<Region> regions{{}};
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::deque<::onnx::NodeProto> owned;          ///< nodes that are not in the file as such
  std::deque<::onnx::FunctionProto> functions;  ///< bodies of the library's function operators
};

/// The domain of nodes that stand for what a loop does with its tensors.
inline constexpr const char* kLoopDomain = "fastpath.loop";
inline constexpr const char* kStackIterations = "StackIterations";  ///< x -> [trips, x...]
inline constexpr const char* kSliceIteration = "SliceIteration";    ///< x without its `axis`

/// Axes count from the back where negative. None if out of range.
std::optional<std::size_t> axis_of(std::int64_t axis, std::size_t rank);

/// Product of the sizes; none beyond kMaxElements or with a negative size.
std::optional<std::int64_t> element_count(const Shape& shape);

/// None for strings and types that have no number format.
std::optional<NumberFormat> format_of(int data_type);

bool is_floating(int data_type);

std::string shape_text(const Shape& shape);

}  // namespace fastpath::onnx_import
