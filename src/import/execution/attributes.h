/// What nodes say by named attributes, the same in all forms of the files.
#pragma once

#include <string_view>

#include "import/execution/node.h"

namespace fastpath {

/// `number` is 0 where the attribute is a text, and `text` empty where it is a number or a truth.
struct Attribute {
  std::string_view name;
  double number = 0;
  std::string_view text;
};

/// Of Chakra's nodes and of PyTorch's; others say nothing to us.
void apply_attribute(const Attribute& attribute, ExecutionNode& node);

/// Chakra's NodeType: 4 computes, 5 and 6 send and receive, 7 is a collective, 2 and 3 load and
/// store; all others are labels.
NodeKind kind_of_chakra(std::int64_t type);

/// A whole number from a double, 0 where it does not fit.
std::int64_t whole_of(double number);

}  // namespace fastpath
