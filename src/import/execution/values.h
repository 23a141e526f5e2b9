/// Inputs and outputs of nodes: lists of values, shapes and types side by side.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "import/execution/node.h"

namespace fastpath {

/// Of PyTorch's JSON. Lists of tensors become one value each. Lists may be of any kind and length:
/// what does not fit is a value that says nothing.
std::vector<NodeValue> read_node_values(const simdjson::dom::element& values,
                                        const simdjson::dom::element& shapes,
                                        const simdjson::dom::element& types);

/// The same of texts as Python prints lists: "[[5, 6, 0, 1024, 4, 'cuda:0'], None]".
std::vector<NodeValue> read_node_values(std::string_view values, std::string_view shapes,
                                        std::string_view types);

/// Bytes of one element of a type: "Tensor(float)", "BFloat16", "long int"; 0 = unknown.
double bytes_of_type(std::string_view type);

/// A list as Python prints it, as JSON.
std::string json_of_python(std::string_view text);

}  // namespace fastpath
