/// The arrow form of an operator: "x[batch seq hidden], w[hidden ffn] -> y[batch seq ffn]".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

namespace fastpath {

struct ArrowAxis {
  std::string dim;
  bool routed = false;  ///< written @dim
  int offset = 0;       ///< in the text, in bytes
};

/// A tensor, with its shape where it is given.
struct ArrowTensor {
  std::string name;
  std::optional<std::vector<ArrowAxis>> axes;
  int offset = 0;
};

struct Arrow {
  std::vector<ArrowTensor> inputs;
  std::vector<ArrowTensor> outputs;
};

/// Reads tensors on both sides of one "->", separated by commas; axes are separated by white space.
/// A name is a word, or anything inside backquotes (a backquote itself doubled). At most 256
/// tensors of at most 32 axes. `start` is the place of the text; all mistakes until the first that
/// hides the rest.
Result<Arrow> parse_arrow(std::string_view text, const Place& start);

/// Reads "[batch seq hidden]" or "batch seq hidden".
Result<std::vector<ArrowAxis>> parse_shape(std::string_view text, const Place& start);

/// A name as the arrow form reads it back: in backquotes where it must be.
std::string arrow_name(std::string_view name);

}  // namespace fastpath
