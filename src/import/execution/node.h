/// Nodes of execution traces, as far as a program is made of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/number_format.h"
#include "fastpath/quantity.h"

namespace fastpath {

enum class NodeKind : std::uint8_t { label, operation, collective, send, receive, load, store };

/// What goes into or out of a node: a tensor, or something else.
struct NodeValue {
  bool tensor = false;
  bool on_host = false;
  std::int64_t storage = -1;  ///< names its memory
  std::vector<double> sizes;
  std::optional<NumberFormat> format;
  Bytes bytes;                  ///< of all elements
  std::vector<double> numbers;  ///< of no tensor
  std::string text;             ///< of no tensor
};

struct ExecutionNode {
  std::int64_t id = -1;
  std::string name;
  NodeKind kind = NodeKind::label;
  std::int64_t parent = -1;
  std::vector<std::int64_t> after;
  Seconds measured;  ///< 0 = not stated
  bool on_host = false;
  bool has_schema = false;  ///< an operator of a framework, as its host recorded it
  std::vector<NodeValue> inputs;
  std::vector<NodeValue> outputs;
  double work = 0;  ///< floating-point operations, where the trace counts them
  Bytes traffic;
  std::string collective;
  std::int64_t collective_type = -1;  ///< Chakra's number of it
  std::string type;                   ///< of its elements
  double elements_in = 0;
  double elements_out = 0;
  Bytes message;  ///< what this rank gives
  std::string group;
  std::int64_t group_size = 0;
  std::int64_t source = -1;
  std::int64_t destination = -1;
  std::int64_t tag = 0;
};

/// One rank's file.
struct ExecutionFile {
  std::string title;
  std::int64_t rank = -1;  ///< by the file's name; -1 = it does not say
  bool nested = false;     ///< nodes stand for the nodes that name them as parent
  std::vector<ExecutionNode> nodes;
  std::int64_t skipped = 0;  ///< nodes that could not be read
  bool cut_off = false;
};

}  // namespace fastpath
